"""What is there to do for a worker? Each piece of the day, on the same code as a single process runs."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock

from anyio import to_thread

from digest.app.services import Services
from digest.db.sender_session import is_wanted
from digest.models import Shard
from digest.models.errors import StoreError
from digest.pipeline import run
from digest.pipeline.clock_repair import repair_timestamps
from digest.pipeline.day import DayContext, morning
from digest.pipeline.plan import Plans, stopped_by
from digest.pipeline.run import DayResult
from digest.worker.bounces import hears_mail, read_returned

log = logging.getLogger(__name__)

SHARD = 1000  # readers planned in one job: half a second of work, and what a killed worker leaves undone


def wall_clock() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


@dataclass
class WorkerTasks:
    """The pieces of the day. Doing any of them twice, or late, changes nothing."""

    services: Services
    stopping: asyncio.Event
    clock: Callable[[], datetime] = wall_clock
    _opened: DayContext | None = None
    _opening: Lock = field(default_factory=Lock)

    def should_fetch(self) -> bool:
        """Whether the sources should be read now."""
        return run.should_fetch(self.services, self.clock())

    async def ingest(self) -> None:
        """Read the sources, unless another has done so by now, and tell the operator of those that failed."""
        if not await to_thread.run_sync(self.should_fetch):
            return
        fetched = await run.ingest(self.services, self.clock())
        await to_thread.run_sync(run.conclude, self.services, DayResult(fetched=fetched), self.clock)

    def cut(self, now: datetime) -> tuple[Shard, ...]:
        """Who is due, in shards; nobody while planning is stopped, which the operator is told."""
        repair_timestamps(self.services.store, now)
        with self.services.store.begin(write=False) as tx:
            stopped = stopped_by(tx, now)
            due = () if stopped else tx.subscribers.due_shards(now, SHARD)
        run.conclude(self.services, DayResult(plans=Plans(stopped=stopped)), self.clock)
        return due

    async def plan(self, shard: Shard, now: datetime) -> Plans:
        """Queue the editions of one shard, as the day stood at `now`."""
        today = await to_thread.run_sync(self._morning, now)
        plans = await run.choose(self.services, self.clock, now, within=shard, opened=today)
        if plans.due:
            log.info("planned", extra={"due": plans.due, "planned": plans.planned, "quiet": plans.quiet})
        return plans

    async def pump(self) -> None:
        """Send until nothing is left that may go now; whatever stops us, the mail is in the books."""
        try:
            tally = await run.send(self.services, self.clock, stopping=self.stopping)
        except StoreError as error:  # out of reach, or our lease ran out: our claims went back, or will
            log.warning("sending stopped", extra={"reason": str(error)})
            return
        if tally.sent or tally.failed:
            log.info("sent", extra={"sent": tally.sent, "failed": tally.failed, "waiting": tally.deferred})

    def is_mail_due(self) -> bool:
        """Whether a pump would find something to do."""
        with self.services.store.begin(write=False) as tx:
            return is_wanted(tx, self.clock())

    async def reread(self) -> None:
        """Have a model that is new here read on, for some seconds."""
        await run.reread(self.services, self.clock)

    async def hear(self) -> None:
        """Read what came back, where anybody listens."""
        if hears_mail(self.services):
            reading = await to_thread.run_sync(read_returned, self.services, self.clock())
            if reading.read:
                log.info("bounces read", extra={"read": reading.read, "heard": reading.heard})

    def _morning(self, now: datetime) -> DayContext:
        """The day at a moment, read once for all shards that were cut at it."""
        with self._opening:
            if self._opened is None or self._opened.now != now:
                self._opened = morning(self.services.store, now, vectors=self.services.vectors)
            return self._opened
