"""Search by meaning: the vectors of the newest papers in memory, compared with that of the query.

They are the vectors of the ranking, reloaded when there are new ones. The first search loads them, in the
thread of its request; without an embedding model nothing is loaded. Older papers that hold the words are
encoded during the search if the model is a static table, which takes a fifth of a millisecond each.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from digest.db import Database
from digest.db.embeddings import StoredModel
from digest.db.papers.full_text import PaperQuery
from digest.models import Paper
from digest.models.errors import ConfigError
from digest.models.papers import Match
from digest.pipeline.embed import EMBEDDED_AT_KEY, MAX_SEARCHABLE_PAPERS, ModelLoader, find_source_model
from digest.ranking.array_types import Floats
from digest.ranking.embeddings import Encoder, StorableEmbeddingModel, unpack_vector
from digest.ranking.search_order import fuse_matches
from digest.ranking.semantic_search import EmbeddingIndex
from digest.web.trending_lists import TimedCache

log = logging.getLogger(__name__)

MAX_ENCODED_MATCHES = 50  # older matches that are encoded during one search
ABSTRACT_LENGTH = 300  # characters of an abstract that are encoded, beside the title
MAX_NEAREST = 1000  # papers by distance, before the filters of the query
CHECK_INTERVAL = timedelta(minutes=1)  # between checks for new vectors


@dataclass(frozen=True, slots=True)
class SearchModel:
    """A model that encodes queries, and the index of the papers it encoded."""

    version: tuple[str, str]  # name of the model, time of its newest vectors
    encode: Encoder
    is_fast: bool  # fast enough to encode papers during a search
    index: EmbeddingIndex


class SemanticIndex:
    """Adds what is similar in meaning to the matches of a search."""

    def __init__(
        self, store: Database, get_model: Callable[[], StorableEmbeddingModel | None], *, load: ModelLoader
    ) -> None:
        self._store, self._get_model, self._load = store, get_model, load
        self._cache: TimedCache[SearchModel | None] = TimedCache()
        self._current: SearchModel | None = None

    def add_semantic_matches(
        self, matches: Sequence[Match], text: str, query: PaperQuery, now: datetime, *, limit: int
    ) -> Sequence[Match]:
        """Return the matches scored by meaning as well, and up to *limit* papers that do not hold the words.

        Without a model or vectors, the matches as they are.
        """
        model = self._cache.get("", now, CHECK_INTERVAL, self._load_current)
        if model is None or not text:
            return matches
        vector = model.index.centre_vectors(model.encode([text]))[0]
        cosines = model.index.compute_cosines(vector)
        near = dict(model.index.find_matches(cosines, limit=MAX_NEAREST)) if limit else {}
        added: Sequence[Paper] = ()
        if near:
            with self._store.begin(write=False) as tx:
                added = tx.papers.filter_by_query(list(near), query, limit=limit)
        rows = model.index.row_by_id
        indexed = {
            match.paper.id: float(cosines[rows[match.paper.id]])
            for match in matches
            if match.paper.id in rows
        }
        return fuse_matches(matches, near | indexed | _encode_old_matches(model, vector, matches), added)

    def find_similar(self, paper: Paper, now: datetime, *, limit: int) -> list[str] | None:
        """Return the ids of papers near in meaning, the nearest first; None without a model or vectors."""
        model = self._cache.get("", now, CHECK_INTERVAL, self._load_current)
        if model is None:
            return None
        row = model.index.row_by_id.get(paper.id)
        if row is not None:
            vector = model.index.rows[row]
        elif model.is_fast:
            vector = model.index.centre_vectors(model.encode([_get_encoded_text(paper)]))[0]
        else:
            return None
        cosines = model.index.compute_cosines(vector)
        return [name for name, _ in model.index.find_matches(cosines, limit=limit)]

    def _load_current(self) -> SearchModel | None:
        """Return the model with the newest vectors; the current one while there are no new ones."""
        try:
            model = self._get_model()
        except ConfigError as error:
            log.warning("search goes by words alone", extra={"reason": str(error)})
            return None
        if model is None:
            return None
        with self._store.begin(write=False) as tx:
            stored, made_at = tx.vectors.get_serving_model(), tx.meta.read(EMBEDDED_AT_KEY)
        if stored is None:
            return None
        if self._current is None or self._current.version != (stored.name, made_at):
            self._current = self._build(stored, model, made_at)
        return self._current

    def _build(self, stored: StoredModel, model: StorableEmbeddingModel, made_at: str) -> SearchModel | None:
        source, current = find_source_model(stored, model, load=self._load), self._current
        index = self._load_index(stored) if source else None
        if source is None or index is None:
            return None
        is_loaded = current is not None and current.version[0] == stored.name
        encode = current.encode if current and is_loaded else source.restore_encoder(stored.fit)
        return SearchModel((stored.name, made_at), encode, source.setting == "static", index)

    def _load_index(self, model: StoredModel) -> EmbeddingIndex | None:
        """Return the index of the newest papers with a vector; None if there are none."""
        ids: list[str] = []
        rows: Floats | None = None
        with self._store.begin(write=False) as tx:
            for paper_id, packed in tx.vectors.iter_newest_vectors(model, limit=MAX_SEARCHABLE_PAPERS):
                vector = unpack_vector(packed)
                if rows is None:  # for all: the system gives no memory for rows that stay unwritten
                    rows = np.empty((MAX_SEARCHABLE_PAPERS, len(vector)), np.float32)
                rows[len(ids)] = vector
                ids.append(paper_id)
        return None if rows is None else EmbeddingIndex.build(ids, rows[: len(ids)])


def _get_encoded_text(paper: Paper) -> str:
    return f"{paper.title}\n{paper.abstract[:ABSTRACT_LENGTH]}"


def _encode_old_matches(model: SearchModel, query: Floats, matches: Sequence[Match]) -> dict[str, float]:
    """Return the cosine, by paper id, of the best matches without a vector; empty if the model is slow."""
    indexed = model.index.row_by_id
    old = [match.paper for match in matches if match.paper.id not in indexed][:MAX_ENCODED_MATCHES]
    if not old or not model.is_fast:
        return {}
    cosines = model.index.centre_vectors(model.encode([*map(_get_encoded_text, old)])) @ query
    return dict(zip((paper.id for paper in old), cosines.tolist(), strict=True))
