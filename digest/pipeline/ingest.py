"""What came in? Every source read, kept, and looked at before anything of it is sent."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

from digest.db import Database
from digest.db.sources import SourceState
from digest.models import FetchResult, FetchState
from digest.models.arxiv_calendar import arxiv_day
from digest.models.errors import StoreBusy, StoreError
from digest.models.text import shorten
from digest.pipeline.alerts import BAD
from digest.sources.base import FetchContext, Known, Source, Tell, failed, ignore_progress, read, unreadable
from digest.sources.freshness import reason_to_hold
from digest.sources.http.client import Client

log = logging.getLogger(__name__)

ENRICHED = timedelta(days=30)  # so long some sources are asked what they know of a paper
GIVE_UP = 11  # o'clock UTC: a mail due when the day began would be too late (MAX_LATENESS) an hour on
MOST_SAID = 200  # characters of a reason in the log; `digest status` has all of it
ANNOUNCER = "arxiv"  # the source whose calendar says on which days there must be papers


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What one reading brought, as people and programs are told."""

    reading: FetchResult
    new: int
    updated: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A source that could not be read when it was last asked, and from when on it is asked again."""

    source: str
    scopes: tuple[str, ...]  # those of its parts that failed; empty if all of it did
    note: str
    read_at: datetime
    again_at: datetime


async def fetch(
    store: Database,
    sources: Sequence[Source],
    connect: Callable[[], AbstractAsyncContextManager[Client]],
    now: datetime,
    *,
    tell: Tell = ignore_progress,
) -> tuple[Fetched, ...]:
    """Read every source. What one of them fails to say is in its reading; the others are unharmed."""
    fetched: list[Fetched] = []
    with store.begin(write=False) as tx:
        pool = tuple(paper.id for paper in tx.papers.pool(now - ENRICHED, now))
    async with connect() as client:
        for source in sources:
            with store.begin(write=False) as tx:
                memory = tx.sources.memory(source.name)
            visit = FetchContext(
                client=client, now=now, known=_known_in(store), memory=memory, tell=tell, pool=pool
            )
            readings = await read(source, visit)
            fetched += [_kept(store, reading, now) for reading in readings]
            if source.name == ANNOUNCER:
                _hold_if_strange(store, readings, memory, now)
    return tuple(fetched)


def _hold_if_strange(
    store: Database, readings: Sequence[FetchResult], memory: dict[str, FetchState], now: datetime
) -> None:
    """Keep today's edition back while something about its papers looks wrong; let it go when that is over."""
    day = arxiv_day(now)
    reason = reason_to_hold(readings, memory, today=day, gave_up=now.hour >= GIVE_UP)
    with store.begin() as tx:
        if reason:
            tx.sources.hold(str(day), reason, at=now)
        else:
            tx.sources.release(str(day), actor="recovered", at=now)


def _known_in(store: Database) -> Known:
    def known(ids: Sequence[str]) -> set[str]:
        with store.begin(write=False) as tx:
            return set(tx.papers.by_ids(ids))

    return known


def _kept(store: Database, reading: FetchResult, now: datetime) -> Fetched:
    """Keep a reading; of one that the database cannot hold, that it could not be read."""
    try:
        return _keep(store, reading, now)
    except StoreBusy:
        raise  # says nothing about the reading
    except (StoreError, ValueError, OverflowError) as error:
        log.exception("reading cannot be kept", extra={"source": reading.source, "scope": reading.scope})
        return _keep(store, failed(reading.source, reading.scope, now, unreadable(error)), now)


def _keep(store: Database, reading: FetchResult, now: datetime) -> Fetched:
    """One reading, its papers and its signals: all of it in one transaction, or none."""
    with store.begin() as tx:
        added = tx.papers.add(reading.papers, seen_at=now)
        names = added.renamed
        tx.signals.observe(replace(s, paper_id=names.get(s.paper_id, s.paper_id)) for s in reading.signals)
        tx.sources.record(reading, new=len(added.new))
    reason = {"reason": shorten(reading.note, MOST_SAID)} if reading.health in BAD else {}
    log.info(
        "source read",
        extra={
            "source": reading.source, "scope": reading.scope, "health": str(reading.health),
            "fetched": len(reading.papers), "new": len(added.new), **reason,
        },
    )  # fmt: skip
    return Fetched(reading=reading, new=len(added.new), updated=len(added.updated))


def fetch_is_due(store: Database, now: datetime, *, every: timedelta) -> bool:
    """Whether no reading is fresh any more."""
    with store.begin(write=False) as tx:
        read = [state.read_at for state in tx.sources.latest()]
    return not any(now - every < moment <= now for moment in read)


def unread(store: Database, now: datetime, *, every: timedelta) -> tuple[Unread, ...]:
    """The sources in trouble that are not asked again yet, because the last reading is fresh."""
    with store.begin(write=False) as tx:
        fresh = [state for state in tx.sources.latest() if now - every < state.read_at <= now]
    again = max((state.read_at for state in fresh), default=now) + every
    by_source = (list(states) for _, states in groupby(fresh, key=attrgetter("source")))
    return tuple(found for states in by_source for found in _unread(states, again))


def _unread(states: Sequence[SourceState], again: datetime) -> Iterator[Unread]:
    bad = [state for state in states if state.health in BAD]
    if bad:
        scopes = tuple(state.scope for state in bad) if len(bad) < len(states) else ()
        yield Unread(
            source=bad[0].source, scopes=scopes, note=bad[0].note, read_at=bad[0].read_at, again_at=again
        )
