"""Embedding of everything else that may be compared one day: in the background, newest first, in pieces.

The papers of the day have their vectors before anything is planned (`digest.pipeline.embed`). Here follow the
searchable papers, then the papers that readers gave, liked or disliked. The position is stored, so the next
run goes on from there. A new model serves once it has come to the end.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import chain
from time import monotonic

import numpy as np

from digest.db import Database, Transaction
from digest.db.embeddings import StoredModel, compute_text_key
from digest.models import LikedPaper, Profile, Status
from digest.pipeline.embed import (
    EMBEDDED_AT_KEY,
    MAX_SEARCHABLE_PAPERS,
    embed_texts,
    find_stored_model,
    find_unembedded,
)
from digest.ranking.embeddings import StorableEmbeddingModel
from digest.sources.base import ProgressCallback

CHUNK_SIZE = 500  # papers or readers loaded at once: memory stays flat
SECONDS_PER_RUN = 10.0  # after the run's mail is out
MAX_UNUSED_VECTORS = 5_000  # before they are deleted: to find them takes a second
POSITION_KEY = "vectors_place"  # meta key

Texts = dict[int, str]  # by their keys


@dataclass(frozen=True, slots=True, kw_only=True)
class BacklogPosition:
    """How far a model has come. Stored as JSON by these names."""

    model: str
    day: str
    papers: int = 0  # how many were read
    below: int | None = None  # the number of the last paper
    has_papers: bool = False  # all searchable papers were read
    readers: int = 0  # how many were visited
    reader: int = 0  # the id of the last reader
    is_done: bool = False


def embed_backlog(  # noqa: PLR0913  each choice by its name
    store: Database,
    model: StorableEmbeddingModel | None,
    now: datetime,
    *,
    timeout: float | None = None,
    anew: bool = False,
    on_progress: ProgressCallback | None = None,
) -> int:
    """Go on for *timeout* seconds, or to the end; return how many vectors were computed.

    After the end nothing happens for the rest of the UTC day, unless *anew*. Does nothing for a model
    without any vectors (see `embed_recent_papers`).
    """
    stored = find_stored_model(store, model) if model else None
    position = _load_position(store, stored, now, anew=anew) if stored else None
    if model is None or stored is None or position is None:
        return 0
    ends, count = None if timeout is None else monotonic() + timeout, 0
    while not position.is_done:
        with store.begin(write=False) as tx:
            texts, next_position = _load_chunk(tx, position)
        for size in embed_texts(store, model, stored, find_unembedded(store, stored, texts)):
            if ends is not None and monotonic() > ends:
                return count
            if on_progress:
                on_progress(*_describe_progress(store, position))
            count += size
        position = next_position
        with store.begin() as tx:
            tx.meta.write(POSITION_KEY, json.dumps(asdict(position)))
    _complete(store, stored, now)
    return count


def get_progress(tx: Transaction) -> dict[str, object] | None:
    """Return how far the model has come, as JSON for `digest status`; None before it began."""
    position = json.loads(tx.meta.read(POSITION_KEY) or "null")
    serving = tx.vectors.get_serving_model()
    if position is None or serving is None:
        return None
    return {
        "model": position["model"],
        "papers": position["papers"],
        "of": min(tx.papers.count(), MAX_SEARCHABLE_PAPERS),
        "readers": position["readers"],
        "done": position["is_done"],
        "serving": serving.name,
    }


def list_profile_texts(profile: Profile) -> Iterator[str]:
    """Yield the texts of the papers that a reader gave, liked or disliked."""
    in_facets = chain.from_iterable(facet.liked for facet in profile.facets)
    papers: Iterator[LikedPaper] = chain(profile.liked, profile.disliked, in_facets)
    return (f"{paper.title}\n{paper.abstract}" for paper in papers)


def _load_position(
    store: Database, stored: StoredModel, now: datetime, *, anew: bool
) -> BacklogPosition | None:
    """Return where to go on; None if everything was read today."""
    with store.begin(write=False) as tx:
        text = tx.meta.read(POSITION_KEY)
    position = BacklogPosition(**json.loads(text)) if text else None
    start = BacklogPosition(model=stored.name, day=str(now.date()))
    if position is None or position.model != stored.name:
        return start
    if position.is_done and stored.is_complete and position.day == start.day and not anew:
        return None
    return start if position.is_done else position


def _load_chunk(tx: Transaction, position: BacklogPosition) -> tuple[Texts, BacklogPosition]:
    """Return the next texts, and the position after them."""
    return _load_reader_texts(tx, position) if position.has_papers else _load_paper_texts(tx, position)


def _load_paper_texts(tx: Transaction, position: BacklogPosition) -> tuple[Texts, BacklogPosition]:
    limit = min(CHUNK_SIZE, MAX_SEARCHABLE_PAPERS - position.papers)
    rows = tx.vectors.list_newest_texts(limit, below=position.below)
    if not rows:
        return {}, replace(position, has_papers=True)
    count = position.papers + len(rows)
    next_position = replace(
        position, papers=count, below=rows[-1][0], has_papers=count >= MAX_SEARCHABLE_PAPERS
    )
    return {compute_text_key(text): text for _, text in rows}, next_position


def _load_reader_texts(tx: Transaction, position: BacklogPosition) -> tuple[Texts, BacklogPosition]:
    readers = tx.subscribers.list_after(position.reader, limit=CHUNK_SIZE)
    if not readers:
        return {}, replace(position, is_done=True)
    texts = chain.from_iterable(
        list_profile_texts(reader.profile) for reader in readers if reader.status is not Status.UNSUBSCRIBED
    )
    next_position = replace(position, readers=position.readers + len(readers), reader=readers[-1].id)
    return {compute_text_key(text): text for text in texts}, next_position


def _describe_progress(store: Database, position: BacklogPosition) -> tuple[str, int, int]:
    """Return what a progress callback is called with: label, how many are done, of how many."""
    with store.begin(write=False) as tx:
        papers = min(tx.papers.count(), MAX_SEARCHABLE_PAPERS)
        readers = sum(tx.subscribers.count_by_status().values())
    if position.has_papers:
        return f"what readers like, by {position.model}", position.readers, readers
    return f"earlier papers, by {position.model}", position.papers, papers


def _complete(store: Database, stored: StoredModel, now: datetime) -> None:
    """Let these vectors serve from now on, and delete the unused ones if they are many."""
    with store.begin() as tx:
        if not stored.is_complete:
            tx.vectors.complete_model(stored)
        tx.meta.write(EMBEDDED_AT_KEY, now.isoformat())
        is_full = tx.vectors.count_vectors(stored) > MAX_SEARCHABLE_PAPERS + MAX_UNUSED_VECTORS
    if is_full:
        _delete_unused(store, stored)


def _delete_unused(store: Database, stored: StoredModel) -> None:
    """Delete the vectors of texts that no searchable paper and no profile contains any more."""
    with store.begin(write=False) as tx:
        used = np.fromiter(_iter_used_keys(tx), np.int64)
        existing = np.fromiter(tx.vectors.iter_keys(stored), np.int64)
    unused = np.setdiff1d(existing, used).tolist()
    if len(unused) >= MAX_UNUSED_VECTORS:
        with store.begin() as tx:
            tx.vectors.delete_vectors(stored, unused)


def _iter_used_keys(tx: Transaction) -> Iterator[int]:
    position = BacklogPosition(model="", day="")
    while not position.is_done:
        texts, position = _load_chunk(tx, position)
        yield from texts
