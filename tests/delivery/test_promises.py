"""Whatever people and servers do, in any order: who did not say yes gets no digest, and nobody two.

A state machine over the real use-cases, the real planning, the real ledger and the real pump; the
server is a list. Clocks jump, and the sender dies before or after any of its commits.
"""

import asyncio
import contextlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from digest.db import Database
from digest.db.dialects import is_postgres
from digest.db.sender_session import SenderSession
from digest.db.tables import BUCKET, DELIVERY, DELIVERY_EVENT, SENT_PAPER, SUBSCRIBER, SUPPRESSION, WORKER
from digest.delivery.message import OutgoingMessage
from digest.delivery.sender import pump
from digest.models import BounceKind, Delivery, DeliveryState, Status, Subscriber
from digest.models.addresses import address_key
from digest.models.errors import DigestError
from digest.pipeline.plan import plan
from digest.subscribers import (
    Actor,
    change_address,
    confirm,
    confirm_address,
    erase,
    pause,
    resume,
    sign_up,
    suppress,
    undo_unsubscribe,
    unsubscribe,
    unsuppress,
)
from digest.subscribers.importing import take_in
from tests.delivery.harness import PEPPER, letter_to, route
from tests.delivery.world import Killed, Mortal, World
from tests.factories import NOW, paper

PEOPLE = tuple(f"{name}@example.com" for name in ("ada", "bo", "chen", "dee"))
READS = (Status.CONFIRMED, Status.PAUSED)
WORDS = ("", "confirmed", "unsubscribed", "blocklisted")
people = st.sampled_from(PEOPLE)
answers = st.lists(st.sampled_from(["yes", "later", "full", "no", "nobody", "slow", "lost"]), max_size=4)


