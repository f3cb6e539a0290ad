"""Kills senders at random moments, and counts the messages that were lost or duplicated."""

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from digest.db import Database
from digest.models import DeliveryKind, DeliveryState, NewDelivery, Preferences, Profile, Schedule, Status
from tests.factories import store_subscriber
from tests.smtp_server import Action, Reply, Session, SmtpServer, SmtpStage, Wait
from tests.torture.worker import LEASE_LOST

WORKER = Path(__file__).with_name("worker.py")
ROOT = WORKER.parents[2]
BATCH = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of one torture run."""

    mails: int
    kills: int
    lost: int  # planned, not left to the operator, and never accepted by the server
    duplicated: int
    bound: int  # kills x connections
    max_copies: int
    uncertain: int  # two crashes during sending: left to the operator, as documented
    uncertain_without_copy: int
    unfinished: int
    seconds: float
    exits: Counter[int]

    def __str__(self) -> str:
        return (
            f"{self.mails} mails, {self.kills} kills, {self.seconds:.0f} s: lost {self.lost}, "
            f"duplicated {self.duplicated} (bound {self.bound}), at most {self.max_copies} copies, "
            f"left to the operator {self.uncertain} ({self.uncertain_without_copy} of them without a copy)"
        )


@dataclass(slots=True)
class SenderPool:
    """Starts senders by forking a process that has imported everything already (worker.py)."""

    process: asyncio.subprocess.Process
    alive: set[int] = field(default_factory=set)
    started_count: int = 0
    exits: Counter[int] = field(default_factory=Counter)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def start_sender(self, **options: object) -> None:
        """Ask for one more sender."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(options).encode() + b"\n")

    async def track(self) -> None:
        """Keep track of the senders that start and end."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            event, process_id, *status = line.decode().split()
            if event == "started":
                self.alive.add(int(process_id))
                self.started_count += 1
            else:
                self.alive.discard(int(process_id))
                self.exits[int(status[0])] += 1
            self.changed.set()

    async def wait_until(self, condition: Callable[[], bool], *, seconds: float = 60) -> None:
        """Wait until a condition on the senders is true."""
        async with asyncio.timeout(seconds):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def open_sender_pool() -> AsyncIterator[SenderPool]:
    """Open a pool; kill the senders that still run afterwards."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(WORKER),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    pool = SenderPool(process)
    tracking = asyncio.create_task(pool.track())
    try:
        yield pool
    finally:
        for process_id in list(pool.alive):
            with contextlib.suppress(ProcessLookupError):  # it ended just now
                os.kill(process_id, signal.SIGKILL)
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
        await tracking


def make_slow_server(rng: random.Random) -> SmtpServer:
    """Return a server that waits up to 20 ms before it accepts a message, and again before it says so."""

    def rule(stage: SmtpStage, _session: Session) -> Action | None:
        if stage != "dot":
            return None
        return Wait(rng.uniform(0, 0.02), Reply(250, "2.0.0 queued as F00D", delay=rng.uniform(0, 0.02)))

    return SmtpServer(rule=rule)


MAX_STARTS = 5  # of senders that end before all is sent


