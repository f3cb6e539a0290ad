"""Where do workers find their jobs? On a board in PostgreSQL: procrastinate's queues, two of them.

    work   tick, ingest, plan, reread and bounces: arithmetic and reading, two at a time in each worker
    post   pump: one in each worker, so that the connections to the mail server stay as many as were set

Each mail is claimed from the ledger, not from the board: a job per mail would be a second ledger beside
the first, and twenty times as slow (docs/decisions/jobs.md).
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Sequence
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

from digest.db.dialects import CUT_OFF
from digest.models import Shard
from digest.models.errors import StoreError
from digest.worker.tasks import WorkerTasks


class SafeJobManager(JobManager):
    """Procrastinate's books of jobs, where the end of a job raises nothing that nobody would hear.

    A worker writes the end of a job down in a task that it never asks again: an error would be lost to
    asyncio's "exception was never retrieved", and the job would be held for ever by a worker that lives.
    """

    def __init__(self, connector: BaseConnector) -> None:
        super().__init__(connector)
        self._lost = asyncio.Event()

    async def until_lost(self) -> None:
        """Wait for an end that could not be written down, and raise StoreError: this life is over."""
        await self._lost.wait()
        raise StoreError("The end of a job could not be written down.")

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:  # noqa: FBT001  theirs
        """It is done or failed for good; nothing, if it was taken from us while we did it."""
        with self._heard(job):
            await super().finish_job(job, status, delete_job)

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """It is tried again; if the next of its kind is waiting already, that one is its second try."""
        try:
            with self._heard(job):
                await super().retry_job(job, retry_at, priority, queue, lock)
        except UniqueViolation:
            await self.finish_job(job, Status.FAILED, delete_job=False)

    @contextlib.contextmanager
    def _heard(self, job: Job) -> Iterator[None]:
        try:
            yield
        except UniqueViolation:
            raise
        except ConnectorException as error:
            if _is_anothers(error):
                log.info("job was taken over", extra={"job": job.task_name, "id": job.id})
            else:
                self._lost.set()


def _is_anothers(error: ConnectorException) -> bool:
    """Whether PostgreSQL found no such job in our hands: procrastinate's functions RAISE then."""
    return isinstance(error.__cause__, psycopg.errors.RaiseException)


log = logging.getLogger(__name__)
WORK, POST = "work", "post"
URGENT, LEISURE = 10, -10
PUMPS = 8  # called at once; more workers than that are called a few seconds later
MOST_ATTEMPTS = 10  # a job that has killed so many workers is not given to another
FORGOTTEN = 72  # hours a failed job is kept to be looked at
AGAIN = RetryStrategy(max_attempts=5, exponential_wait=2)  # seconds: 2, 4, 8, 16, 32


