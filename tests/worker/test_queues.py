"""Job queues: each job is done once, also when a worker dies with one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from procrastinate import App, PsycopgConnector
from procrastinate.jobs import Job
from procrastinate.jobs import Status as JobStatus
from pydantic import SecretStr

from digest import subscribers
from digest.app.services import Services
from digest.db import Database
from digest.models import DeliveryState, FetchResult, Health, Schedule, Shard, Status
from digest.models.errors import StoreError
from digest.subscribers import Actor
from digest.tools.demo.scenario import IsolatedSettings
from digest.worker.queues import WORK_QUEUE, JobQueues, SafeJobManager
from digest.worker.tasks import WorkerTasks
from digest.worker.worker import run_once, run_worker
from tests.factories import make_paper, store_subscriber


@pytest.fixture
def services(postgres_url: str, tmp_path: Path) -> Iterator[Services]:
    """Services on PostgreSQL with freshly read sources, papers and three due subscribers."""
    now = datetime.now(UTC)
    store = Database.migrate(postgres_url)
    settings = IsolatedSettings(
        database_url=postgres_url,
        secret_key=SecretStr("thirty-two characters or more here"),
        outbox_dir=tmp_path,
        vectors="none",
    )
    with store.begin() as tx:
        tx.papers.add([make_paper(first_seen=now) for _ in range(20)], seen_at=now)
        tx.sources.record(FetchResult(source="arxiv", scope="cs.LG", health=Health.OK, read_at=now), new=0)
        for name in ("ada", "bo", "cy"):
            store_subscriber(
                tx, f"{name}@example.com", schedule=Schedule(send_at=now.time()), status=Status.CONFIRMED,
                now=now - timedelta(days=1), next_due=now - timedelta(minutes=1),
            )  # fmt: skip
    yield Services(settings, store)
    store.close()


def make_tasks(services: Services) -> WorkerTasks:
    return WorkerTasks(services, asyncio.Event())


async def list_waiting_jobs(queues: JobQueues) -> list[str]:
    jobs = await queues.work_app.job_manager.list_jobs_async(status="todo")
    return sorted(job.task_name for job in jobs)


def count_accepted(services: Services) -> int:
    with services.store.begin(write=False) as tx:
        return tx.deliveries.count_finished(datetime.now(UTC) - timedelta(days=1)).get(
            DeliveryState.ACCEPTED, 0
        )


async def test_run_once_sends_all_digests_and_the_next_run_sends_nothing(services: Services) -> None:
    await run_once(make_tasks(services))
    assert count_accepted(services) == 3
    await run_once(make_tasks(services))
    assert count_accepted(services) == 3


async def test_only_one_tick_is_ever_queued(services: Services) -> None:
    all_queues = [JobQueues(services.store.engine.url, make_tasks(services)) for _ in range(2)]
    async with all_queues[0].work_app.open_async(), all_queues[1].work_app.open_async():
        for queues in (*all_queues, *all_queues):
            await queues.enqueue_tick()
        assert await list_waiting_jobs(all_queues[0]) == ["tick"]


async def test_job_of_a_dead_worker_goes_to_another(services: Services) -> None:
    queues = JobQueues(services.store.engine.url, make_tasks(services))
    async with queues.work_app.open_async():
        await queues.enqueue_tick()
        taken = await take_as_dead_worker(queues, services)
        await queues.maintain(timedelta(seconds=60))
        assert (taken.task_name, [name for name in await list_waiting_jobs(queues) if name != "pump"]) == (
            "tick",
            ["tick"],
        )


async def test_job_of_a_dead_worker_ends_if_the_next_of_its_kind_waits(
    services: Services,
) -> None:
    queues = JobQueues(services.store.engine.url, make_tasks(services))
    async with queues.work_app.open_async():
        await queues.enqueue_tick()
        await take_as_dead_worker(queues, services)
        await queues.enqueue_tick()
        await queues.maintain(timedelta(seconds=60))
        assert (await list_waiting_jobs(queues)).count("tick") == 1


async def test_plan_jobs_are_enqueued_once_until_they_are_done(services: Services) -> None:
    queues = JobQueues(services.store.engine.url, make_tasks(services))
    async with queues.work_app.open_async():
        for _ in range(2):
            await queues.work_app.tasks["tick"].func(0)
        assert await list_waiting_jobs(queues) == ["plan"]


async def test_pump_jobs_are_enqueued_only_while_mail_is_due(services: Services) -> None:
    queues = JobQueues(services.store.engine.url, make_tasks(services))
    async with queues.work_app.open_async():
        await queues.maintain(timedelta(seconds=60))
        assert await list_waiting_jobs(queues) == []
    await run_once(make_tasks(services))
    with services.store.begin() as tx:
        tx.connection.execute(sa.text("UPDATE delivery SET state = 'queued'"))
    async with JobQueues(services.store.engine.url, make_tasks(services)).work_app.open_async():
        assert make_tasks(services).is_mail_due()


async def test_a_waiting_confirmation_gets_one_pump_job_and_digests_get_none(services: Services) -> None:
    tasks = make_tasks(services)
    queues = JobQueues(services.store.engine.url, tasks)
    async with queues.work_app.open_async():
        await tasks.plan(Shard(1, 1000), datetime.now(UTC))
        assert tasks.is_mail_due()
        await queues.enqueue_notices()
        assert await list_waiting_jobs(queues) == []
        with services.store.begin() as tx:
            actor = Actor("test", datetime.now(UTC), services.suppression_key)
            subscribers.sign_up(tx, "dot@example.com", actor=actor)
        for _ in range(2):
            await queues.enqueue_notices()
        assert await list_waiting_jobs(queues) == ["pump"]


async def wait_until_accepted(services: Services, count: int, *, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while count_accepted(services) < count:  # noqa: ASYNC110  the database has no event
            await asyncio.sleep(0.02)


async def test_worker_sends_a_confirmation_within_two_seconds(services: Services) -> None:
    tasks = make_tasks(services)
    worker = asyncio.create_task(run_worker(tasks))
    await wait_until_accepted(services, 3, seconds=30)  # the digests: the worker is at work
    with services.store.begin() as tx:
        actor = Actor("test", datetime.now(UTC), services.suppression_key)
        subscribers.sign_up(tx, "dot@example.com", actor=actor)
    await wait_until_accepted(services, 4, seconds=2)
    tasks.stopping.set()
    await worker
    assert count_accepted(services) == 4


async def take_as_dead_worker(queues: JobQueues, services: Services) -> Job:
    """Take the first job as a worker whose last heartbeat was an hour ago."""
    worker = await queues.work_app.job_manager.register_worker()
    job = await queues.work_app.job_manager.fetch_job(queues=[WORK_QUEUE], worker_id=worker)
    with services.store.begin() as tx:
        tx.connection.execute(
            sa.text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
        )
    assert job is not None
    return job


@asynccontextmanager
async def open_app(url: str) -> AsyncIterator[tuple[App, SafeJobManager]]:
    """Open an app with one kind of job, of which one may wait."""
    store = Database.migrate(url)
    app = App(connector=PsycopgConnector(conninfo=url))
    app.job_manager = manager = SafeJobManager(app.connector)
    app.task(name="read", queueing_lock="read")(lambda: None)
    async with app.open_async():
        yield app, manager
    store.close()


async def take_job(app: App, manager: SafeJobManager) -> Job:
    """Enqueue a job and take it as a worker."""
    await app.configure_task("read").defer_async()
    job = await manager.fetch_job(queues=None, worker_id=await manager.register_worker())
    assert job is not None
    return job


async def list_states(manager: SafeJobManager) -> list[str]:
    return sorted(job.status for job in await manager.list_jobs_async() if job.status)


async def test_job_that_was_taken_over_ends_without_an_error(postgres_url: str) -> None:
    async with open_app(postgres_url) as (app, manager):
        job = await take_job(app, manager)
        await manager.retry_job(job)
        await manager.finish_job(job, JobStatus.SUCCEEDED, delete_job=True)
        await manager.finish_job(job, JobStatus.SUCCEEDED, delete_job=True)
        await manager.retry_job(job)
        assert not await list_states(manager)


async def test_retried_job_fails_if_the_next_of_its_kind_waits(postgres_url: str) -> None:
    async with open_app(postgres_url) as (app, manager):
        job = await take_job(app, manager)
        await app.configure_task("read").defer_async()
        await manager.retry_job(job)
        assert await list_states(manager) == ["failed", "todo"]


async def test_job_manager_raises_when_the_end_of_a_job_cannot_be_stored(postgres_url: str) -> None:
    async with open_app(postgres_url) as (app, manager):
        job = await take_job(app, manager)
        with psycopg.connect(postgres_url) as operator:
            operator.execute("ALTER TABLE procrastinate_jobs RENAME TO lost")
        await manager.finish_job(job, JobStatus.SUCCEEDED, delete_job=True)
        with pytest.raises(StoreError):
            await asyncio.wait_for(manager.wait_until_lost(), 5)
