"""How do many sign-ups at once stay durable and fast? They share a transaction and its one commit."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from digest.db import Database, Transaction
from digest.models.errors import DigestError, StoreError
from digest.subscribers import Actor
from digest.subscribers.bulk_signup import SignUpRequest, sign_up_all

log = logging.getLogger(__name__)

T = TypeVar("T")
Outcome = tuple[Any, DigestError | None]
MOST_TOGETHER = 256
HEARD = "sign_up_heard_at"


@dataclass(frozen=True, slots=True)
class Job:
    """One visitor's change, or their wish to sign up (None: a robot's), and where its outcome is awaited."""

    what: "Callable[[Transaction], Any] | SignUpRequest | None"
    by: Actor
    outcome: asyncio.Future[Any]


class WriteBatcher:
    """Runs small changes in shared transactions. An answer comes after its commit, never before."""

    def __init__(self, store: Database) -> None:
        self._store = store
        self._waiting: list[Job] = []
        self._writer: asyncio.Task[None] | None = None

    async def run(self, work: Callable[[Transaction], T], *, by: Actor) -> T:
        """Do the work in the next transaction; what it raises is raised here and undoes only itself."""
        result: T = await self._next(work, by)
        return result

    async def sign_up(self, asking: SignUpRequest | None, *, by: Actor) -> None:
        """Sign up in the next transaction, with all who wait; None costs the same and does nothing."""
        await self._next(asking, by)

    async def _next(self, what: "Callable[[Transaction], Any] | SignUpRequest | None", by: Actor) -> Any:
        job = Job(what, by, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return await job.outcome

    async def _write(self) -> None:
        while self._waiting:
            together = self._waiting[:MOST_TOGETHER]
            del self._waiting[:MOST_TOGETHER]
            outcomes: Sequence[Outcome] = [(None, StoreError())] * len(together)
            try:
                outcomes = await asyncio.to_thread(_commit, self._store, together)
            except Exception:  # a mistake of ours: these hear of it, and those behind them are served
                log.exception("changes not written", extra={"jobs": len(together)})
            finally:
                for job, (value, error) in zip(together, outcomes, strict=True):
                    _tell(job.outcome, value, error)


def _commit(store: Database, jobs: Sequence[Job]) -> list[Outcome]:
    """All jobs in one transaction; if it cannot be committed, none of them happened."""
    try:
        with store.begin() as tx:
            by = jobs[-1].by
            tx.meta.write(HEARD, by.now.isoformat())  # whoever asked, something is written and made durable
            sign_up_all(tx, [job.what for job in jobs if isinstance(job.what, SignUpRequest)], by=by)
            return [_tried(job, tx) for job in jobs]
    except DigestError as error:
        return [(None, error)] * len(jobs)


def _tried(job: Job, tx: Transaction) -> Outcome:
    if not callable(job.what):
        return None, None
    try:
        with tx.connection.begin_nested():
            return job.what(tx), None
    except DigestError as error:
        return None, error


def _tell(outcome: asyncio.Future[Any], value: Any, error: DigestError | None) -> None:
    if outcome.done():
        return  # the visitor has left
    if error is not None:
        outcome.set_exception(error)
    else:
        outcome.set_result(value)
