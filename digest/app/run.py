"""One run of the digest, from the sources to the mail server. Start reading here.

    step       what it does                                                          module
    fetch      read every source; store papers, signals and the health of the source ingest.py
    embed      compute the vectors of new papers, if there is an embedding model     embed.py
    load       candidates, their heat and notes: once, shared by all editions        day.py
    plan       for everyone due: rank, select, queue the edition as a delivery       plan.py
    summarize  a sentence per planned paper, if there is a language model            summarize.py
    finish     alert the operator, delete what has expired                           alerts.py, cleanup.py
    send       render every queued delivery and hand it to a mail server             messages.py, ../delivery
    backlog    embed older papers and what readers like, for some seconds per run    embed_backlog.py
               send saved papers to Zotero                                           zotero.py

`run` goes through all steps, every few minutes; a worker (digest/worker) runs the same steps as jobs. Any
step may be stopped in the middle and repeated (docs/delivery.md has the exact guarantee). This module only
calls the steps in order: every rule is in the module of its step, in digest/pipeline.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from anyio import to_thread

from digest.app.services import Services
from digest.db import Transaction
from digest.db.sender_session import has_notice
from digest.delivery.routes import DOWN_AFTER_SECONDS, Route, describe_outage
from digest.delivery.sender import send_queue
from digest.delivery.stats import SendStats
from digest.models import Health, Shard
from digest.pipeline.alerts import (
    Problem,
    build_delivery_problem,
    build_stop_problem,
    find_delivery_problems,
    find_source_problems,
    queue_alerts,
    send_channel_alert,
)
from digest.pipeline.cleanup import delete_expired
from digest.pipeline.clock_repair import LAST_TICK_KEY
from digest.pipeline.day import DayContext
from digest.pipeline.embed import embed_recent_papers
from digest.pipeline.embed_backlog import SECONDS_PER_RUN, embed_backlog
from digest.pipeline.ingest import StoredResult, fetch_sources, is_fetch_due
from digest.pipeline.plan import EditionCallback, PlanResult, plan_editions
from digest.pipeline.status import SEND_BLOCKED_KEY, UNREACHABLE_SINCE_KEY
from digest.pipeline.summarize import SummaryCandidates, summarize_papers
from digest.pipeline.zotero import send_saved_papers
from digest.sources.base import ProgressCallback

FETCH_PATIENCE = timedelta(seconds=45)  # for which mail that is due waits for new papers
USABLE = frozenset({Health.OK, Health.EMPTY})

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a run did, step by step."""

    fetched: tuple[StoredResult, ...] = ()
    plan: PlanResult = field(default_factory=PlanResult)
    send_stats: SendStats = field(default_factory=SendStats)

    @property
    def is_ok(self) -> bool:
        """Whether every source was usable and every message was accepted."""
        is_sent = not (self.send_stats.failed or self.send_stats.deferred)
        return is_sent and all(stored.result.health in USABLE for stored in self.fetched)

    @property
    def problems(self) -> list[Problem]:
        """What the operator should know."""
        stopped = [build_stop_problem(self.plan.stopped)] if self.plan.stopped else []
        unsent = [build_delivery_problem(self.send_stats.alerts)] if self.send_stats.alerts else []
        return [*stopped, *unsent, *find_source_problems(stored.result for stored in self.fetched)]

    @property
    def facts(self) -> dict[str, object]:
        """The figures of the run, as its log line has them."""
        return {
            "fetched": sum(len(stored.result.papers) for stored in self.fetched),
            "new": sum(stored.new for stored in self.fetched),
            "due": self.plan.due,
            "planned": self.plan.planned,
            "quiet": self.plan.quiet,
            "missed": self.plan.missed,
            "stopped": self.plan.stopped,
            "sent": self.send_stats.sent,
            "deferred": self.send_stats.deferred,
            "failed": self.send_stats.failed,
        }


