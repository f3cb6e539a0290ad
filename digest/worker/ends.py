"""How does a job end when its row is another's, its like is waiting, or the board is out of reach?"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from datetime import datetime

import psycopg
from procrastinate.connector import BaseConnector
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager

from digest.models.errors import StoreError

log = logging.getLogger(__name__)


class Ends(JobManager):
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
