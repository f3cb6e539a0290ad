"""Vectors of papers: computed once per model, stored, served until those of a better model are complete."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

import numpy as np

from digest.db import Database
from digest.db.embeddings import StoredModel, compute_text_key
from digest.models.errors import ConfigError
from digest.pipeline.day import CANDIDATE_WINDOW, MAX_BACKGROUND_PAPERS
from digest.ranking.array_types import Floats
from digest.ranking.embeddings import (
    EmbeddingModel,
    Encoder,
    StorableEmbeddingModel,
    normalize_rows,
    pack_vector,
    unpack_vector,
)
from digest.sources.base import ProgressCallback

MAX_SEARCHABLE_PAPERS = 50_000  # the newest papers, whose vectors are kept for the search
BATCH_SIZE = 256  # texts embedded and stored at once
RELEARN_SIZES = (64, 256, 1024, 4096)  # a model that learns from texts learns anew at these numbers of texts
EMBEDDED_AT_KEY = "vectors_at"  # meta key: when vectors were computed last

ModelLoader = Callable[[str], StorableEmbeddingModel | None]  # by the name in settings


def embed_recent_papers(
    store: Database,
    model: StorableEmbeddingModel | None,
    now: datetime,
    *,
    on_progress: ProgressCallback | None = None,
) -> int:
    """Compute the missing vectors of candidates and background papers; return how many were computed.

    For a new model, or one that has learnt more, all are computed anew, and the old ones serve until
    `digest.pipeline.embed_backlog` has been through everything else. Resumes where it was interrupted.
    """
    texts = _load_texts(store, now)
    if model is None or not texts:
        return 0
    stored = _find_or_add_model(store, model, list(texts.values()), now)
    missing, done = find_unembedded(store, stored, texts), 0
    for count in embed_texts(store, model, stored, missing):
        if on_progress:
            on_progress(f"vectors by {stored.name}", done, len(missing))
        done += count
    if missing:
        with store.begin() as tx:
            tx.meta.write(EMBEDDED_AT_KEY, now.isoformat())
    return len(missing)


def find_unembedded(store: Database, stored: StoredModel, texts: Mapping[int, str]) -> Mapping[int, str]:
    """Return those of these texts, by their keys, of which the model has no vector."""
    with store.begin(write=False) as tx:
        existing = tx.vectors.find_existing_keys(stored, texts.keys())
    return {key: text for key, text in texts.items() if key not in existing}


def embed_texts(
    store: Database, model: StorableEmbeddingModel, stored: StoredModel, texts: Mapping[int, str]
) -> Iterator[int]:
    """Compute and store vectors batch by batch; yield the size of each batch before it is begun."""
    if not texts:
        return
    encode, keys = model.restore_encoder(stored.fit), list(texts)
    for start in range(0, len(keys), BATCH_SIZE):
        batch = keys[start : start + BATCH_SIZE]
        yield len(batch)
        vectors = normalize_rows(encode([texts[key] for key in batch]))
        packed = {key: pack_vector(vector) for key, vector in zip(batch, vectors, strict=True)}
        with store.begin() as tx:
            tx.vectors.add_vectors(stored, packed)


def find_stored_model(store: Database, model: StorableEmbeddingModel) -> StoredModel | None:
    """Return the newest stored state of this model; None before its first vector."""
    with store.begin(write=False) as tx:
        own = [stored for stored in tx.vectors.list_models() if is_made_by(stored, model)]
    return max(own, key=lambda stored: stored.id, default=None)


def load_serving_model(
    store: Database, model: StorableEmbeddingModel | None, *, load: ModelLoader
) -> EmbeddingModel | None:
    """Return the model to rank with: the one whose vectors are complete, or else the furthest, or *model*.

    That is not always the configured one. A model that has embedded something is better than none: it
    embeds the rest when asked.
    """
    if model is None:
        return None
    with store.begin(write=False) as tx:
        models = tx.vectors.list_models()
    for stored in models:
        if source := find_source_model(stored, model, load=load):
            return CachedEmbeddingModel(store, stored, source)
    return model


def find_source_model(
    stored: StoredModel, model: StorableEmbeddingModel, *, load: ModelLoader
) -> StorableEmbeddingModel | None:
    """Return the model that made the stored vectors: *model*, or another one that is still installed."""
    if is_made_by(stored, model):
        return model
    try:
        other = load(stored.setting)
    except ConfigError:
        return None
    return other if other and is_made_by(stored, other) else None  # not if it is of another version by now


def is_made_by(stored: StoredModel, model: StorableEmbeddingModel) -> bool:
    """Return True if *model* made the stored vectors, whatever it had learnt by then."""
    return stored.name == model.name or stored.name.startswith(f"{model.name}/")


class CachedEmbeddingModel:
    """An embedding model that looks vectors up in the database, and computes only those that are missing."""

    def __init__(self, store: Database, stored: StoredModel, model: StorableEmbeddingModel) -> None:
        self.name, self.weight, self.is_calibrated = stored.name, model.weight, model.is_calibrated
        self._store, self._stored, self._model = store, stored, model
        self._encoder: Encoder | None = None

    def fit_encoder(self, texts: Sequence[str]) -> Encoder:  # noqa: ARG002  what it learnt was stored with the vectors
        """Return an encoder that gives a text the vector it always had."""
        return self._encode

    def _encode(self, texts: Sequence[str]) -> Floats:
        keys = [compute_text_key(text) for text in texts]
        with self._store.begin(write=False) as tx:
            rows = tx.vectors.get_vectors(self._stored, {*keys})
        vectors = {key: unpack_vector(row) for key, row in rows.items()}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in vectors}
        if missing:
            vectors |= dict(zip(missing, self._compute(list(missing.values())), strict=True))
        return np.array([vectors[key] for key in keys], np.float32)

    def _compute(self, texts: Sequence[str]) -> Floats:
        self._encoder = self._encoder or self._model.restore_encoder(self._stored.fit)
        rows = normalize_rows(self._encoder(texts))
        # Packed and unpacked, to equal what the database will give later.
        return np.array([unpack_vector(pack_vector(row)) for row in rows], np.float32)


def _load_texts(store: Database, now: datetime) -> dict[int, str]:
    """Return the texts of candidates and background papers by their keys."""
    since = now - CANDIDATE_WINDOW
    with store.begin(write=False) as tx:
        papers = (
            *tx.papers.list_candidates(since, now),
            *tx.papers.list_background(MAX_BACKGROUND_PAPERS, before=since),
        )
    texts = (f"{paper.title}\n{paper.abstract}" for paper in papers)
    return {compute_text_key(text): text for text in texts}


def _find_or_add_model(
    store: Database, model: StorableEmbeddingModel, texts: Sequence[str], now: datetime
) -> StoredModel:
    """Return the stored state of the model; add one if it is new or can learn from more texts by now."""
    size = max((number for number in RELEARN_SIZES if number <= len(texts)), default=0)
    own = find_stored_model(store, model)
    if own and own.name.startswith(f"{model.name}/") and int(own.name.rpartition("/")[2]) >= size:
        return own  # with fewer papers than once: what it learnt from more of them is better
    fit = model.fit_state(texts)
    name = f"{model.name}/{size}" if fit else model.name
    with store.begin() as tx:
        tx.vectors.add_model(name, setting=model.setting, fit=fit, now=now)
        added = tx.vectors.find_model(name)
    assert added is not None  # noqa: S101  narrows the type: it was added two lines above
    return added
