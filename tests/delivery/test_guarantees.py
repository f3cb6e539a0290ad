"""Delivery guarantees under random events: nobody gets a digest without consent, and nobody gets two.

A state machine over the real use cases, planning, delivery queue and sender; only the recipients are
simulated. Clocks jump, and the sender dies before or after any of its commits.
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
from digest.db.tables import BUCKET, DELIVERY, DELIVERY_EVENT, MAILED_PAPER, SUBSCRIBER, SUPPRESSION, WORKER
from digest.delivery.message import OutgoingMessage
from digest.delivery.sender import send_queue
from digest.models import BounceKind, BounceReport, Delivery, DeliveryState, Status, Subscriber
from digest.models.addresses import hash_address
from digest.models.errors import DigestError
from digest.pipeline.plan import plan_editions
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
from digest.subscribers.importing import import_rows
from tests.delivery.harness import SUPPRESSION_KEY, build_message, make_route
from tests.delivery.simulated_recipients import Crashed, CrashingQueue, SimulatedRecipients
from tests.factories import NOW, make_paper

PEOPLE = tuple(f"{name}@example.com" for name in ("ada", "bo", "chen", "dee"))
SUBSCRIBED = (Status.CONFIRMED, Status.PAUSED)
IMPORT_STATUSES = ("", "confirmed", "unsubscribed", "blocklisted")
people = st.sampled_from(PEOPLE)
scripts = st.lists(st.sampled_from(["yes", "later", "full", "no", "nobody", "slow", "lost"]), max_size=4)


class DeliveryGuarantees(RuleBasedStateMachine):
    """Everything that can happen to a subscriber, in any order."""

    def __init__(self, store: Database) -> None:
        super().__init__()
        self.store = store
        self.now = NOW
        self.recipients = SimulatedRecipients()

    @initialize()
    def begin(self) -> None:
        with self.store.begin() as tx:
            for table in (DELIVERY_EVENT, MAILED_PAPER, DELIVERY, SUBSCRIBER, SUPPRESSION, BUCKET, WORKER):
                tx.connection.execute(sa.delete(table))
        for address in PEOPLE[:-1]:
            self.signs_up(address, confirms=True)
        self.time_passes(22)

    # ---- subscribers

    @rule(address=people, confirms=st.sampled_from([True, True, False]))
    def signs_up(self, address: str, *, confirms: bool) -> None:
        with self.store.begin() as tx:
            sign_up(tx, address, actor=self._actor)
        if confirms:
            self.confirms(address)

    @rule(address=people)
    def confirms(self, address: str) -> None:
        before = self._get_subscriber(address)
        status = self._call(confirm, address)
        if before and before.status not in SUBSCRIBED and status is Status.CONFIRMED:
            self.recipients.consent(address, since=before.schedule.paused_until)

    @rule(address=people, days=st.sampled_from([None, 1, 3]))
    def pauses(self, address: str, days: int | None) -> None:
        until = self.now.date() + timedelta(days=days) if days else None
        before = self._get_subscriber(address)
        status = self._call(pause, address, until=until)
        if until is None and status is Status.PAUSED:
            self.recipients.withdraw(address)
        elif before and status is Status.CONFIRMED:
            self.recipients.consent(address, since=until)

    @rule(address=people)
    def resumes(self, address: str) -> None:
        if self._call(resume, address) is Status.CONFIRMED:
            self.recipients.consent(address)

    @rule(address=people)
    def leaves(self, address: str) -> None:
        """Unsubscribe by link, one-click or mail: all call the same use case."""
        before = self._get_subscriber(address)
        self._call(unsubscribe, address)
        self.recipients.withdraw(address, for_ever=before is not None and before.status is Status.UNCONFIRMED)

    @rule(address=people)
    def comes_back(self, address: str) -> None:
        before = self._get_subscriber(address)
        if (
            before
            and before.status not in SUBSCRIBED
            and self._call(undo_unsubscribe, address) is Status.CONFIRMED
        ):
            self.recipients.consent(address, since=before.schedule.paused_until)

    @rule(address=people, other=people, confirms=st.booleans())
    def changes_address(self, address: str, other: str, *, confirms: bool) -> None:
        before = self._get_subscriber(address)
        self._call(change_address, address, address=other)
        if confirms and address != other and self._call(confirm_address, address, address=other) is not None:
            since = self.recipients.consenting.get(address)
            if address in self.recipients.consenting:
                self.recipients.consent(other, since=since)
            self.recipients.withdraw(address)
            assert before

    # ---- administrators and mail providers

    @rule(address=people, lifts=st.booleans())
    def is_suppressed(self, address: str, *, lifts: bool) -> None:
        with self.store.begin() as tx:
            (unsuppress if lifts else suppress)(tx, address, actor=self._actor)
        if lifts:
            self.recipients.lift(address)
        else:
            self.recipients.withdraw(address, for_ever=True)

    @rule(address=people)
    def is_erased(self, address: str) -> None:
        self._call(erase, address)
        self.recipients.withdraw(address)

    @rule(
        address=people,
        status=st.sampled_from(IMPORT_STATUSES),
        confirmed=st.booleans(),
    )
    def is_imported(self, address: str, status: str, *, confirmed: bool) -> None:
        before = self._get_subscriber(address)
        with self.store.begin() as tx:
            import_rows(
                tx, [(1, {"email": address, "status": status})], actor=self._actor, confirmed=confirmed
            )
        was_suppressed = address in self.recipients.suppressed
        is_suppressed = was_suppressed or status == "blocklisted"
        if is_suppressed or status == "unsubscribed":
            self.recipients.withdraw(address, for_ever=is_suppressed)
            if not was_suppressed:
                self.recipients.ended.pop(address, None)
        elif confirmed and (before is None or before.status is Status.UNCONFIRMED):
            self.recipients.consent(address, since=before.schedule.paused_until if before else None)

    @rule(address=people, kind=st.sampled_from(BounceKind), index=st.integers(0, 2))
    def a_report_comes(self, address: str, kind: BounceKind, index: int) -> None:
        reader = self._get_subscriber(address)
        if reader is None:
            return
        with self.store.begin() as tx:
            mails = tx.deliveries.list_by_subscriber(reader.id, limit=3)[index:][:1]
            for mail in mails:
                raw_hash = f"{mail.public_id} {kind} {self.now}"
                is_new = tx.deliveries.record_bounce(
                    BounceReport(mail.public_id, kind, "", raw_hash),
                    now=self.now,
                    suppression_key=SUPPRESSION_KEY,
                )
                if is_new and kind in (BounceKind.HARD, BounceKind.COMPLAINT):
                    self.recipients.withdraw(mail.address, for_ever=True)
                if is_new and kind is BounceKind.COMPLAINT:
                    self.recipients.ended.pop(mail.address, None)

    # ---- planning and sending

    @rule()
    def digests_are_planned(self) -> None:
        plan_editions(self.store, self.now)

    @rule(script=scripts)
    def mail_is_sent(self, script: list[str]) -> None:
        self.recipients.script = script
        self._send_all()

    @rule(address=people, event=st.sampled_from(["pauses", "leaves", "is_suppressed", "is_erased"]))
    def mail_is_sent_during_another_event(self, address: str, event: str) -> None:
        def trigger() -> None:
            options: dict[str, dict[str, Any]] = {"pauses": {"days": 3}, "is_suppressed": {"lifts": False}}
            getattr(self, event)(address, **options.get(event, {}))

        self._send_all(meanwhile=trigger)

    @rule(commits=st.integers(1, 7), after=st.booleans(), script=scripts)
    def the_sender_dies_at_a_commit(self, commits: int, script: list[str], *, after: bool) -> None:
        self.recipients.script = script
        session = self._open_session()
        session.__enter__()
        before = dict(self.recipients.consenting), set(self.recipients.suppressed)
        try:
            asyncio.run(self._send(CrashingQueue(session, commits=commits, after=after)))
        except* Crashed:
            self._forget_lost_results(*before)
        finally:
            session._resources.close()  # all that the kernel does for a dead process
        self.recipients.uncertain += 1  # its one connection
        if is_postgres(self.store.engine):
            with self.store.begin() as tx:  # its lease runs out
                tx.connection.execute(sa.update(WORKER).values(lease_until=NOW - timedelta(days=999)))

    def _forget_lost_results(self, consenting: dict[str, date | None], suppressed: set[str]) -> None:
        """Undo results that were lost with the sender: those addresses will be tried again."""
        for address in self.recipients.suppressed - suppressed:
            with self.store.begin(write=False) as tx:
                is_stored = tx.suppressions.is_suppressed(hash_address(SUPPRESSION_KEY, address))
            if not is_stored:
                self.recipients.suppressed.remove(address)
                self.recipients.consenting |= {address: consenting[address]} if address in consenting else {}

    @rule(hours=st.sampled_from([0.1, 1, 22, 24, -2]))
    def time_passes(self, hours: float) -> None:
        """Let time pass; backwards when a wrong clock is corrected."""
        self.now += timedelta(hours=hours)
        with self.store.begin() as tx:
            tx.papers.add([make_paper(f"News of {self.now}", first_seen=None)], seen_at=self.now)

    # ---- invariants

    @invariant()
    def nobody_gets_two_digests_a_day_or_a_paper_twice(self) -> None:
        assert max(self.recipients.days.values(), default=0) <= 1
        assert max(self.recipients.papers.values(), default=0) <= 1
        assert max(self.recipients.copies.values(), default=0) <= 2
        assert sum(copies - 1 for copies in self.recipients.copies.values()) <= self.recipients.uncertain

    @invariant()
    def nobody_suppressed_is_ever_due(self) -> None:
        with self.store.begin(write=False) as tx:
            due = tx.subscribers.list_due(self.now + timedelta(days=99), 9)
            assert not any(
                tx.suppressions.is_suppressed(hash_address(SUPPRESSION_KEY, reader.address)) for reader in due
            )

    # ---- inside

    @property
    def _actor(self) -> Actor:
        return Actor("test", self.now, SUPPRESSION_KEY)

    def _get_subscriber(self, address: str) -> Subscriber | None:
        with self.store.begin(write=False) as tx:
            return tx.subscribers.get_by_addresses([address]).get(address)

    def _call(self, use_case: object, subscriber: str, **options: object) -> Status | None:
        reader = self._get_subscriber(subscriber)
        if reader is None:
            return None
        with contextlib.suppress(DigestError), self.store.begin() as tx:
            result = use_case(tx, reader.public_id, actor=self._actor, **options)  # type: ignore[operator]  # any of them
            return result.status if isinstance(result, Subscriber) else Status.UNSUBSCRIBED
        return None

    def _open_session(self) -> SenderSession:
        return SenderSession(
            self.store, suppression_key=SUPPRESSION_KEY, wall_clock=lambda: datetime.now(UTC)
        )

    def _send_all(self, meanwhile: object = lambda: None) -> None:
        with self._open_session() as session:
            asyncio.run(self._send(session, meanwhile))
        with self.store.begin(write=False) as tx:
            assert tx.deliveries.count_open()[DeliveryState.SENDING] == 0
            suppressed = [
                address
                for address in PEOPLE
                if tx.suppressions.is_suppressed(hash_address(SUPPRESSION_KEY, address))
            ]
        for address in suppressed:  # refusals may suppress more than this model knows
            self.recipients.withdraw(address, for_ever=True)

    async def _send(self, queue: SenderSession | CrashingQueue, meanwhile: object = lambda: None) -> None:
        def render(delivery: Delivery) -> OutgoingMessage:
            self.recipients.deliveries[delivery.public_id] = delivery
            meanwhile()  # type: ignore[operator]  # one of the events above
            return build_message(delivery)

        stats = await send_queue(
            queue, render, [make_route(self.recipients)], clock=lambda: self.now, max_throttle_wait=0
        )
        assert not [alert for alert in stats.alerts if "rendered" in alert]


def test_guarantees_hold_whatever_happens(any_store: Database) -> None:
    examples = settings().max_examples
    if is_postgres(any_store.engine):  # slower
        examples = max(2, examples // 3)
    factory: Any = lambda: DeliveryGuarantees(any_store)  # noqa: E731  it is called without arguments
    run_state_machine_as_test(factory, settings=settings(max_examples=examples, stateful_step_count=25))