class JobQueues:
    """The queues of one worker, open; `chores` are done where they are found on it."""

    def __init__(self, url: sa.URL, chores: WorkerTasks) -> None:
        connector = _connector(url)
        self.ends = SafeJobManager(connector)
        self.works, self.posts = App(connector=connector), App(connector=connector)
        self.works.job_manager = self.posts.job_manager = self.ends
        self._chores = chores
        self._pin_up()

    async def call_tick(self) -> None:
        """Have somebody come round now, unless somebody is about to."""
        await _once(self.works.configure_task("tick", queueing_lock="tick", queue=WORK), timestamp=0)

    async def call_pumps(self) -> None:
        """Have as many workers as there are look for mail to send."""
        for place in range(PUMPS):
            name = f"pump/{place}"
            await _once(self.works.configure_task("pump", queue=POST, queueing_lock=name))

    async def look(self, patience: timedelta) -> None:
        """What nobody else sees to: jobs of the dead go back, and mail that is due calls for pumps."""
        await self._recover(patience)
        if await to_thread.run_sync(self._chores.is_mail_due):
            await self.call_pumps()

    async def is_waiting(self, queue: str) -> bool:
        """Whether a job is in this queue that nobody has taken."""
        return bool(list(await self.works.job_manager.list_jobs_async(queue=queue, status="todo")))

    # ---- the jobs

    def _pin_up(self) -> None:
        works, chores = self.works, self._chores

        @works.periodic(cron="* * * * *")
        @works.task(name="tick", queue=WORK, lock="tick", queueing_lock="tick", priority=URGENT)
        async def tick(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes its minute; ours is read once
            await self._tick()

        @works.task(name="ingest", queue=WORK, lock="ingest", queueing_lock="ingest", retry=AGAIN)
        async def ingest() -> None:
            with _told("ingest"):
                await chores.ingest()
            await self.call_tick()

        @works.task(name="plan", queue=WORK, retry=AGAIN)
        async def plan(first: int, last: int, now: str) -> None:
            with _told("plan"):
                await chores.plan(Shard(first, last), datetime.fromisoformat(now))
            await self.call_pumps()

        @works.periodic(cron="*/10 * * * *")
        @works.task(name="bounces", queue=WORK, lock="bounces", queueing_lock="bounces")
        async def bounces(timestamp: int) -> None:  # noqa: ARG001  as above
            await chores.hear()

        @works.periodic(cron="* * * * *")
        @works.task(name="reread", queue=WORK, lock="reread", queueing_lock="reread", priority=LEISURE)
        async def reread(timestamp: int) -> None:  # noqa: ARG001  as above
            with _told("reread"):
                await chores.reread()

        @self.posts.task(name="pump", queue=POST)
        async def pump() -> None:
            await chores.pump()

    async def _tick(self) -> None:
        """One minute's look at the day: read first, and cut only when the last cut has been worked off."""
        if await to_thread.run_sync(self._chores.should_fetch):
            await _once(self.works.configure_task("ingest"))
        elif not await self._is_planning():
            now = self._chores.clock()
            shards = await to_thread.run_sync(self._chores.cut, now)
            await self._plan(shards, now)
        await self.works.job_manager.delete_old_jobs(nb_hours=FORGOTTEN, include_failed=True)

    async def _plan(self, shards: Sequence[Shard], now: datetime) -> None:
        cut: list[JSONDict] = [{"first": s.first, "last": s.last, "now": now.isoformat()} for s in shards]
        if cut:
            await self.works.configure_task("plan").batch_defer_async(*cut)

    async def _is_planning(self) -> bool:
        listed = self.works.job_manager.list_jobs_async
        return any([list(await listed(task="plan", status=status)) for status in ("todo", "doing")])

    async def _recover(self, patience: timedelta) -> None:
        """Put back the jobs of workers that have not been heard of for so long."""
        seconds = patience.total_seconds()
        for job in await self.works.job_manager.get_stalled_jobs(seconds_since_heartbeat=seconds):
            await self._give_back(job)

    async def _give_back(self, job: Job) -> None:
        if job.attempts < MOST_ATTEMPTS:
            await self.ends.retry_job(job, retry_at=datetime.now(UTC))
        else:
            await self.ends.finish_job(job, Status.FAILED, delete_job=False)


@contextlib.contextmanager
def _told(job: str) -> Iterator[None]:
    """A job that failed is tried again by the board; the log has the reason."""
    try:
        yield
    except Exception:
        log.exception("job failed", extra={"job": job})
        raise


async def _once(job: JobDeferrer, **arguments: int) -> None:
    """Queue it, unless one like it is waiting already."""
    with contextlib.suppress(AlreadyEnqueued):
        await job.defer_async(**arguments)


def _connector(url: sa.URL) -> PsycopgConnector:
    """Connections of the board's own; it looks at each before it uses it, so a restart is survived."""
    conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
    given = {name: value for name, value in CUT_OFF.items() if name not in url.query}
    return PsycopgConnector(conninfo=conninfo, kwargs=given, min_size=1, max_size=4, timeout=10)
