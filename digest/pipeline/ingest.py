"""Fetching: every source is read, its results are stored, and checked before anything of them is sent."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from digest.db import Database
from digest.db.sources import SourceState
from digest.models import FetchResult, FetchState, Signal, SignalKind
from digest.models.arxiv_calendar import get_arxiv_day
from digest.models.errors import StoreBusy, StoreError
from digest.models.text import shorten
from digest.pipeline.alerts import UNUSABLE
from digest.sources.base import (
    FetchContext,
    ProgressCallback,
    Source,
    failed_result,
    fetch_source,
    to_source_changed,
)
from digest.sources.freshness import find_hold_reason, find_unusual_count

if TYPE_CHECKING:  # importing httpx takes 9 MiB and 0.1 s
    from digest.sources.http.client import Client

log = logging.getLogger(__name__)

ENRICHMENT_WINDOW = timedelta(days=30)  # papers first seen within it are looked up at enriching sources
GIVE_UP_HOUR = 11  # UTC: an hour later, mail due at the start of the day would be too late (MAX_LATENESS)
MAX_REASON_CHARS = 200  # of a reason in the log; `digest status` shows all of it
ANNOUNCER = "arxiv"  # the source whose calendar says on which days there must be papers


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResult:
    """A fetch result, and how many papers it added and updated."""

    result: FetchResult
    new: int
    updated: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedSource:
    """A source whose last fetch failed, and when it is fetched again."""

    source: str
    scopes: tuple[str, ...]  # those that failed; empty if all did
    note: str
    read_at: datetime
    again_at: datetime


async def fetch_sources(  # noqa: PLR0913  what a fetch consists of
    store: Database,
    sources: Sequence[Source],
    open_client: Callable[[], "AbstractAsyncContextManager[Client]"],
    now: datetime,
    *,
    on_progress: ProgressCallback | None = None,
    is_complete: bool = True,
) -> tuple[StoredResult, ...]:
    """Fetch and store every source. A failing source is a result that says so; it affects no other.

    *is_complete* says that *sources* are all that are read: problems of others are forgotten.
    """
    stored: list[StoredResult] = []
    scopes: dict[str, set[str]] = {}  # that were read now, by source
    reasons: dict[str, str] = {}  # why to hold the edition, by source
    with store.begin(write=False) as tx:
        ids_to_enrich = tuple(paper.id for paper in tx.papers.list_candidates(now - ENRICHMENT_WINDOW, now))
    async with open_client() as client:
        for source in sources:
            with store.begin(write=False) as tx:
                states = tx.sources.get_fetch_states(source.name)
            context = FetchContext(
                client=client,
                now=now,
                find_existing=partial(_find_existing, store),
                find_last_signals=partial(_find_last_signals, store, now),
                states=states,
                on_progress=on_progress,
                ids_to_enrich=ids_to_enrich,
            )
            results = await fetch_source(source, context)
            stored += [_store_or_mark_failed(store, result, now) for result in results]
            scopes[source.name] = {result.scope for result in results}
            reasons[source.name] = _find_reason(source.name, results, states, now)
            if reasons[source.name]:  # until somebody releases the edition, or nothing looks wrong any more
                with store.begin() as tx:
                    tx.sources.hold(str(get_arxiv_day(now)), reasons[source.name], at=now)
    if ANNOUNCER in reasons and not any(reasons.values()):
        with store.begin() as tx:
            tx.sources.release(str(get_arxiv_day(now)), actor="recovered", at=now)
    broken = {item.result.source for item in stored if _is_whole_failure(item.result)}
    with store.begin() as tx:
        for state in tx.sources.list_latest():
            is_read = state.scope in scopes[state.source] if state.source in scopes else not is_complete
            # After an error nobody knows which scopes are left, so a broken source keeps its problems.
            if state.health in UNUSABLE and not is_read and state.source not in broken:
                tx.sources.delete_state(state.source, state.scope)
    return tuple(stored)


def _is_whole_failure(result: FetchResult) -> bool:
    """Return True for the result of `fetch_source` for an error that ended the fetch of a source."""
    return not result.scope and result.health in UNUSABLE


def is_fetch_due(store: Database, now: datetime, *, every: timedelta) -> bool:
    """Return True if no source was fetched within *every*."""
    with store.begin(write=False) as tx:
        fetched = [state.read_at for state in tx.sources.list_latest()]
    return not any(now - every < moment <= now for moment in fetched)


def find_failed_sources(store: Database, now: datetime, *, every: timedelta) -> tuple[FailedSource, ...]:
    """Return the sources that failed and are not fetched again yet, because the last fetch is fresh."""
    with store.begin(write=False) as tx:
        fresh = [state for state in tx.sources.list_latest() if now - every < state.read_at <= now]
    again_at = max((state.read_at for state in fresh), default=now) + every
    by_source = (list(states) for _, states in groupby(fresh, key=attrgetter("source")))
    return tuple(failed for states in by_source for failed in _find_failed(states, again_at))


def _find_failed(states: Sequence[SourceState], again_at: datetime) -> Iterator[FailedSource]:
    failed = [state for state in states if state.health in UNUSABLE]
    if failed:
        yield FailedSource(
            source=failed[0].source,
            scopes=tuple(state.scope for state in failed) if len(failed) < len(states) else (),
            note=failed[0].note,
            read_at=failed[0].read_at,
            again_at=again_at,
        )


def _find_existing(store: Database, ids: Sequence[str]) -> set[str]:
    with store.begin(write=False) as tx:
        return set(tx.papers.get_by_ids(ids))


def _find_last_signals(store: Database, now: datetime, source: str, kind: SignalKind) -> list[Signal]:
    with store.begin(write=False) as tx:
        finals = tx.signals.list_final_values(source, kind, since=(now - ENRICHMENT_WINDOW).date())
    return [
        Signal(
            paper_id=last.paper_id, kind=kind, value=last.value, observed_at=last.observed_at, source=source
        )
        for last in finals
    ]


def _find_reason(
    source: str, results: Sequence[FetchResult], states: dict[str, FetchState], now: datetime
) -> str:
    """Return why a person should look at what a source brought before it is sent; empty if all seems well."""
    day = get_arxiv_day(now)
    if source == ANNOUNCER:
        return find_hold_reason(results, states, today=day, gave_up=now.hour >= GIVE_UP_HOUR)
    reason = find_unusual_count(results, states, now.date())
    return f"{source}: {reason}" if reason else ""


def _store_or_mark_failed(store: Database, result: FetchResult, now: datetime) -> StoredResult:
    """Store a result; if the database cannot hold its values, store that the source could not be read."""
    try:
        return _store(store, result, now)
    except StoreBusy:
        raise  # says nothing about the result
    except (StoreError, ValueError, OverflowError) as error:
        log.exception("reading cannot be kept", extra={"source": result.source, "scope": result.scope})
        return _store(store, failed_result(result.source, result.scope, now, to_source_changed(error)), now)


def _store(store: Database, result: FetchResult, now: datetime) -> StoredResult:
    """Store a result with its papers and signals in one transaction."""
    with store.begin() as tx:
        added = tx.papers.add(result.papers, seen_at=now)
        names = added.renamed
        tx.signals.add(replace(s, paper_id=names.get(s.paper_id, s.paper_id)) for s in result.signals)
        tx.hub_repositories.replace(
            {names.get(paper_id, paper_id): found for paper_id, found in result.repositories.items()}
        )
        tx.sources.record(result, new=len(added.new))
    reason = {"reason": shorten(result.note, MAX_REASON_CHARS)} if result.health in UNUSABLE else {}
    log.info(
        "source read",
        extra={
            "source": result.source, "scope": result.scope, "health": str(result.health),
            "fetched": len(result.papers), "new": len(added.new), **reason,
        },
    )  # fmt: skip
    return StoredResult(result=result, new=len(added.new), updated=len(added.updated))
