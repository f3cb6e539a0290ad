"""Do jobs find their workers, once each, also when a worker dies with one in its hands?"""

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

from digest.app.services import Services
from digest.db import Database
from digest.models import DeliveryState, FetchResult, Health, Schedule, Status
from digest.models.errors import StoreError
from digest.tools.demo.scenario import Sealed
from digest.worker.queues import WORK, JobQueues, SafeJobManager
from digest.worker.tasks import WorkerTasks
from digest.worker.worker import work_off
from tests.factories import paper


@pytest.fixture
def services(postgres_url: str, tmp_path: Path) -> Iterator[Services]:
    """A house on PostgreSQL whose sources were read just now, with papers and three readers who are due."""
    now = datetime.now(UTC)
    store = Database.migrate(postgres_url)
    settings = Sealed(
        database_url=postgres_url,
        secret_key=SecretStr("thirty-two characters or more here"),
        outbox_dir=tmp_path,
        vectors="none",
    )
    with store.begin() as tx:
        tx.papers.add([paper(first_seen=now) for _ in range(20)], seen_at=now)
        tx.sources.record(FetchResult(source="arxiv", scope="cs.LG", health=Health.OK, read_at=now), new=0)
        for name in ("ada", "bo", "cy"):
            tx.subscribers.add(
                f"{name}@example.com", schedule=Schedule(send_at=now.time()), status=Status.CONFIRMED,
                now=now - timedelta(days=1), next_due=now - timedelta(minutes=1),
            )  # fmt: skip
    yield Services(settings, store)
    store.close()


def chores_of(services: Services) -> WorkerTasks:
    return WorkerTasks(services, asyncio.Event())


async def waiting(board: JobQueues) -> list[str]:
    jobs = await board.works.job_manager.list_jobs_async(status="todo")
    return sorted(job.task_name for job in jobs)


def accepted(services: Services) -> int:
    with services.store.begin(write=False) as tx:
        return tx.deliveries.ended(datetime.now(UTC) - timedelta(days=1)).get(DeliveryState.ACCEPTED, 0)


async def test_one_round_sends_everybody_their_digest_and_the_next_sends_nothing(services: Services) -> None:
    await work_off(chores_of(services))
    assert accepted(services) == 3
    await work_off(chores_of(services))
    assert accepted(services) == 3


async def test_whoever_calls_a_tick_there_is_only_one(services: Services) -> None:
    boards = [JobQueues(services.store.engine.url, chores_of(services)) for _ in range(2)]
    async with boards[0].works.open_async(), boards[1].works.open_async():
        for board in (*boards, *boards):
            await board.call_tick()
        assert await waiting(boards[0]) == ["tick"]


async def test_the_job_of_a_dead_worker_goes_to_another(services: Services) -> None:
    board = JobQueues(services.store.engine.url, chores_of(services))
    async with board.works.open_async():
        await board.call_tick()
        taken = await _taken_by_the_dead(board, services)
        await board.look(timedelta(seconds=60))
        assert (taken.task_name, [name for name in await waiting(board) if name != "pump"]) == (
            "tick",
            ["tick"],
        )


async def test_the_job_of_a_dead_worker_ends_where_the_next_of_its_kind_is_waiting(
    services: Services,
) -> None:
    board = JobQueues(services.store.engine.url, chores_of(services))
    async with board.works.open_async():
        await board.call_tick()
        await _taken_by_the_dead(board, services)
        await board.call_tick()
        await board.look(timedelta(seconds=60))
        assert (await waiting(board)).count("tick") == 1


async def test_who_is_due_is_cut_once_until_the_cut_is_worked_off(services: Services) -> None:
    board = JobQueues(services.store.engine.url, chores_of(services))
    async with board.works.open_async():
        for _ in range(2):
            await board.works.tasks["tick"].func(0)
        assert await waiting(board) == ["plan"]


async def test_mail_that_is_due_calls_for_pumps_and_no_mail_for_none(services: Services) -> None:
    board = JobQueues(services.store.engine.url, chores_of(services))
    async with board.works.open_async():
        await board.look(timedelta(seconds=60))
        assert await waiting(board) == []
    await work_off(chores_of(services))
    with services.store.begin() as tx:
        tx.connection.execute(sa.text("UPDATE delivery SET state = 'queued'"))
    async with JobQueues(services.store.engine.url, chores_of(services)).works.open_async():
        assert chores_of(services).is_mail_due()


async def _taken_by_the_dead(board: JobQueues, services: Services) -> Job:
    """The first job, in the hands of a worker that was last heard of an hour ago."""
    worker = await board.works.job_manager.register_worker()
    job = await board.works.job_manager.fetch_job(queues=[WORK], worker_id=worker)
    with services.store.begin() as tx:
        tx.connection.execute(
            sa.text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
        )
    assert job is not None
    return job


@asynccontextmanager
async def queue(url: str) -> AsyncIterator[tuple[App, SafeJobManager]]:
    """An open board with one kind of job, of which one may wait."""
    store = Database.migrate(url)
    app = App(connector=PsycopgConnector(conninfo=url))
    app.job_manager = ends = SafeJobManager(app.connector)
    app.task(name="read", queueing_lock="read")(lambda: None)
    async with app.open_async():
        yield app, ends
    store.close()


async def taken(app: App, ends: SafeJobManager) -> Job:
    """A job in the hands of a worker."""
    await app.configure_task("read").defer_async()
    job = await ends.fetch_job(queues=None, worker_id=await ends.register_worker())
    assert job is not None
    return job


async def states(ends: SafeJobManager) -> list[str]:
    return sorted(job.status for job in await ends.list_jobs_async() if job.status)


async def test_a_job_that_was_taken_over_while_it_was_done_ends_in_silence(postgres_url: str) -> None:
    async with queue(postgres_url) as (app, ends):
        job = await taken(app, ends)
        await ends.retry_job(job)
        await ends.finish_job(job, JobStatus.SUCCEEDED, delete_job=True)
        await ends.finish_job(job, JobStatus.SUCCEEDED, delete_job=True)
        await ends.retry_job(job)
        assert not await states(ends)


async def test_a_job_to_be_tried_again_gives_way_to_the_next_of_its_kind(postgres_url: str) -> None:
    async with queue(postgres_url) as (app, ends):
        job = await taken(app, ends)
        await app.configure_task("read").defer_async()
        await ends.retry_job(job)
        assert await states(ends) == ["failed", "todo"]


async def test_a_worker_that_cannot_write_an_end_down_begins_a_new_life(postgres_url: str) -> None:
    async with queue(postgres_url) as (app, ends):
        job = await taken(app, ends)
        with psycopg.connect(postgres_url) as operator:
            operator.execute("ALTER TABLE procrastinate_jobs RENAME TO lost")
        await ends.finish_job(job, JobStatus.SUCCEEDED, delete_job=True)
        with pytest.raises(StoreError):
            await asyncio.wait_for(ends.until_lost(), 5)