async def run(  # noqa: PLR0913  one run, each choice by its name
    services: Services,
    clock: Clock,
    *,
    due_now: bool = False,
    on_edition: EditionCallback | None = None,
    on_progress: ProgressCallback | None = None,
    sending: AbstractAsyncContextManager[object] | None = None,
) -> RunResult:
    """Fetch if it is time, plan what is due, send until nothing is left, then work on the backlog.

    A slow source does not hold mail back: while the fetch goes on, what is due is planned and sent with the
    papers stored so far. With *due_now* today's editions are due at once, and wait for the fetch. *sending*
    is held while messages are sent: the lock of a process that also calls `send_notices`.

    Raises:
        StoreBusy: another process is sending.
    """
    started = now = clock()  # one moment for fetching and planning, so that a preview of it equals the mail
    fetching = asyncio.create_task(_fetch_if_due(services, now, on_progress=on_progress))
    result = RunResult()
    try:
        is_fetched = False
        while not is_fetched:
            done, _ = await asyncio.wait({fetching}, timeout=FETCH_PATIENCE.total_seconds())
            is_fetched = bool(done)
            if is_fetched:
                result = replace(result, fetched=await fetching)
            if due_now and not is_fetched:
                continue
            plan = await plan_and_summarize(services, clock, now, due_now=due_now, on_edition=on_edition)
            result = replace(result, plan=result.plan + plan)
            if is_fetched:
                record_tick(services, clock)
            async with sending or nullcontext():
                result = await _send_and_tell(services, result, clock, is_last=is_fetched)
            now = clock()
    finally:
        fetching.cancel()
    record_run(services, result, since=started, clock=clock)
    await continue_backlog(services, clock, on_progress=on_progress)
    return result


async def _send_and_tell(services: Services, result: RunResult, clock: Clock, *, is_last: bool) -> RunResult:
    """Send; at last tell the operator all that was wrong, also if sending raises, and send that too."""
    is_told = False
    try:
        result = replace(result, send_stats=result.send_stats + await send(services, clock))
    finally:
        is_told = is_last and tell_problems(services, result, clock)
    if is_told:
        await send(services, clock)
    return result


def should_fetch(services: Services, now: datetime) -> bool:
    """Return True if no source was fetched within `services.fetch_every`."""
    return is_fetch_due(services.store, now, every=services.fetch_every)


async def _fetch_if_due(
    services: Services, now: datetime, *, on_progress: ProgressCallback | None
) -> tuple[StoredResult, ...]:
    if not should_fetch(services, now):
        return ()
    return await fetch_and_embed(services, now, on_progress=on_progress)


async def fetch_and_embed(
    services: Services, now: datetime, *, on_progress: ProgressCallback | None = None
) -> tuple[StoredResult, ...]:
    """Read all sources, then compute the vectors of new papers."""
    fetched = await fetch_sources(
        services.store, services.sources, services.open_client, now, on_progress=on_progress
    )
    embed = partial(
        embed_recent_papers, services.store, services.embedding_model, now, on_progress=on_progress
    )
    await to_thread.run_sync(embed)
    return fetched


async def plan_and_summarize(  # noqa: PLR0913  one planning, each choice by its name
    services: Services,
    clock: Clock,
    now: datetime,
    *,
    due_now: bool = False,
    on_edition: EditionCallback | None = None,
    shard: Shard | None = None,
    day: DayContext | None = None,
) -> PlanResult:
    """Plan the editions of everyone due, or of one shard; then have their papers summarized."""
    candidates = SummaryCandidates(on_edition) if services.language_model else None
    # Ranking is long arithmetic: in a thread it does not keep web pages waiting.
    plan = partial(
        plan_editions,
        services.store,
        now,
        embedding_model=services.active_embedding_model,
        spread_over=services.spread_over,
        to_channels=bool(services.channel_routes),
        on_edition=candidates or on_edition,
        due_now=due_now,
        shard=shard,
        day=day,
        day_cache=services.day_cache,
    )
    result = await to_thread.run_sync(plan)
    if candidates:
        await summarize_papers(services.store, services.language_model, candidates.paper_ids, clock())
    return result


