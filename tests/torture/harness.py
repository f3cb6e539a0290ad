"""Kills senders at random moments, and counts what readers got: lost, doubled, and the bound."""

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
from tests.smtp_server import Act, Say, SmtpServer, SmtpStage, Talk, Wait

WORKER = Path(__file__).with_name("worker.py")
ROOT = WORKER.parents[2]
BATCH = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one torture came to."""

    mails: int
    kills: int
    lost: int  # planned, not left to the operator, and never taken by the server
    doubled: int
    bound: int  # kills x connections
    most_copies: int
    undecided: int  # met two crashes in the moment of sending: left to the operator, as documented
    undecided_without_copy: int
    unfinished: int
    seconds: float
    exits: Counter[int]

    def __str__(self) -> str:
        return (
            f"{self.mails} mails, {self.kills} kills, {self.seconds:.0f} s: lost {self.lost}, "
            f"doubled {self.doubled} (bound {self.bound}), most copies {self.most_copies}, "
            f"left to the operator {self.undecided} ({self.undecided_without_copy} of them without a copy)"
        )


@dataclass(slots=True)
class Nursery:
    """Where senders are born; the process behind it has imported everything already."""

    process: asyncio.subprocess.Process
    alive: set[int] = field(default_factory=set)
    births: int = 0
    exits: Counter[int] = field(default_factory=Counter)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def order(self, **order: object) -> None:
        """One more sender, please."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")

    async def listen(self) -> None:
        """Keep count of the living."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            word, process, *status = line.decode().split()
            if word == "begun":
                self.alive.add(int(process))
                self.births += 1
            else:
                self.alive.discard(int(process))
                self.exits[int(status[0])] += 1
            self.changed.set()

    async def until(self, condition: Callable[[], bool], *, seconds: float = 60) -> None:
        """Wait until something is true of the living."""
        async with asyncio.timeout(seconds):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def nursery() -> AsyncIterator[Nursery]:
    """A nursery, and nobody left alive after it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(WORKER),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    born = Nursery(process)
    listening = asyncio.create_task(born.listen())
    try:
        yield born
    finally:
        for child in list(born.alive):
            with contextlib.suppress(ProcessLookupError):  # it ended just now, and we have not heard yet
                os.kill(child, signal.SIGKILL)
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
        await listening


def tired(chance: random.Random) -> SmtpServer:
    """A server that takes a moment before it accepts a mail, and another before it says so."""

    def rule(step: SmtpStage, _talk: Talk) -> Act | None:
        if step != "dot":
            return None
        return Wait(chance.uniform(0, 0.02), Say(250, "2.0.0 queued as F00D", late=chance.uniform(0, 0.02)))

    return SmtpServer(rule=rule)


class Torture:
    """A store full of mail, and senders that do not live long."""

    def __init__(self, store: Database, *, workers: int, connections: int, lease: float, seed: int) -> None:
        self.store = store
        self.url = store.engine.url.render_as_string(hide_password=False)
        self.workers = workers
        self.connections = connections
        self.lease = lease
        self.chance = random.Random(seed)  # noqa: S311  it only has to be repeatable
        self.planned = 0
        with store.begin() as tx:
            self.readers = [
                tx.subscribers.add(
                    f"reader{place}@example.com",
                    profile=Profile(),
                    schedule=Schedule(),
                    preferences=Preferences(),
                    status=Status.CONFIRMED,
                    now=datetime.now(UTC),
                )
                for place in range(BATCH)
            ]

    async def run(self, *, mails: int, kills: int) -> Report:
        """So many kills, and then peace until everything has come to its end."""
        begun, done = time.monotonic(), 0
        self.plan(mails)
        async with tired(self.chance).running() as sink, nursery() as born:
            while done < kills:
                await self._staff(born, sink)
                done += await self._strike(born)
                if self._waiting() < BATCH // 4:
                    self.plan(BATCH)
            await self._staff(born, sink)
            await born.until(lambda: not born.alive, seconds=60 + self.planned / 50)
            return self._report(sink, born, done, time.monotonic() - begun)

    async def freeze(self, *, mails: int, seconds: float) -> Report:
        """Stop a sender for longer than its lease, and wake it up again: a zombie."""
        begun = time.monotonic()
        self.plan(mails)
        async with tired(self.chance).running() as sink, nursery() as born:
            await self._staff(born, sink)
            while len(sink.taken) < mails // 6:  # noqa: ASYNC110  the server has no event for it
                await asyncio.sleep(0.02)
            victim = min(born.alive)
            os.kill(victim, signal.SIGSTOP)
            await asyncio.sleep(seconds)
            os.kill(victim, signal.SIGCONT)
            await born.until(lambda: not born.alive)
            return self._report(sink, born, 1, time.monotonic() - begun)

    def plan(self, mails: int) -> None:
        """More mail for everybody."""
        now = datetime.now(UTC)
        for first in range(self.planned, self.planned + mails, BATCH):
            day = (now + timedelta(days=first // BATCH)).date()
            batch = self.readers[: min(BATCH, self.planned + mails - first)]
            with self.store.begin() as tx:
                tx.deliveries.plan(
                    [
                        NewDelivery(
                            kind=DeliveryKind.DIGEST,
                            key=f"digest/{reader.id}/{day}/{first}",
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

    async def _staff(self, born: Nursery, sink: SmtpServer) -> None:
        missing = self.workers - len(born.alive)
        expected = born.births + missing
        for _ in range(missing):
            born.order(url=self.url, smtp=sink.url, connections=self.connections, lease=self.lease)
        await born.until(lambda: born.births >= expected)

    async def _strike(self, born: Nursery) -> int:
        await asyncio.sleep(self.chance.uniform(0.0, 0.8))
        if not born.alive:
            return 0
        victim = self.chance.choice(sorted(born.alive))
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:  # it came to its own end just now: that was no kill
            return 0
        await born.until(lambda: victim not in born.alive)
        return 1

    def _waiting(self) -> int:
        with self.store.begin(write=False) as tx:
            return sum(tx.deliveries.waiting().values())

    def _report(self, sink: SmtpServer, born: Nursery, kills: int, seconds: float) -> Report:
        copies = Counter(sink.ids())
        with self.store.begin(write=False) as tx:
            waiting = sum(tx.deliveries.waiting().values())
            undecided = [
                row.message_id for row in tx.deliveries.in_state(DeliveryState.UNCERTAIN, limit=10**6)
            ]
        without_copy = [mail for mail in undecided if not copies[mail]]
        delivered = len(copies)
        return Report(
            mails=self.planned,
            kills=kills,
            lost=self.planned - delivered - len(without_copy),
            doubled=sum(copies.values()) - delivered,
            bound=kills * self.connections,
            most_copies=max(copies.values(), default=0),
            undecided=len(undecided),
            undecided_without_copy=len(without_copy),
            unfinished=waiting,
            seconds=seconds,
            exits=born.exits,
        )
