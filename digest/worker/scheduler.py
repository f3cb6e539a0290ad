"""When does the day happen by itself? One tick a minute; everything it needs to know is in the database."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

log = logging.getLogger(__name__)

EVERY = 60  # seconds

Tick = Callable[[datetime], Awaitable[object]]


def scheduler(tick: Tick, *, every: int = EVERY) -> AsyncIOScheduler:
    """A clock that calls `tick(now)`: missed, doubled and late ticks are harmless, so they fold into one."""

    async def beat() -> None:
        try:
            await tick(datetime.now(UTC))
        except asyncio.CancelledError:
            log.info("tick cut short")  # we are being stopped: the next process does the rest
        except Exception:
            # The one place that may swallow: the clock must go on; the next tick tries again.
            log.exception("tick failed")

    jobs = AsyncIOScheduler(timezone=UTC)
    jobs.add_job(
        beat, IntervalTrigger(seconds=every, timezone=UTC), next_run_time=datetime.now(UTC), id="tick",
        coalesce=True, max_instances=1, misfire_grace_time=None,
    )  # fmt: skip
    return jobs