class Promises(RuleBasedStateMachine):
    """Everything that can happen to a reader, in any order."""

    def __init__(self, store: Database) -> None:
        super().__init__()
        self.store = store
        self.now = NOW
        self.world = World()

    @initialize()
    def begin(self) -> None:
        with self.store.begin() as tx:
            for table in (DELIVERY_EVENT, SENT_PAPER, DELIVERY, SUBSCRIBER, SUPPRESSION, BUCKET, WORKER):
                tx.connection.execute(sa.delete(table))
        for address in PEOPLE[:-1]:
            self.signs_up(address, confirms=True)
        self.time_passes(22)

    # ---- what people do

    @rule(address=people, confirms=st.sampled_from([True, True, False]))
    def signs_up(self, address: str, *, confirms: bool) -> None:
        with self.store.begin() as tx:
            sign_up(tx, address, by=self._by)
        if confirms:
            self.confirms(address)

    @rule(address=people)
    def confirms(self, address: str) -> None:
        before = self._reader(address)
        done = self._do(confirm, address)
        if before and before.status not in READS and done is Status.CONFIRMED:
            self.world.agrees(address, since=before.schedule.paused_until)

    @rule(address=people, days=st.sampled_from([None, 1, 3]))
    def pauses(self, address: str, days: int | None) -> None:
        until = self.now.date() + timedelta(days=days) if days else None
        before = self._reader(address)
        done = self._do(pause, address, until=until)
        if until is None and done is Status.PAUSED:
            self.world.refuses(address)
        elif before and done is Status.CONFIRMED:
            self.world.agrees(address, since=until)

    @rule(address=people)
    def resumes(self, address: str) -> None:
        if self._do(resume, address) is Status.CONFIRMED:
            self.world.agrees(address)

    @rule(address=people)
    def leaves(self, address: str) -> None:
        """By the link, by one click or by mail: they end in the same use-case."""
        before = self._reader(address)
        self._do(unsubscribe, address)
        self.world.refuses(address, for_ever=before is not None and before.status is Status.UNCONFIRMED)

    @rule(address=people)
    def comes_back(self, address: str) -> None:
        before = self._reader(address)
        if before and before.status not in READS and self._do(undo_unsubscribe, address) is Status.CONFIRMED:
            self.world.agrees(address, since=before.schedule.paused_until)

    @rule(address=people, other=people, agrees=st.booleans())
    def moves(self, address: str, other: str, *, agrees: bool) -> None:
        before = self._reader(address)
        self._do(change_address, address, address=other)
        if agrees and address != other and self._do(confirm_address, address, address=other) is not None:
            since = self.world.willing.get(address)
            if address in self.world.willing:
                self.world.agrees(other, since=since)
            self.world.refuses(address)
            assert before

    # ---- what administrators and providers do

    @rule(address=people, lifts=st.booleans())
    def is_suppressed(self, address: str, *, lifts: bool) -> None:
        with self.store.begin() as tx:
            (unsuppress if lifts else suppress)(tx, address, by=self._by)
        if lifts:
            self.world.suppressed.discard(address)
        else:
            self.world.refuses(address, for_ever=True)

    @rule(address=people)
    def is_erased(self, address: str) -> None:
        self._do(erase, address)
        self.world.refuses(address)

    @rule(
        address=people,
        word=st.sampled_from(WORDS),
        yes=st.booleans(),
    )
    def is_imported(self, address: str, word: str, *, yes: bool) -> None:
        before = self._reader(address)
        with self.store.begin() as tx:
            take_in(tx, [(1, {"email": address, "status": word})], by=self._by, confirmed=yes)
        barred = address in self.world.suppressed or word == "blocklisted"
        if barred or word == "unsubscribed":
            self.world.refuses(address, for_ever=barred)
        elif before is None or before.status is Status.UNCONFIRMED:
            if yes:
                self.world.agrees(address, since=before.schedule.paused_until if before else None)
        elif before.status is Status.PAUSED and word:
            self.world.agrees(address, since=before.schedule.paused_until)

    @rule(address=people, kind=st.sampled_from(BounceKind), place=st.integers(0, 2))
    def a_report_comes(self, address: str, kind: BounceKind, place: int) -> None:
        reader = self._reader(address)
        if reader is None:
            return
        with self.store.begin() as tx:
            mails = tx.deliveries.history(reader.id, limit=3)[place:][:1]
            for mail in mails:
                name = f"{mail.pid} {kind} {self.now}"
                told = tx.deliveries.report(
                    mail.pid, kind, now=self.now, code="", raw_hash=name, suppression_key=PEPPER
                )
                if told and kind in (BounceKind.HARD, BounceKind.COMPLAINT):
                    self.world.refuses(mail.address, for_ever=True)

    # ---- what we do

    @rule()
    def digests_are_planned(self) -> None:
        plan(self.store, self.now)

    @rule(told=answers)
    def mail_goes_out(self, told: list[str]) -> None:
        self.world.answers = told
        self._pump()

    @rule(address=people, what=st.sampled_from(["pauses", "leaves", "is_suppressed", "is_erased"]))
    def mail_goes_out_while_somebody_changes_their_mind(self, address: str, what: str) -> None:
        def change_minds() -> None:
            how: dict[str, dict[str, Any]] = {"pauses": {"days": 3}, "is_suppressed": {"lifts": False}}
            getattr(self, what)(address, **how.get(what, {}))

        self._pump(meanwhile=change_minds)

    @rule(commits=st.integers(1, 7), after=st.booleans(), told=answers)
    def the_sender_dies_at_a_commit(self, commits: int, told: list[str], *, after: bool) -> None:
        self.world.answers = told
        ledger = self._ledger()
        ledger.__enter__()
        said = dict(self.world.willing), set(self.world.suppressed)
        try:
            asyncio.run(self._send(Mortal(ledger, commits=commits, after=after)))
        except* Killed:
            self._unlearn(*said)
        finally:
            ledger._holding.close()  # the kernel does no more for the dead
        self.world.doubts += 1  # its one connection
        if is_postgres(self.store.engine):
            with self.store.begin() as tx:  # and time does the rest
                tx.connection.execute(sa.update(WORKER).values(lease_until=NOW - timedelta(days=999)))

    def _unlearn(self, willing: dict[str, date | None], suppressed: set[str]) -> None:
        """An answer that died with its sender was never heard: that mailbox will be tried again."""
        for address in self.world.suppressed - suppressed:
            with self.store.begin(write=False) as tx:
                was_heard = tx.suppressions.holds(address_key(PEPPER, address))
            if not was_heard:
                self.world.suppressed.remove(address)
                self.world.willing |= {address: willing[address]} if address in willing else {}

    @rule(hours=st.sampled_from([0.1, 1, 22, 24, -2]))
    def time_passes(self, hours: float) -> None:
        """Or the clock is wrong, and is put right."""
        self.now += timedelta(hours=hours)
        with self.store.begin() as tx:
            tx.papers.add([paper(f"News of {self.now}", first_seen=None)], seen_at=self.now)

    # ---- what holds

    @invariant()
    def nobody_gets_two_digests_a_day_or_a_paper_twice(self) -> None:
        assert max(self.world.days.values(), default=0) <= 1
        assert max(self.world.papers.values(), default=0) <= 1
        assert max(self.world.copies.values(), default=0) <= 2
        assert sum(copies - 1 for copies in self.world.copies.values()) <= self.world.doubts

    @invariant()
    def nobody_suppressed_is_ever_due(self) -> None:
        with self.store.begin(write=False) as tx:
            due = tx.subscribers.due(self.now + timedelta(days=99), 9)
            assert not any(tx.suppressions.holds(address_key(PEPPER, each.address)) for each in due)

    # ---- inside

    @property
    def _by(self) -> Actor:
        return Actor("test", self.now, PEPPER)

    def _reader(self, address: str) -> Subscriber | None:
        with self.store.begin(write=False) as tx:
            return tx.subscribers.by_addresses([address]).get(address)

    def _do(self, use_case: object, who: str, **how: object) -> Status | None:
        reader = self._reader(who)
        if reader is None:
            return None
        with contextlib.suppress(DigestError), self.store.begin() as tx:
            done = use_case(tx, reader.pid, by=self._by, **how)  # type: ignore[operator]  # any of them
            return done.status if isinstance(done, Subscriber) else Status.UNSUBSCRIBED
        return None

    def _ledger(self) -> SenderSession:
        return SenderSession(self.store, suppression_key=PEPPER, wall=lambda: datetime.now(UTC))

    def _pump(self, meanwhile: object = lambda: None) -> None:
        with self._ledger() as ledger:
            asyncio.run(self._send(ledger, meanwhile))
        with self.store.begin(write=False) as tx:
            assert tx.deliveries.waiting()[DeliveryState.SENDING] == 0
            gone = [each for each in PEOPLE if tx.suppressions.holds(address_key(PEPPER, each))]
        for address in gone:  # we may always write to fewer than we might
            self.world.refuses(address, for_ever=True)

    async def _send(self, ledger: SenderSession | Mortal, meanwhile: object = lambda: None) -> None:
        def write(delivery: Delivery) -> OutgoingMessage:
            self.world.deliveries[delivery.pid] = delivery
            meanwhile()  # type: ignore[operator]  # something of the above
            return letter_to(delivery)

        tally = await pump(ledger, write, [route(self.world)], clock=lambda: self.now, longest_wait=0)
        assert not [alert for alert in tally.alerts if "rendered" in alert]


def test_the_promises_hold_whatever_happens(any_store: Database) -> None:
    most = settings().max_examples
    few = max(2, most // 3) if is_postgres(any_store.engine) else most
    shape = settings(max_examples=few, stateful_step_count=25)
    machine: Any = lambda: Promises(any_store)  # noqa: E731  a machine is asked for without arguments
    run_state_machine_as_test(machine, settings=shape)
