"""How do many sign-ups at once stay durable and fast? They share a transaction and its one commit."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from digest.errors import DigestError, StoreError
from digest.store import Store, Transaction

T = TypeVar("T")
Outcome = tuple[Any, DigestError | None]
MOST_TOGETHER = 256


@dataclass(frozen=True, slots=True)
class Job:
    """One visitor's change, and where its outcome is awaited."""

    work: Callable[[Transaction], Any]
    outcome: asyncio.Future[Any]


class Committer:
    """Runs small changes in shared transactions. An answer comes after its commit, never before."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[Job] = []
        self._writer: asyncio.Task[None] | None = None

    async def run(self, work: Callable[[Transaction], T]) -> T:
        """Do the work in the next transaction; what it raises is raised here and undoes only itself."""
        job = Job(work, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        result: T = await job.outcome
        return result

    async def _write(self) -> None:
        while self._waiting:
            together = self._waiting[:MOST_TOGETHER]
            del self._waiting[:MOST_TOGETHER]
            outcomes: Sequence[Outcome] = [(None, StoreError())] * len(together)
            try:
                outcomes = await asyncio.to_thread(_commit, self._store, together)
            finally:
                for job, (value, error) in zip(together, outcomes, strict=True):
                    _tell(job.outcome, value, error)


def _commit(store: Store, jobs: Sequence[Job]) -> list[Outcome]:
    """All jobs in one transaction; if it cannot be committed, none of them happened."""
    try:
        with store.begin() as tx:
            return [_tried(job, tx) for job in jobs]
    except DigestError as error:
        return [(None, error)] * len(jobs)


def _tried(job: Job, tx: Transaction) -> Outcome:
    try:
        with tx.connection.begin_nested():
            return job.work(tx), None
    except DigestError as error:
        return None, error


def _tell(outcome: asyncio.Future[Any], value: Any, error: DigestError | None) -> None:
    if outcome.done():
        return  # the visitor has left
    if error is not None:
        outcome.set_exception(error)
    else:
        outcome.set_result(value)
