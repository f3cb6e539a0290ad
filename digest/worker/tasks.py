"""Bodies of the worker's jobs, on the same code as a single process runs."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from anyio import to_thread

from digest.app import run
from digest.app.run import RunResult
from digest.app.services import Services, utc_now
from digest.db.sender_session import has_work
from digest.models import Shard
from digest.models.errors import StoreError
from digest.pipeline.clock_repair import repair_timestamps
from digest.pipeline.day import DayContext, load_day
from digest.pipeline.plan import PlanResult, get_stop_reason
from digest.worker.bounces import read_bounce_mailbox

log = logging.getLogger(__name__)

SHARD_SIZE = 1000  # subscribers planned in one job: half a second of work, lost when a worker is killed


@dataclass
class WorkerTasks:
    """The jobs of a worker. Each is idempotent: doing it twice, or late, changes nothing."""

    services: Services
    stopping: asyncio.Event
    clock: Callable[[], datetime] = utc_now
    _day: DayContext | None = None
    _day_lock: Lock = field(default_factory=Lock)

    def should_fetch(self) -> bool:
        """Return True if the sources are due."""
        return run.should_fetch(self.services, self.clock())

    async def ingest(self) -> None:
        """Fetch the sources unless another worker has done so, and tell the operator which ones failed."""
        if not await to_thread.run_sync(self.should_fetch):
            return
        started = self.clock()
        result = RunResult(fetched=await run.fetch_and_embed(self.services, started))
        await to_thread.run_sync(run.finish_run, self.services, result, self.clock)
        run.record_run(self.services, result, since=started, clock=self.clock)

    def list_due_shards(self, now: datetime) -> tuple[Shard, ...]:
        """Return the due subscribers in shards; none while planning is stopped, and the operator is told."""
        repair_timestamps(self.services.store, now)
        with self.services.store.begin(write=False) as tx:
            stopped = get_stop_reason(tx, now)
            due = () if stopped else tx.subscribers.list_due_shards(now, SHARD_SIZE)
        run.finish_run(self.services, RunResult(plan=PlanResult(stopped=stopped)), self.clock)
        return due

    async def plan(self, shard: Shard, now: datetime) -> PlanResult:
        """Queue the editions of one shard, with the papers of the day as they were at `now`."""
        today = await to_thread.run_sync(self._get_day, now)
        plans = await run.plan_and_summarize(self.services, self.clock, now, shard=shard, day=today)
        if plans.due:
            log.info("planned", extra={"due": plans.due, "planned": plans.planned, "quiet": plans.quiet})
        return plans

    async def send(self) -> None:
        """Send until nothing is left that may go now; a failing database leaves the rest in the queue."""
        started = self.clock()
        try:
            stats = await run.send(self.services, self.clock, stopping=self.stopping)
        except (
            StoreError
        ) as error:  # it is out of reach, or the lease ran out: the claims go back to the queue
            log.warning("sending stopped", extra={"reason": str(error)})
            return
        result = RunResult(send_stats=stats)
        if stats.alerts:
            await to_thread.run_sync(run.tell_problems, self.services, result, self.clock)
        run.record_run(self.services, result, since=started, clock=self.clock)
        if stats.sent or stats.failed:
            log.info("sent", extra={"sent": stats.sent, "failed": stats.failed, "waiting": stats.deferred})

    def is_mail_due(self) -> bool:
        """Return True if there is mail to send."""
        with self.services.store.begin(write=False) as tx:
            return has_work(tx, self.clock())

    async def read_bounces(self) -> None:
        """Read the bounce mailbox if one is set."""
        if self.services.settings.bounce_mailbox.get_secret_value():
            summary = await to_thread.run_sync(read_bounce_mailbox, self.services, self.clock())
            if summary.read:
                log.info("bounces read", extra={"read": summary.read, "heard": summary.heard})

    def _get_day(self, now: datetime) -> DayContext:
        """Return the day at a moment, loaded once for all shards of that moment."""
        with self._day_lock:
            if self._day is None or self._day.now != now:
                self._day = load_day(
                    self.services.store,
                    now,
                    embedding_model=self.services.active_embedding_model,
                    day_cache=self.services.day_cache,
                )
            return self._day
