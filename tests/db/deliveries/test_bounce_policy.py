"""Which bounces end a subscription, and which say nothing about the reader."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from digest.db import Database
from digest.db.deliveries.bounce_policy import BounceEvent, decide_suppression, describe_evidence
from digest.models import BounceKind, BounceReport, DeliveryKind, Status, Subscriber
from tests.delivery.harness import SUPPRESSION_KEY, DeliveryHarness
from tests.factories import NOW

Bounce = Callable[..., bool]


@pytest.fixture
def harness(store: Database) -> DeliveryHarness:
    """A harness on SQLite: the rules are the same on PostgreSQL."""
    return DeliveryHarness(store)


@pytest.fixture
def bounce(harness: DeliveryHarness) -> Bounce:
    """Queue today's digest of a reader and record a report about it."""

    def record(reader: Subscriber, kind: BounceKind = BounceKind.HARD, **fields: Any) -> bool:
        return record_report(harness, harness.queue_digest(reader), kind, **fields)

    return record


def record_report(harness: DeliveryHarness, key: str, kind: BounceKind, **fields: Any) -> bool:
    report = BounceReport(harness.row(key).public_id, kind, "5.1.1", f"{key} {harness.now}", **fields)
    with harness.store.begin() as tx:
        return tx.deliveries.record_bounce(report, now=harness.now, suppression_key=SUPPRESSION_KEY)


def move(harness: DeliveryHarness, reader: Subscriber, address: str) -> None:
    with harness.store.begin() as tx:
        tx.subscribers.save(replace(tx.subscribers.get_by_id(reader.id), address=address))


def count_alike(harness: DeliveryHarness) -> int:
    with harness.store.begin(write=False) as tx:
        return len(tx.deliveries.list_alike_answers(NOW - timedelta(days=1), harness.now))


@pytest.mark.parametrize(("days", "status"), [(29, Status.UNSUBSCRIBED), (31, Status.CONFIRMED)])
def test_refusals_without_a_reason_count_together_within_thirty_days(
    harness: DeliveryHarness, bounce: Bounce, days: int, status: Status
) -> None:
    bounce(reader := harness.add_reader(), BounceKind.UNSURE)
    harness.advance(days=days)
    bounce(reader, BounceKind.UNSURE)
    assert harness.status(reader) is status


@pytest.mark.parametrize(("days", "status"), [(13, Status.UNSUBSCRIBED), (15, Status.CONFIRMED)])
def test_a_report_counts_up_to_two_weeks_after_the_mail(
    harness: DeliveryHarness, days: int, status: Status
) -> None:
    key = harness.queue_digest(reader := harness.add_reader())
    harness.advance(days=days)
    assert record_report(harness, key, BounceKind.HARD) == (status is Status.UNSUBSCRIBED)
    assert harness.status(reader) is status


@pytest.mark.parametrize(
    ("bounces", "last_deliveries", "is_suppressed"),
    [
        ([(1, 1), (2, 2), (2, 3)], [3, 2, 1], False),  # two deliveries
        ([(1, 1), (2, 2), (3, 2)], [3, 2, 1], False),  # two days
        ([(1, 1), (2, 2), (3, 3)], [5, 4, 3, 2, 1], True),
        ([(1, 1), (2, 2), (3, 3)], [6, 5, 4, 3, 2, 1], False),  # two of the last five
    ],
)
def test_a_full_mailbox_counts_by_deliveries_and_days(
    bounces: list[tuple[int, int]], last_deliveries: list[int], *, is_suppressed: bool
) -> None:
    events = [
        BounceEvent(delivery_id, BounceKind.SOFT, NOW + timedelta(days=day)) for delivery_id, day in bounces
    ]
    assert (decide_suppression(events, last_deliveries) is not None) is is_suppressed


@pytest.mark.parametrize(
    ("days", "status"), [((0, 1, 7), Status.CONFIRMED), ((5, 6, 7), Status.UNSUBSCRIBED)]
)
def test_a_full_mailbox_counts_among_the_latest_mails(
    harness: DeliveryHarness, bounce: Bounce, days: tuple[int, ...], status: Status
) -> None:
    reader = harness.add_reader()
    for day in range(8):
        if day in days:
            bounce(reader, BounceKind.SOFT)
        else:
            harness.queue_digest(reader)
        harness.advance(days=1)
    assert harness.status(reader) is status


@pytest.mark.parametrize(("readers", "status"), [(2, Status.UNSUBSCRIBED), (3, Status.CONFIRMED)])
def test_three_readers_with_the_same_unexplained_answer_are_not_the_cause(
    harness: DeliveryHarness, bounce: Bounce, readers: int, status: Status
) -> None:
    everyone = harness.add_readers(readers)
    for _ in range(2):
        for reader in everyone:
            bounce(reader, BounceKind.UNSURE, reason="refused", reply="550 go away")
        harness.advance(days=2)
    assert set(harness.statuses(everyone[:1])) == {status}
    assert count_alike(harness) == (readers == 3)


def test_three_readers_whose_mail_nobody_takes_in_the_same_words_are_kept(
    harness: DeliveryHarness, bounce: Bounce
) -> None:
    everyone = harness.add_readers(3)
    for _ in range(4):
        for reader in everyone:
            bounce(reader, BounceKind.SOFT, reason="later", reply="451 not now")
        harness.advance(days=1)
    assert set(harness.statuses(everyone)) == {Status.CONFIRMED}


