"""What came in? Every source read, kept, and looked at before anything of it is sent."""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from digest.cadence import arxiv_day
from digest.errors import StoreBusy, StoreError
from digest.fetch.client import Client
from digest.fetch.health import reason_to_hold
from digest.fetch.source import Known, Source, Tell, Visit, failed, read, tell_nobody, unreadable
from digest.model import Memory, Reading
from digest.store import Store

log = logging.getLogger(__name__)

ENRICHED = timedelta(days=30)  # so long some sources are asked what they know of a paper
GIVE_UP = 11  # o'clock UTC: a mail due when the day began would be too late (MAX_LATENESS) an hour on
ANNOUNCER = "arxiv"  # the source whose calendar says on which days there must be papers


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What one reading brought, as people and programs are told."""

    reading: Reading
    new: int
    updated: int


async def fetch(
    store: Store,
    sources: Sequence[Source],
    connect: Callable[[], AbstractAsyncContextManager[Client]],
    now: datetime,
    *,
    tell: Tell = tell_nobody,
) -> tuple[Fetched, ...]:
    """Read every source. What one of them fails to say is in its reading; the others are unharmed."""
    fetched: list[Fetched] = []
    with store.begin(write=False) as tx:
        pool = tuple(paper.id for paper in tx.papers.pool(now - ENRICHED, now))
    async with connect() as client:
        for source in sources:
            with store.begin(write=False) as tx:
                memory = tx.sources.memory(source.name)
            visit = Visit(client=client, now=now, known=_known_in(store), memory=memory, tell=tell, pool=pool)
            readings = await read(source, visit)
            fetched += [_kept(store, reading, now) for reading in readings]
            if source.name == ANNOUNCER:
                _hold_if_strange(store, readings, memory, now)
    return tuple(fetched)


def _hold_if_strange(
    store: Store, readings: Sequence[Reading], memory: dict[str, Memory], now: datetime
) -> None:
    """Keep today's edition back while something about its papers looks wrong; let it go when that is over."""
    day = arxiv_day(now)
    reason = reason_to_hold(readings, memory, today=day, gave_up=now.hour >= GIVE_UP)
    with store.begin() as tx:
        if reason:
            tx.sources.hold(str(day), reason, at=now)
        else:
            tx.sources.release(str(day), actor="recovered", at=now)


def _known_in(store: Store) -> Known:
    def known(ids: Sequence[str]) -> set[str]:
        with store.begin(write=False) as tx:
            return set(tx.papers.by_ids(ids))

    return known


def _kept(store: Store, reading: Reading, now: datetime) -> Fetched:
    """Keep a reading; of one that the database cannot hold, that it could not be read."""
    try:
        return _keep(store, reading, now)
    except StoreBusy:
        raise  # says nothing about the reading
    except (StoreError, ValueError, OverflowError) as error:
        log.exception("reading cannot be kept", extra={"source": reading.source, "scope": reading.scope})
        return _keep(store, failed(reading.source, reading.scope, now, unreadable(error)), now)


def _keep(store: Store, reading: Reading, now: datetime) -> Fetched:
    """One reading, its papers and its signals: all of it in one transaction, or none."""
    with store.begin() as tx:
        added = tx.papers.add(reading.papers, seen_at=now)
        names = added.renamed
        tx.signals.observe(replace(s, paper_id=names.get(s.paper_id, s.paper_id)) for s in reading.signals)
        tx.sources.record(reading, new=len(added.new))
    log.info(
        "source read",
        extra={
            "source": reading.source, "scope": reading.scope, "health": str(reading.health),
            "fetched": len(reading.papers), "new": len(added.new),
        },
    )  # fmt: skip
    return Fetched(reading=reading, new=len(added.new), updated=len(added.updated))


def fetch_is_due(store: Store, now: datetime, *, every: timedelta) -> bool:
    """Whether no reading is fresh any more."""
    with store.begin(write=False) as tx:
        read = [state.read_at for state in tx.sources.latest()]
    return not any(now - every < moment <= now for moment in read)
