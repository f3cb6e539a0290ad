"""The scheduler of a single process: a tick a minute, notices each second; all state is in the database."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from anyio import to_thread
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from digest.app import run
from digest.app.run import Clock
from digest.app.services import Services
from digest.models.errors import StoreBusy

log = logging.getLogger(__name__)

TICK_SECONDS = 60
NOTICE_SECONDS = 1.0  # between two looks for a confirmation: somebody has the sign-up page open


def build_scheduler(
    tick: Callable[[datetime], Awaitable[object]], *, interval: int = TICK_SECONDS
) -> AsyncIOScheduler:
    """Return a scheduler that calls `tick(now)`; missed and overlapping ticks are harmless and coalesce."""
    ticking = asyncio.Lock()

    async def run_tick() -> None:
        if ticking.locked():  # as is usual; with one instance APScheduler would warn of each it skips
            return
        try:
            async with ticking:
                await tick(datetime.now(UTC))
        except asyncio.CancelledError:
            log.info("tick cut short")  # the process is stopping: the next one does the rest
        except Exception:
            # The one place that may swallow: the scheduler must go on, and the next tick tries again.
            log.exception("tick failed")

    jobs = AsyncIOScheduler(timezone=UTC)
    jobs.add_job(
        run_tick, IntervalTrigger(seconds=interval, timezone=UTC), next_run_time=datetime.now(UTC), id="tick",
        coalesce=True, max_instances=2, misfire_grace_time=None,
    )  # fmt: skip
    return jobs


async def send_notices(
    services: Services, clock: Clock, sending: asyncio.Lock, *, interval: float = NOTICE_SECONDS
) -> None:
    """Send confirmations and notices as soon as they are queued, by whichever process; never returns.

    While *sending* is held the tick is sending, and takes them first. What fails here is left to the tick.
    """
    while True:
        try:
            if not sending.locked() and await to_thread.run_sync(run.is_notice_due, services, clock()):
                async with sending:
                    stats = await run.send(services, clock)
                if stats.alerts:
                    run.tell_problems(services, run.RunResult(send_stats=stats), clock)
        except StoreBusy as error:
            log.info("notices left to another process", extra={"reason": str(error)})
        except Exception:
            log.exception("sending notices failed")
        await asyncio.sleep(interval)


@asynccontextmanager
async def run_scheduler(
    services: Services,
    clock: Clock,
    tick: Callable[[datetime, asyncio.Lock], Awaitable[object]],
    *,
    interval: int = TICK_SECONDS,
) -> AsyncIterator[None]:
    """Call `tick(now, sending)` on schedule and send notices, until the end of the block."""
    sending = asyncio.Lock()
    ticks = build_scheduler(lambda now: tick(now, sending), interval=interval)
    ticks.start()
    notices = asyncio.create_task(send_notices(services, clock, sending))
    try:
        yield
    finally:
        notices.cancel()
        ticks.shutdown(wait=False)
        await asyncio.gather(notices, return_exceptions=True)