@pytest.mark.parametrize(
    ("hours", "status"), [(20, Status.CONFIRMED), (-20, Status.CONFIRMED), (-50, Status.UNSUBSCRIBED)]
)
def test_an_answer_is_compared_with_those_of_the_day_before_and_after(
    harness: DeliveryHarness, bounce: Bounce, hours: int, status: Status
) -> None:
    first, *others = harness.add_readers(3)
    groups = [[first], others] if hours > 0 else [others, [first]]
    for readers in groups:
        for reader in readers:
            bounce(reader, BounceKind.UNSURE, reason="refused", reply="550 go away")
        harness.advance(hours=abs(hours))
    harness.advance(days=4)
    bounce(first, BounceKind.UNSURE, reason="refused", reply="550 something else")
    assert harness.status(first) is status


def test_a_complaint_counts_whatever_mailbox_it_names_and_a_bounce_does_not(
    harness: DeliveryHarness, bounce: Bounce
) -> None:
    ada, bo = harness.add_reader(), harness.add_reader("bo@example.com")
    bounce(ada, BounceKind.COMPLAINT, recipient="somebody@else.example")
    bounce(bo, BounceKind.HARD, recipient="somebody@else.example")
    assert harness.statuses([ada, bo]) == [Status.UNSUBSCRIBED, Status.CONFIRMED]


def test_a_bounce_may_name_the_address_without_its_tag(harness: DeliveryHarness, bounce: Bounce) -> None:
    bounce(reader := harness.add_reader("ada+papers@example.com"), recipient="rfc822; ada@example.com")
    assert harness.status(reader) is Status.UNSUBSCRIBED


def test_answers_of_mailboxes_behind_an_alias_are_not_compared(
    harness: DeliveryHarness, bounce: Bounce
) -> None:
    for reader in harness.add_readers(3):
        bounce(reader, BounceKind.UNSURE, reason="refused", reply="550 no", recipient="x@else.example")
    assert count_alike(harness) == 0


def test_refusals_of_a_former_and_the_present_address_are_not_added_up(
    harness: DeliveryHarness, bounce: Bounce
) -> None:
    bounce(reader := harness.add_reader(), BounceKind.UNSURE)
    harness.advance(days=1)
    move(harness, reader, "ada@new.example.com")
    bounce(replace(reader, address="ada@new.example.com"), BounceKind.UNSURE)
    assert harness.status(reader) is Status.CONFIRMED


# ---- the brake on many suppressions in one day


@pytest.mark.parametrize(("readers", "lost"), [(20, 4), (166, 4), (167, 5)])
def test_at_most_four_readers_or_three_per_cent_are_lost_to_bounces_in_a_day(
    harness: DeliveryHarness, bounce: Bounce, readers: int, lost: int
) -> None:
    everyone = harness.add_readers(readers)
    for reader in everyone[:7]:
        bounce(reader)
    assert harness.statuses(everyone).count(Status.UNSUBSCRIBED) == lost


def test_readers_who_paused_are_protected_too(harness: DeliveryHarness, bounce: Bounce) -> None:
    paused = [harness.add_reader(f"{name}@example.com", Status.PAUSED) for name in "abcde"]
    for reader in paused:
        bounce(reader)
    assert harness.statuses(paused) == [*[Status.UNSUBSCRIBED] * 4, Status.PAUSED]


def test_a_complaint_counts_while_bounces_are_held(harness: DeliveryHarness, bounce: Bounce) -> None:
    *gone, held, complaining = harness.add_readers(6)
    for reader in (*gone, held):
        bounce(reader)
    bounce(complaining, BounceKind.COMPLAINT)
    assert harness.statuses([held, complaining]) == [Status.CONFIRMED, Status.UNSUBSCRIBED]


@pytest.mark.parametrize("cause", ["sign-up", "former address", "complaint"])
def test_only_readers_lost_to_bounces_use_up_the_allowance(
    harness: DeliveryHarness, bounce: Bounce, cause: str
) -> None:
    *others, reader = harness.add_readers(5)
    for number, other in enumerate(others):
        if cause == "complaint":
            bounce(other, BounceKind.COMPLAINT)
        elif cause == "former address":
            key = harness.queue_digest(other)
            move(harness, other, f"new{number}@example.com")
            record_report(harness, key, BounceKind.HARD)
        else:
            newcomer = harness.add_reader(f"typo{number}@example.com", Status.UNCONFIRMED)
            with harness.store.begin() as tx:
                tx.deliveries.enqueue_notice(
                    DeliveryKind.CONFIRM, newcomer, f"confirm/{number}", {}, now=harness.now
                )
            record_report(harness, f"confirm/{number}", BounceKind.HARD)
    bounce(reader)
    assert harness.status(reader) is Status.UNSUBSCRIBED


def test_a_former_address_is_suppressed_while_bounces_are_held(
    harness: DeliveryHarness, bounce: Bounce
) -> None:
    *gone, reader = harness.add_readers(5)
    key = harness.queue_digest(reader)
    for other in gone:
        bounce(other)
    move(harness, reader, "ada@new.example.com")
    record_report(harness, key, BounceKind.HARD)
    with harness.store.begin(write=False) as tx:
        assert tx.suppressions.count() == 5
    assert harness.status(reader) is Status.CONFIRMED


def test_the_evidence_is_the_last_five_events_that_counted() -> None:
    events = [BounceEvent(day, BounceKind.SOFT, NOW, reply=f"reply {day}") for day in range(7)]
    events.append(BounceEvent(9, BounceKind.OTHER, NOW, reply="of another mailbox"))
    assert [part.rpartition(": ")[2] for part in describe_evidence(events).split("; ")] == [
        f"reply {day}" for day in range(2, 7)
    ]
