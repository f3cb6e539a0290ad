"""Job queues of the workers, on procrastinate.

    work   tick, ingest, plan, reread and bounces: computing and reading, two at a time in each worker
    post   pump: one in each worker, so that no worker opens more connections to the mail server than are set

A job per message would be slow and a second record beside the delivery table, so the pump jobs claim messages
from that table instead (docs/decisions/job-queue.md).
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import sqlalchemy as sa
from anyio import to_thread
from procrastinate import App, PsycopgConnector, RetryStrategy
from procrastinate.connector import BaseConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Job, JobDeferrer, Status
from procrastinate.manager import JobManager
from procrastinate.types import JSONDict

from digest.app import run
from digest.db.dialects import KEEPALIVE_OPTIONS
from digest.models import Shard
from digest.models.errors import StoreError
from digest.worker.tasks import WorkerTasks

log = logging.getLogger(__name__)

WORK_QUEUE, SEND_QUEUE = "work", "post"
HIGH_PRIORITY, LOW_PRIORITY = 10, -10
MAX_PUMP_JOBS = 8  # enqueued at once; more workers than that get theirs a few seconds later
MAX_ATTEMPTS = 10  # a job that has killed so many workers is not given to another
KEEP_FAILED_HOURS = 72  # a failed job is kept for inspection
RETRY = RetryStrategy(max_attempts=5, exponential_wait=2)  # seconds: 2, 4, 8, 16, 32


class SafeJobManager(JobManager):
    """Procrastinate's job manager, which reports when the end of a job cannot be stored.

    A procrastinate worker stores the end of a job in a task that it never awaits: an error would only show
    as asyncio's "exception was never retrieved", and the job would stay "doing" as long as its worker lives.
    """

    def __init__(self, connector: BaseConnector) -> None:
        super().__init__(connector)
        self._lost = asyncio.Event()

    async def wait_until_lost(self) -> None:
        """Wait until the end of a job cannot be stored, then raise StoreError: the worker must reconnect."""
        await self._lost.wait()
        raise StoreError("The end of a job could not be stored in the database.")

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:  # noqa: FBT001  as in the base
        """Store that a job succeeded or failed for good; do nothing if another worker has taken it over."""
        with self._watch_errors(job):
            await super().finish_job(job, status, delete_job)

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """Enqueue a job again; if the next of its kind waits already, that one is its second try."""
        try:
            with self._watch_errors(job):
                await super().retry_job(job, retry_at, priority, queue, lock)
        except UniqueViolation:
            await self.finish_job(job, Status.FAILED, delete_job=False)

    @contextlib.contextmanager
    def _watch_errors(self, job: Job) -> Iterator[None]:
        try:
            yield
        except UniqueViolation:
            raise
        except ConnectorException as error:
            if _is_taken_over(error):
                log.info("job was taken over", extra={"job": job.task_name, "id": job.id})
            else:
                self._lost.set()


def _is_taken_over(error: ConnectorException) -> bool:
    """Return True if this worker no longer has the job: procrastinate's SQL functions RAISE then."""
    return isinstance(error.__cause__, psycopg.errors.RaiseException)


