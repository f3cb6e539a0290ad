"""Whatever people and servers do, in any order: who did not say yes gets no digest, and nobody two.

A state machine over the real use-cases, the real ledger and the real pump; the server is a list.
"""

import asyncio
import contextlib
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from digest.deliver.letter import Letter, Outcome, Step
from digest.deliver.outbox import pump
from digest.errors import DigestError
from digest.model import BounceKind, Delivery, DeliveryKind, DeliveryState, Status, Subscriber
from digest.store import Store
from digest.store.ledger import SendersLedger
from digest.subscriptions import (
    By,
    confirm,
    erase,
    pause,
    resume,
    sign_up,
    suppress,
    unsubscribe,
)
from tests.deliver.post import PEPPER, Post, letter_to, route
from tests.house import NOW

PEOPLE = tuple(f"{name}@example.com" for name in ("ada", "bo", "chen", "dee"))
people = st.sampled_from(PEOPLE)
answers = st.lists(st.sampled_from(["yes", "later", "nobody", "lost"]), max_size=4)


class World:
    """The other side: it answers as told, and checks at the door."""

    def __init__(self) -> None:
        self.willing: set[str] = set()  # who said yes and has not taken it back
        self.suppressed: set[str] = set()
        self.copies: Counter[str] = Counter()  # taken, by Message-ID
        self.days: Counter[tuple[str, str]] = Counter()  # different digests taken, by reader and day
        self.doubts = 0
        self.answers: list[str] = []
        self.deliveries: dict[str, Delivery] = {}

    is_open = True
    looks_ahead = False

    async def open(self) -> "World":
        """Always there."""
        return self

    async def close(self) -> None:
        """Never gone."""

    def abort(self) -> None:
        """Never gone."""

    async def deliver(self, letter: Letter, *, ahead: Letter | None = None) -> Outcome:  # noqa: ARG002
        """Check who it is for, and answer as told."""
        delivery = self.deliveries[letter.envelope_id]
        self._check(delivery, letter.rcpt_to)
        answer = self.answers.pop(0) if self.answers else "yes"
        if answer == "later":
            return Outcome(Step.RCPT, 451, "4.3.0 later")
        if answer == "nobody":
            self.willing.discard(letter.rcpt_to)
            self.suppressed.add(letter.rcpt_to)
            return Outcome(Step.RCPT, 550, "5.1.1 nobody")
        self._take(delivery)
        if answer == "lost":
            self.doubts += 1
            return Outcome(Step.DOT, 0, "hung up")
        return Outcome(Step.DOT, 250, "2.0.0 ok")

    def _check(self, delivery: Delivery, address: str) -> None:
        assert address not in self.suppressed, f"{delivery.kind} to a suppressed address"
        if delivery.kind is DeliveryKind.DIGEST:
            assert address in self.willing, "a digest to somebody who did not say yes"

    def _take(self, delivery: Delivery) -> None:
        if not self.copies[delivery.message_id] and delivery.kind is DeliveryKind.DIGEST:
            self.days[(delivery.address, str(delivery.day))] += 1
        self.copies[delivery.message_id] += 1


