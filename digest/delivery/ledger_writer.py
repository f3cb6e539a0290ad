"""Group commits: many connections write to one delivery queue, and all that wait share the next commit."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

from digest.delivery.interfaces import DeliveryQueue
from digest.models import AttemptResult, Delivery
from digest.models.errors import LeaseLost, StoreError

log = logging.getLogger(__name__)

T = TypeVar("T")
HEARTBEATS_PER_LEASE = 3
GATHER_SECONDS = 0.002  # a commit waits so long for more to write, if the last one was shared
RETRY_DELAYS = (0.1, 0.5, 1.0, 3.0, 5.0, 10.0)  # seconds between tries while the database fails


@dataclass(slots=True)
class _Batch:
    """What the next commit writes, and who waits for it."""

    results: list[AttemptResult] = field(default_factory=list)
    intents: list[Delivery] = field(default_factory=list)
    bodies: list[Delivery] = field(default_factory=list)
    waiting: list[asyncio.Future[Collection[int]]] = field(default_factory=list)


class LedgerWriter:
    """The only writer to the delivery queue in this process.

    While one commit waits for the disk, and for a moment after it, the next batches gather. If the database
    fails, they wait with it: nothing is granted, and no result is dropped before the last retry.
    """

    def __init__(
        self,
        queue: DeliveryQueue,
        clock: Callable[[], datetime],
        *,
        retry_delays: Sequence[float] = RETRY_DELAYS,
    ) -> None:
        self.now, self.resends = clock, queue.resends
        self._queue = queue
        self._retry_delays = tuple(retry_delays)
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._pending = _Batch()
        self._writing: asyncio.Task[None] | None = None
        self._lease_until = math.inf
        self._is_shared = False  # the last commit was of several connections
        self.commits = 0

    def commit(
        self,
        *,
        results: Sequence[AttemptResult] = (),
        intents: Sequence[Delivery] = (),
        bodies: Sequence[Delivery] = (),
    ) -> asyncio.Future[Collection[int]]:
        """Write results and intents; the future gets the ids that are granted, or StoreError: none is."""
        granted: asyncio.Future[Collection[int]] = asyncio.get_running_loop().create_future()
        self._pending.results += results
        self._pending.intents += intents
        self._pending.bodies += bodies
        self._pending.waiting.append(granted)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return granted

    async def call(self, function: Callable[[], T]) -> T:
        """Call *function* in the writer's thread, between two commits; retry it while the database fails."""
        for delay in self._retry_delays:
            try:
                return await self._run(function)
            except LeaseLost:
                raise
            except StoreError:
                await asyncio.sleep(delay)
        return await self._run(function)

    async def keep_lease(self) -> None:
        """Renew the lease until cancelled. Raises LeaseLost when it is gone."""
        interval = self._queue.heartbeat_seconds
        while interval:
            started = time.monotonic()
            try:
                await self._run(self._queue.renew_lease)
                self._lease_until = started + HEARTBEATS_PER_LEASE * interval
            except LeaseLost:
                raise
            except StoreError as error:  # two renewals may fail: the database may be restarting
                log.warning("lease not prolonged", extra={"reason": str(error)})
            await asyncio.sleep(interval)
        await asyncio.Event().wait()

    def check_lease(self) -> None:
        """Raise LeaseLost when the lease may have run out: nothing may be sent then."""
        if time.monotonic() > self._lease_until:
            raise LeaseLost

    async def close(self) -> None:
        """Finish the commit that is under way and stop the thread."""
        if self._writing:
            await asyncio.wait([self._writing])
        self._executor.shutdown(wait=False)

    async def _write(self) -> None:
        while self._pending.waiting:
            if self._is_shared:
                await asyncio.sleep(GATHER_SECONDS)
            batch, self._pending = self._pending, _Batch()
            self._is_shared = len(batch.waiting) > 1
            write = partial(self._queue.commit, batch.results, batch.intents, self.now(), bodies=batch.bodies)
            commit = asyncio.create_task(self.call(write))
            await asyncio.wait([commit])
            error = commit.exception()  # whoever waits must get it, whatever it is
            for waiter in batch.waiting:
                if waiter.done():  # its connection was cancelled
                    continue
                if error:
                    waiter.set_exception(error)
                    waiter.exception()  # marks it as retrieved, even if its connection is gone
                else:
                    waiter.set_result(commit.result())
            self.commits += not error

    async def _run(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, function)