class JobQueues:
    """The two job queues of one worker; *tasks* are the bodies of the jobs."""

    def __init__(self, url: sa.URL, tasks: WorkerTasks) -> None:
        connector = _build_connector(url)
        self.job_manager = SafeJobManager(connector)
        self.work_app, self.send_app = App(connector=connector), App(connector=connector)
        self.work_app.job_manager = self.send_app.job_manager = self.job_manager
        self._tasks = tasks
        self._register_jobs()

    async def enqueue_tick(self) -> None:
        """Enqueue a tick unless one is waiting."""
        tick = self.work_app.configure_task("tick", queueing_lock="tick", queue=WORK_QUEUE)
        await _enqueue_once(tick, timestamp=0)

    async def enqueue_pumps(self, count: int = MAX_PUMP_JOBS) -> None:
        """Enqueue pump jobs, by default one for each of as many workers as there may be."""
        for number in range(count):
            lock = f"pump/{number}"
            pump = self.work_app.configure_task("pump", queue=SEND_QUEUE, queueing_lock=lock)
            await _enqueue_once(pump)

    async def maintain(self, stalled_after: timedelta) -> None:
        """Put back the jobs of dead workers, and enqueue pump jobs if mail is due."""
        await self._retry_stalled(stalled_after)
        if await to_thread.run_sync(self._tasks.is_mail_due):
            await self.enqueue_pumps()

    async def enqueue_notices(self) -> None:
        """Enqueue one pump job if a confirmation, notice or alert waits."""
        if await to_thread.run_sync(run.is_notice_due, self._tasks.services, self._tasks.clock()):
            await self.enqueue_pumps(1)

    async def has_waiting_job(self, queue: str) -> bool:
        """Return True if this queue has a job that no worker has taken."""
        return bool(list(await self.job_manager.list_jobs_async(queue=queue, status="todo")))

    # ---- the jobs

    def _register_jobs(self) -> None:
        work_app, tasks = self.work_app, self._tasks

        @work_app.periodic(cron="* * * * *")
        @work_app.task(
            name="tick", queue=WORK_QUEUE, lock="tick", queueing_lock="tick", priority=HIGH_PRIORITY
        )
        async def tick(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes its minute; the tick asks its own clock
            await self._tick()

        @work_app.task(name="ingest", queue=WORK_QUEUE, lock="ingest", queueing_lock="ingest", retry=RETRY)
        async def ingest() -> None:
            with _log_failure("ingest"):
                await tasks.ingest()
            await self.enqueue_tick()

        @work_app.task(name="plan", queue=WORK_QUEUE, retry=RETRY)
        async def plan(first: int, last: int, now: str) -> None:
            with _log_failure("plan"):
                await tasks.plan(Shard(first, last), datetime.fromisoformat(now))
            await self.enqueue_pumps()

        @work_app.periodic(cron="*/10 * * * *")
        @work_app.task(name="bounces", queue=WORK_QUEUE, lock="bounces", queueing_lock="bounces")
        async def bounces(timestamp: int) -> None:  # noqa: ARG001  as above
            await tasks.read_bounces()

        @work_app.periodic(cron="* * * * *")
        @work_app.task(
            name="reread", queue=WORK_QUEUE, lock="reread", queueing_lock="reread", priority=LOW_PRIORITY
        )
        async def reread(timestamp: int) -> None:  # noqa: ARG001  as above
            with _log_failure("reread"):
                await run.continue_backlog(tasks.services, tasks.clock)

        @self.send_app.task(name="pump", queue=SEND_QUEUE)
        async def pump() -> None:
            await tasks.send()

    async def _tick(self) -> None:
        """Enqueue what is due: the sources first, and planning only when the last planning is done."""
        if await to_thread.run_sync(self._tasks.should_fetch):
            await _enqueue_once(self.work_app.configure_task("ingest"))
        elif not await self._is_planning():
            now = self._tasks.clock()
            shards = await to_thread.run_sync(self._tasks.list_due_shards, now)
            plans: list[JSONDict] = [
                {"first": shard.first, "last": shard.last, "now": now.isoformat()} for shard in shards
            ]
            if plans:
                await self.work_app.configure_task("plan").batch_defer_async(*plans)
        await self.job_manager.delete_old_jobs(nb_hours=KEEP_FAILED_HOURS, include_failed=True)

    async def _is_planning(self) -> bool:
        list_jobs = self.job_manager.list_jobs_async
        return any([list(await list_jobs(task="plan", status=status)) for status in ("todo", "doing")])

    async def _retry_stalled(self, stalled_after: timedelta) -> None:
        """Retry the jobs of workers that have sent no heartbeat for so long; give up after MAX_ATTEMPTS."""
        seconds = stalled_after.total_seconds()
        for job in await self.job_manager.get_stalled_jobs(seconds_since_heartbeat=seconds):
            if job.attempts < MAX_ATTEMPTS:
                await self.job_manager.retry_job(job, retry_at=datetime.now(UTC))
            else:
                await self.job_manager.finish_job(job, Status.FAILED, delete_job=False)


@contextlib.contextmanager
def _log_failure(job: str) -> Iterator[None]:
    """Log the reason when a job fails; procrastinate retries it."""
    try:
        yield
    except Exception:
        log.exception("job failed", extra={"job": job})
        raise


async def _enqueue_once(job: JobDeferrer, **arguments: int) -> None:
    """Enqueue a job unless one with its queueing lock is waiting."""
    with contextlib.suppress(AlreadyEnqueued):
        await job.defer_async(**arguments)


def _build_connector(url: sa.URL) -> PsycopgConnector:
    """Return procrastinate's own connection pool; it checks each connection, so a restart does not matter."""
    conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
    options = {name: value for name, value in KEEPALIVE_OPTIONS.items() if name not in url.query}
    return PsycopgConnector(conninfo=conninfo, kwargs=options, min_size=1, max_size=4, timeout=10)