class Promises(RuleBasedStateMachine):
    """Everything that can happen to a reader, in any order."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.store = Store.open(f"sqlite:///{Path(self.folder.name)}/digest.sqlite3")
        self.now = NOW
        self.world = World()
        for address in PEOPLE[:-1]:
            self.subscribes(address)
        self.a_digest_is_planned_for_everybody()

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    # ---- what people do

    @rule(address=people, answers_the_mail=st.sampled_from([True, True, False]))
    def subscribes(self, address: str, *, answers_the_mail: bool = True) -> None:
        with self.store.begin() as tx:
            sign_up(tx, address, by=self._by)
        yes = answers_the_mail and self._do(confirm, address) is Status.CONFIRMED
        if yes and not self._asleep(address):
            self.world.willing.add(address)

    @rule(address=people, days=st.sampled_from([None, 1, 3]))
    def pauses(self, address: str, days: int | None) -> None:
        until = self.now.date() + timedelta(days=days) if days else None
        if self._do(pause, address, until=until) is not None:
            self.world.willing.discard(address)

    @rule(address=people)
    def resumes(self, address: str) -> None:
        if self._do(resume, address) is Status.CONFIRMED:
            self.world.willing.add(address)

    @rule(address=people, how=st.sampled_from(["leaves", "suppressed", "erased", "hard", "complaint"]))
    def goes(self, address: str, how: str) -> None:
        match how:
            case "leaves":
                self._leave(address)
            case "suppressed":
                self._suppress(address)
            case "erased":
                self._do(erase, address)
                self.world.willing.discard(address)
            case kind:
                self._hear(address, BounceKind(kind))

    # ---- what we do

    @rule()
    def a_digest_is_planned_for_everybody(self) -> None:
        post = Post(self.store, now=self.now)
        for address in PEOPLE:
            if reader := self._reader(address):
                post.digest(reader)

    @rule(told=answers)
    def mail_goes_out(self, told: list[str]) -> None:
        self.world.answers = told
        self._pump(letter_to)

    @rule(address=people, sleeps=st.booleans())
    def mail_goes_out_while_somebody_changes_their_mind(self, address: str, *, sleeps: bool) -> None:
        def write(delivery: Delivery) -> Letter:
            if sleeps:
                self.pauses(address, days=3)
            else:
                self._leave(address)
            return letter_to(delivery)

        self._pump(write)

    @rule()
    def the_sender_dies_with_a_body_on_the_wire(self) -> None:
        ledger = SendersLedger(self.store, pepper=PEPPER)
        ledger.__enter__()
        claimed = ledger.claim(1, self.now).deliveries
        granted = ledger.turn([], claimed, self.now, bodies=claimed)
        for delivery in claimed:
            if delivery.id in granted:
                self.world.doubts += 1
                self.world._check(delivery, delivery.address)
                self.world._take(delivery)
        ledger._holding.close()  # the kernel does no more for the dead

    @rule(hours=st.sampled_from([0.1, 1, 24]))
    def time_passes(self, hours: float) -> None:
        self.now += timedelta(hours=hours)

    # ---- what holds

    @invariant()
    def nobody_gets_two_digests_a_day(self) -> None:
        if hasattr(self, "world"):
            assert max(self.world.days.values(), default=0) <= 1
            assert max(self.world.copies.values(), default=0) <= 2
            assert sum(copies - 1 for copies in self.world.copies.values()) <= self.world.doubts

    # ---- inside

    @property
    def _by(self) -> By:
        return By("test", self.now, PEPPER)

    def _reader(self, address: str) -> Subscriber | None:
        with self.store.begin(write=False) as tx:
            return tx.subscribers.by_addresses([address]).get(address)

    def _asleep(self, address: str) -> bool:
        reader = self._reader(address)
        return reader is not None and reader.schedule.paused_until is not None

    def _do(self, use_case: object, address: str, **how: object) -> Status | None:
        reader = self._reader(address)
        if reader is None:
            return None
        with contextlib.suppress(DigestError), self.store.begin() as tx:
            done = use_case(tx, reader.pid, by=self._by, **how)  # type: ignore[operator]  # any of them
            return done.status if isinstance(done, Subscriber) else Status.UNSUBSCRIBED
        return None

    def _leave(self, address: str) -> None:
        before = self._reader(address)
        self._do(unsubscribe, address)
        self.world.willing.discard(address)
        if before and before.status is Status.UNCONFIRMED:
            self.world.suppressed.add(address)

    def _suppress(self, address: str) -> None:
        with self.store.begin() as tx:
            suppress(tx, address, by=self._by)
        self.world.willing.discard(address)
        self.world.suppressed.add(address)

    def _hear(self, address: str, kind: BounceKind) -> None:
        reader = self._reader(address)
        if reader is None:
            return
        with self.store.begin() as tx:
            for mail in tx.deliveries.history(reader.id, limit=1):
                name = f"{mail.pid} {kind} {self.now}"
                if tx.deliveries.report(mail.pid, kind, now=self.now, code="", raw_hash=name, pepper=PEPPER):
                    self.world.willing.discard(address)
                    self.world.suppressed.add(address)

    def _pump(self, write: object) -> None:
        def noting(delivery: Delivery) -> Letter:
            self.world.deliveries[delivery.pid] = delivery
            return write(delivery)  # type: ignore[operator, no-any-return]  # any of the two above

        with SendersLedger(self.store, pepper=PEPPER, wall=lambda: datetime.now(UTC)) as ledger:
            tally = asyncio.run(pump(ledger, noting, [route(self.world)], clock=lambda: self.now))
        assert not [alert for alert in tally.alerts if "rendered" in alert]
        with self.store.begin(write=False) as tx:
            assert tx.deliveries.waiting()[DeliveryState.SENDING] == 0


TestPromises = Promises.TestCase
TestPromises.settings = settings(TestPromises.settings, stateful_step_count=25)
