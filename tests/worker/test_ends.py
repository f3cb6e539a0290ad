"""Does the end of a job raise nothing that nobody hears, and hold nothing that nobody works on?"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from procrastinate import App, PsycopgConnector
from procrastinate.jobs import Job, Status

from digest.db import Store
from digest.models.errors import StoreError
from digest.worker.ends import Ends


@asynccontextmanager
async def queue(url: str) -> AsyncIterator[tuple[App, Ends]]:
    """An open board with one kind of job, of which one may wait."""
    store = Store.migrate(url)
    app = App(connector=PsycopgConnector(conninfo=url))
    app.job_manager = ends = Ends(app.connector)
    app.task(name="read", queueing_lock="read")(lambda: None)
    async with app.open_async():
        yield app, ends
    store.close()


async def taken(app: App, ends: Ends) -> Job:
    """A job in the hands of a worker."""
    await app.configure_task("read").defer_async()
    job = await ends.fetch_job(queues=None, worker_id=await ends.register_worker())
    assert job is not None
    return job


async def states(ends: Ends) -> list[str]:
    return sorted(job.status for job in await ends.list_jobs_async() if job.status)


async def test_a_job_that_was_taken_over_while_it_was_done_ends_in_silence(postgres_url: str) -> None:
    async with queue(postgres_url) as (app, ends):
        job = await taken(app, ends)
        await ends.retry_job(job)
        await ends.finish_job(job, Status.SUCCEEDED, delete_job=True)
        await ends.finish_job(job, Status.SUCCEEDED, delete_job=True)
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
        await ends.finish_job(job, Status.SUCCEEDED, delete_job=True)
        with pytest.raises(StoreError):
            await asyncio.wait_for(ends.until_lost(), 5)
