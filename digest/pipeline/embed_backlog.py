"""What else may be compared one day? Read by the model in the background, the newest first, piece by piece.

The papers of the day have their vectors before anything is planned (`digest.meaning`). Here follow the papers
that are searched, then whatever readers gave, liked or disliked. How far it came is kept, so whoever comes
next goes on from there; a model that is new here serves when it has come to the end.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import chain
from time import monotonic

import numpy as np

from digest.db import Database, Transaction
from digest.db.embeddings import KeptModel, text_key
from digest.models import LikedPaper, Profile, Status
from digest.pipeline.embed import MADE_AT, SEARCHED, Tell, chosen, ignore_progress, lacking, made
from digest.ranking.embeddings import Embedder

PIECE = 500  # papers, or readers, looked at at once: memory stays flat
SLICE = 10.0  # seconds that a tick gives to it, after its mail is out
SPARE = 5_000  # vectors that nobody needs before they are dropped: to find out which takes a second
PLACE = "vectors_place"  # where the store keeps how far a model came

Texts = dict[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacklogPosition:
    """How far a model has read: `below` is the number of the last paper, `reader` the id of the last one."""

    model: str
    day: str
    papers: int = 0
    below: int | None = None
    has_papers: bool = False
    readers: int = 0
    reader: int = 0
    is_done: bool = False


def catch_up(  # noqa: PLR0913  one reading, each choice by its name
    store: Database,
    model: Embedder | None,
    now: datetime,
    *,
    within: float | None = None,
    anew: bool = False,
    tell: Tell = ignore_progress,
) -> int:
    """Go on reading for so many seconds, or to the end; how many vectors were made.

    Once it is through, nothing happens for the rest of the day (UTC), unless it shall begin `anew`.
    """
    kept = chosen(store, model) if model else None
    place = _place(store, kept, now, anew=anew) if kept else None
    if model is None or kept is None or place is None:
        return 0
    ends, count = None if within is None else monotonic() + within, 0
    while not place.is_done:
        texts, further = _next(store, place)
        for number in made(store, model, kept, lacking(store, kept, texts)):
            if ends is not None and monotonic() > ends:
                return count
            _tell(store, place, tell)
            count += number
        place = further
        with store.begin() as tx:
            tx.meta.write(PLACE, json.dumps(asdict(place)))
    _finish(store, kept, now)
    return count


def progress(tx: Transaction) -> dict[str, object] | None:
    """How far the model has come, for whoever asks; None before it began."""
    told = json.loads(tx.meta.read(PLACE) or "null")
    serving = tx.vectors.serving()
    if told is None or serving is None:
        return None
    return {
        "model": told["model"],
        "papers": told["papers"],
        "of": min(tx.papers.count(), SEARCHED),
        "readers": told["readers"],
        "done": told["is_done"],
        "serving": serving.name,
    }


def _place(store: Database, kept: KeptModel, now: datetime, *, anew: bool) -> BacklogPosition | None:
    """Where to go on; None if it is through for today."""
    with store.begin(write=False) as tx:
        told = tx.meta.read(PLACE)
    place = BacklogPosition(**json.loads(told)) if told else None
    fresh = BacklogPosition(model=kept.name, day=str(now.date()))
    if place is None or place.model != kept.name:
        return fresh
    if place.is_done and kept.is_complete and place.day == fresh.day and not anew:
        return None
    return fresh if place.is_done else place


def _next(store: Database, place: BacklogPosition) -> tuple[Texts, BacklogPosition]:
    """What is read next, and where that leads."""
    with store.begin(write=False) as tx:
        return _readers(tx, place) if place.has_papers else _papers(tx, place)


def _papers(tx: Transaction, place: BacklogPosition) -> tuple[Texts, BacklogPosition]:
    rows = tx.vectors.newest_texts(min(PIECE, SEARCHED - place.papers), below=place.below)
    if not rows:
        return {}, replace(place, has_papers=True)
    through = place.papers + len(rows) >= SEARCHED
    further = replace(place, papers=place.papers + len(rows), below=rows[-1][0], has_papers=through)
    return {text_key(text): text for _, text in rows}, further


def _readers(tx: Transaction, place: BacklogPosition) -> tuple[Texts, BacklogPosition]:
    readers = tx.subscribers.after(place.reader, limit=PIECE)
    if not readers:
        return {}, replace(place, is_done=True)
    told = (given(reader.profile) for reader in readers if reader.status is not Status.UNSUBSCRIBED)
    further = replace(place, readers=place.readers + len(readers), reader=readers[-1].id)
    return {text_key(text): text for text in chain.from_iterable(told)}, further


def given(profile: Profile) -> Iterator[str]:
    """What the papers say that a reader gave, liked or disliked."""
    likings: Iterator[LikedPaper] = chain(
        profile.liked, profile.disliked, chain.from_iterable(facet.liked for facet in profile.facets)
    )
    return (f"{liking.title}\n{liking.abstract}" for liking in likings)


def _tell(store: Database, place: BacklogPosition, tell: Tell) -> None:
    with store.begin(write=False) as tx:
        papers, readers = min(tx.papers.count(), SEARCHED), sum(tx.subscribers.counts().values())
    if place.has_papers:
        tell(f"what readers like, by {place.model}", place.readers, readers)
    else:
        tell(f"earlier papers, by {place.model}", place.papers, papers)


def _finish(store: Database, kept: KeptModel, now: datetime) -> None:
    """From here on these vectors serve, and those that nobody needs any more are dropped."""
    with store.begin() as tx:
        if not kept.is_complete:
            tx.vectors.complete(kept)
        tx.meta.write(MADE_AT, now.isoformat())
        is_full = tx.vectors.count(kept) > SEARCHED + SPARE
    if is_full:
        _forget(store, kept)


def _forget(store: Database, kept: KeptModel) -> None:
    """Drop what no paper that is searched, and none that a reader gave, says any more."""
    with store.begin(write=False) as tx:
        wanted = np.fromiter(_wanted(tx), np.int64)
        known = np.fromiter(tx.vectors.known(kept), np.int64)
    gone = np.setdiff1d(known, wanted).tolist()
    if len(gone) < SPARE:
        return
    with store.begin() as tx:
        tx.vectors.forget(kept, gone)


def _wanted(tx: Transaction) -> Iterator[int]:
    place = BacklogPosition(model="", day="")
    while not place.is_done:
        texts, place = _readers(tx, place) if place.has_papers else _papers(tx, place)
        yield from texts
