"""How do many connections write into one ledger? One writer; all who wait at a moment share one commit."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from digest.delivery.interfaces import DeliveryQueue
from digest.models import AttemptResult, Delivery
from digest.models.errors import LeaseLost, StoreError

log = logging.getLogger(__name__)

T = TypeVar("T")
BEATS_PER_LEASE = 3
PATIENCE = (0.1, 0.5, 1.0, 3.0, 5.0, 10.0)  # seconds between tries while the database refuses


@dataclass(slots=True)
class _Entry:
    settled: tuple[AttemptResult, ...]
    wanted: tuple[Delivery, ...]
    bodies: tuple[Delivery, ...]
    granted: asyncio.Future[Collection[int]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class LedgerWriter:
    """The only writer of this process.

    While one commit is on its way to the disk, the next entries gather. If the database refuses, the
    entries wait with it: nobody is granted anything, and no result is thrown away before our patience ends.
    """

    def __init__(
        self, ledger: DeliveryQueue, clock: Callable[[], datetime], *, patience: Sequence[float] = PATIENCE
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._patience = tuple(patience)
        self._pen = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._waiting: list[_Entry] = []
        self._writing: asyncio.Task[None] | None = None
        self._alive_until = math.inf
        self.commits = 0

    def now(self) -> datetime:
        """The time that counts for the ledger."""
        return self._clock()

    async def turn(
        self,
        *,
        settled: Sequence[AttemptResult] = (),
        wanted: Sequence[Delivery] = (),
        bodies: Sequence[Delivery] = (),
    ) -> Collection[int]:
        """Write results and intents down; gives the ids that may go. StoreError: nothing may."""
        if not (settled or wanted or bodies):
            return frozenset()
        entry = _Entry(tuple(settled), tuple(wanted), tuple(bodies))
        self._waiting.append(entry)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return await asyncio.shield(entry.granted)

    async def ask(self, question: Callable[[], T]) -> T:
        """Do something else with the ledger, in turn with the writing, and again while it refuses."""
        for pause in self._patience:
            try:
                return await self._do(question)
            except LeaseLost:
                raise
            except StoreError:
                await asyncio.sleep(pause)
        return await self._do(question)

    async def beat_for_ever(self) -> None:
        """Keep our lease on the mail in our hands; LeaseLost when it is gone."""
        every = self._ledger.heartbeat
        while every:
            begun = time.monotonic()
            try:
                await self._do(self._ledger.beat)
                self._alive_until = begun + BEATS_PER_LEASE * every
            except LeaseLost:
                raise
            except StoreError as error:  # two beats may fail: a database that restarts is waited for
                log.warning("lease not prolonged", extra={"reason": str(error)})
            await asyncio.sleep(every)
        await asyncio.Event().wait()

    def check_lease(self) -> None:
        """Nothing goes on the wire when we cannot be sure that it is still ours to send."""
        if time.monotonic() > self._alive_until:
            raise LeaseLost

    async def close(self) -> None:
        """Finish what is being written and lay the pen down."""
        if self._writing:
            await asyncio.wait([self._writing])
        self._pen.shutdown(wait=False)

    async def _write(self) -> None:
        while self._waiting:
            entries, self._waiting = self._waiting, []
            try:
                granted = await self._commit(entries)
            except Exception as error:  # noqa: BLE001  whoever waits must hear of it, whatever it was
                for entry in entries:
                    entry.granted.set_exception(error)
                    entry.granted.exception()  # heard, even if its lane is gone
            else:
                for entry in entries:
                    entry.granted.set_result(granted)

    async def _commit(self, entries: Sequence[_Entry]) -> Collection[int]:
        whole = _Entry(
            tuple(each for entry in entries for each in entry.settled),
            tuple(each for entry in entries for each in entry.wanted),
            tuple(each for entry in entries for each in entry.bodies),
        )
        now = self.now()
        granted = await self.ask(
            lambda: self._ledger.turn(whole.settled, whole.wanted, now, bodies=whole.bodies)
        )
        self.commits += 1
        return granted

    async def _do(self, task: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pen, task)