async def continue_backlog(
    services: Services, clock: Clock, *, on_progress: ProgressCallback | None = None
) -> None:
    """Do what may wait, for some seconds each: alert the channel, save in Zotero, embed older texts."""
    await send_channel_alert(services.store, services.admin_channel, clock())
    await send_saved_papers(services.zotero, clock)
    embed = partial(
        embed_backlog,
        services.store,
        services.embedding_model,
        clock(),
        timeout=SECONDS_PER_RUN,
        on_progress=on_progress,
    )
    await to_thread.run_sync(embed)


def finish_run(services: Services, result: RunResult, clock: Clock) -> None:
    """Record that a run took place, queue an alert if one is due, and delete what has expired."""
    record_tick(services, clock)
    tell_problems(services, result, clock)


def record_tick(services: Services, clock: Clock) -> None:
    """Record that a run takes place, and delete what has expired."""
    with services.store.begin() as tx:
        tx.meta.write(LAST_TICK_KEY, clock().isoformat())
    delete_expired(services.store, clock())


def tell_problems(services: Services, result: RunResult, clock: Clock) -> bool:
    """Queue one message about all that is wrong, if it is time to; return whether it was queued."""
    now, has_channel = clock(), services.admin_channel is not None
    with services.store.begin() as tx:
        problems = [*result.problems, *find_delivery_problems(tx, now)]
        return queue_alerts(tx, services.admin_address, problems, now=now, has_channel=has_channel)


def record_run(services: Services, result: RunResult, *, since: datetime, clock: Clock) -> None:
    """Record what a run did, if it did anything, for the history that administrators see."""
    if result.fetched or result.plan.due or result.send_stats.sent or result.send_stats.failed:
        with services.store.begin() as tx:
            tx.runs.add(result.facts, started_at=since, ended_at=clock())


def is_notice_due(services: Services, now: datetime) -> bool:
    """Return True if a confirmation, notice or alert waits and a mail server may be tried."""
    if all(route.breaker.is_open for route in services.routes):
        return False
    with services.store.begin(write=False) as tx:
        return has_notice(tx, now)


async def send(services: Services, clock: Clock, *, stopping: asyncio.Event | None = None) -> SendStats:
    """Send everything that is queued and due.

    Once *stopping* is set nothing more is begun, and messages being sent are brought to their end.

    Raises:
        StoreBusy: another process is sending.
    """
    builder, routes = services.message_builder, services.routes
    builder.cache.clear()
    with services.open_sender_session() as queue:
        stats = await send_queue(
            queue,
            builder.build,
            [*routes, *services.channel_routes],
            clock=clock,
            stopping=stopping,
            prepare=builder.preload,
        )
    with services.store.begin() as tx:
        _record_outage(tx, routes, clock(), has_sent=stats.sent > 0)
    return stats


def _record_outage(tx: Transaction, routes: Sequence[Route], now: datetime, *, has_sent: bool) -> None:
    """Store why no message can be sent, also if each run is a process of its own, as from cron."""
    blocked, since = describe_outage(routes), tx.meta.read(UNREACHABLE_SINCE_KEY)
    if has_sent:
        tx.meta.delete(UNREACHABLE_SINCE_KEY)
    elif routes and all(route.breaker.failures for route in routes):  # each failed when it was last tried
        if not since:
            tx.meta.write(UNREACHABLE_SINCE_KEY, now.isoformat())
        elif now - datetime.fromisoformat(since) >= timedelta(seconds=DOWN_AFTER_SECONDS):
            blocked = blocked or "; ".join(f"{route.name}: {route.breaker.reason}" for route in routes)
    if tx.meta.read(SEND_BLOCKED_KEY) != blocked:
        tx.meta.write(SEND_BLOCKED_KEY, blocked)