class Torture:
    """A database full of mail, and senders that are killed or frozen."""

    def __init__(self, store: Database, *, workers: int, connections: int, lease: float, seed: int) -> None:
        self.store = store
        self.url = store.engine.url.render_as_string(hide_password=False)
        self.workers = workers
        self.connections = connections
        self.lease = lease
        self.rng = random.Random(seed)  # noqa: S311  it only has to be repeatable
        self.planned = 0
        with store.begin() as tx:
            self.readers = [
                store_subscriber(
                    tx,
                    f"reader{number}@example.com",
                    profile=Profile(),
                    schedule=Schedule(),
                    preferences=Preferences(),
                    status=Status.CONFIRMED,
                    now=datetime.now(UTC),
                )
                for number in range(BATCH)
            ]

    async def run(self, *, mails: int, kills: int) -> Report:
        """Kill senders so many times, then let them finish."""
        started, done = time.monotonic(), 0
        self.plan(mails)
        async with make_slow_server(self.rng).running() as server, open_sender_pool() as pool:
            while done < kills:
                await self._start_missing(pool, server)
                done += await self._kill_one(pool)
                if self._count_open() < BATCH // 4:
                    self.plan(BATCH)
            await self._finish(pool, server)
            return self._report(server, pool, done, time.monotonic() - started)

    async def freeze(self, *, mails: int, seconds: float) -> Report:
        """Stop a sender for longer than its lease, and let it continue."""
        started = time.monotonic()
        self.plan(mails)
        async with make_slow_server(self.rng).running() as server, open_sender_pool() as pool:
            await self._start_missing(pool, server)
            while len(server.accepted) < mails // 6:  # noqa: ASYNC110  the server has no event for it
                await asyncio.sleep(0.02)
            process_id = min(pool.alive)
            os.kill(process_id, signal.SIGSTOP)
            await asyncio.sleep(seconds)
            os.kill(process_id, signal.SIGCONT)
            await pool.wait_until(lambda: process_id not in pool.alive)
            await self._finish(pool, server)
            return self._report(server, pool, 0, time.monotonic() - started)

    def plan(self, mails: int) -> None:
        """Queue more messages for all subscribers."""
        now = datetime.now(UTC)
        for first in range(self.planned, self.planned + mails, BATCH):
            day = (now + timedelta(days=first // BATCH)).date()
            batch = self.readers[: min(BATCH, self.planned + mails - first)]
            with self.store.begin() as tx:
                tx.deliveries.enqueue(
                    [
                        NewDelivery(
                            kind=DeliveryKind.DIGEST,
                            key=f"digest/{day}/{reader.id}/{first}",
                            subscriber_id=reader.id,
                            address=reader.address,
                            slot=now,
                            not_before=now,
                            not_after=now + timedelta(days=1),
                            day=day,
                        )
                        for reader in batch
                    ],
                    now=now,
                )
        self.planned += mails

    async def _finish(self, pool: SenderPool, server: SmtpServer) -> None:
        """Let senders send what is left; start new ones for those that lost their lease, as systemd does."""
        for _ in range(MAX_STARTS):
            await self._start_missing(pool, server)
            await pool.wait_until(lambda: not pool.alive, seconds=60 + self.planned / 50)
            if not self._count_open():
                return

    async def _start_missing(self, pool: SenderPool, server: SmtpServer) -> None:
        missing = self.workers - len(pool.alive)
        expected = pool.started_count + missing
        for _ in range(missing):
            pool.start_sender(url=self.url, smtp=server.url, connections=self.connections, lease=self.lease)
        await pool.wait_until(lambda: pool.started_count >= expected)

    async def _kill_one(self, pool: SenderPool) -> int:
        await asyncio.sleep(self.rng.uniform(0.0, 0.8))
        if not pool.alive:
            return 0
        process_id = self.rng.choice(sorted(pool.alive))
        try:
            os.kill(process_id, signal.SIGKILL)
        except ProcessLookupError:  # it ended by itself just now: that was no kill
            return 0
        await pool.wait_until(lambda: process_id not in pool.alive)
        return 1

    def _count_open(self) -> int:
        with self.store.begin(write=False) as tx:
            return sum(tx.deliveries.count_open().values())

    def _report(self, server: SmtpServer, pool: SenderPool, kills: int, seconds: float) -> Report:
        copies = Counter(server.message_ids())
        with self.store.begin(write=False) as tx:
            waiting = sum(tx.deliveries.count_open().values())
            uncertain = [
                row.public_id for row in tx.deliveries.list_by_state(DeliveryState.UNCERTAIN, limit=10**6)
            ]
        without_copy = [mail for mail in uncertain if not copies[mail]]
        delivered = len(copies)
        return Report(
            mails=self.planned,
            kills=kills,
            lost=self.planned - delivered - len(without_copy),
            duplicated=sum(copies.values()) - delivered,
            bound=(kills + pool.exits[LEASE_LOST]) * self.connections,
            max_copies=max(copies.values(), default=0),
            uncertain=len(uncertain),
            uncertain_without_copy=len(without_copy),
            unfinished=waiting,
            seconds=seconds,
            exits=pool.exits,
        )
