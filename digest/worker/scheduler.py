"""The scheduler of a single process: one tick a minute; all state is in the database."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

log = logging.getLogger(__name__)

TICK_SECONDS = 60


def build_scheduler(
    tick: Callable[[datetime], Awaitable[object]], *, interval: int = TICK_SECONDS
) -> AsyncIOScheduler:
    """Return a scheduler that calls `tick(now)`; missed and overlapping ticks are harmless and coalesce."""

    async def run_tick() -> None:
        try:
            await tick(datetime.now(UTC))
        except asyncio.CancelledError:
            log.info("tick cut short")  # the process is stopping: the next one does the rest
        except Exception:
            # The one place that may swallow: the scheduler must go on, and the next tick tries again.
            log.exception("tick failed")

    jobs = AsyncIOScheduler(timezone=UTC)
    jobs.add_job(
        run_tick, IntervalTrigger(seconds=interval, timezone=UTC), next_run_time=datetime.now(UTC), id="tick",
        coalesce=True, max_instances=1, misfire_grace_time=None,
    )  # fmt: skip
    return jobs
