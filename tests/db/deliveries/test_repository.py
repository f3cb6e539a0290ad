"""Deliveries: queueing, claiming, results, release, bounces and token buckets."""

from dataclasses import replace
from datetime import timedelta

from digest.db import Database
from digest.db.deliveries.bounce_policy import BounceEvent, decide_suppression
from digest.db.sender_session import SenderSession
from digest.models import (
    AttemptResult,
    BounceKind,
    BounceReport,
    DeliveryKind,
    DeliveryState,
    NewDelivery,
    Status,
    Subscriber,
    SuppressionReason,
)
from digest.models.addresses import hash_address
from tests.delivery.harness import SUPPRESSION_KEY, DeliveryHarness, finish_all, make_attempt_result
from tests.factories import NOW

TODAY = NOW.date()


def test_enqueue_twice_adds_one_delivery(any_store: Database) -> None:
    harness = DeliveryHarness(any_store)
    reader = harness.add_reader()
    plan = NewDelivery(
        kind=DeliveryKind.DIGEST,
        key="digest/1/today",
        subscriber_id=reader.id,
        address=reader.address,
        slot=NOW,
        not_before=NOW,
        not_after=NOW + timedelta(hours=20),
        day=TODAY,
        payload={"picks": [["arxiv:1", 0.5]]},
    )
    with any_store.begin() as tx:
        assert tx.deliveries.enqueue([plan, plan], now=NOW) == 1
    with any_store.begin() as tx:
        assert tx.deliveries.enqueue([plan], now=NOW) == 0
        stored = tx.deliveries.find_by_key(plan.key)
    assert stored is not None
    assert (stored.payload, stored.day, stored.slot) == ({"picks": [["arxiv:1", 0.5]]}, TODAY, NOW)
    with any_store.begin(write=False) as tx:
        assert tx.deliveries.find_by_public_id(stored.public_id) == stored
        assert tx.deliveries.find_by_public_id("nobody") is None


def test_a_notice_goes_to_the_address_it_was_queued_for(any_store: Database) -> None:
    reader = DeliveryHarness(any_store).add_reader()
    with any_store.begin() as tx:
        assert tx.deliveries.enqueue_notice(
            DeliveryKind.CONFIRM, reader, "confirm/1/1", {"n": 1}, now=NOW, address="new@example.com"
        )
        assert not tx.deliveries.enqueue_notice(DeliveryKind.CONFIRM, reader, "confirm/1/1", {}, now=NOW)
    with SenderSession(any_store, suppression_key=SUPPRESSION_KEY) as session:
        assert [delivery.address for delivery in session.claim(9, NOW).deliveries] == ["new@example.com"]


def test_a_digest_goes_to_where_its_reader_is_now(any_store: Database) -> None:
    harness = DeliveryHarness(any_store)
    harness.queue_digest(reader := harness.add_reader())
    with any_store.begin() as tx:
        moved = tx.subscribers.get_by_id(reader.id)
        tx.connection.exec_driver_sql("UPDATE subscriber SET address = 'moved@example.com'")
    assert moved.address == "ada@example.com"
    with SenderSession(any_store, suppression_key=SUPPRESSION_KEY) as session:
        assert [delivery.address for delivery in session.claim(9, NOW).deliveries] == ["moved@example.com"]


def test_deliveries_are_counted_and_listed_by_state(any_store: Database) -> None:
    harness = DeliveryHarness(any_store)
    readers = harness.add_readers(3)
    harness.queue_digests(readers[:2])
    finish_all(any_store, DeliveryState.ACCEPTED)
    harness.queue_digest(readers[2])
    with any_store.begin(write=False) as tx:
        assert tx.deliveries.count_open()[DeliveryState.QUEUED] == 1
        assert tx.deliveries.count_finished(NOW - timedelta(hours=1)) == {DeliveryState.ACCEPTED: 2}
        assert [delivery.state for delivery in tx.deliveries.list_by_subscriber(readers[0].id)] == [
            DeliveryState.ACCEPTED
        ]
        assert len(tx.deliveries.list_by_state(DeliveryState.ACCEPTED)) == 2


def test_a_person_decides_about_an_uncertain_mail(any_store: Database) -> None:
    harness = DeliveryHarness(any_store)
    keys = harness.queue_digests(harness.add_readers(2))
    finish_all(any_store, DeliveryState.UNCERTAIN)
    with any_store.begin() as tx:
        assert tx.deliveries.resolve(harness.row(keys[0]).id, resend=True, now=NOW)
        assert tx.deliveries.resolve(harness.row(keys[1]).id, resend=False, now=NOW)
    assert [harness.state(key) for key in keys] == [DeliveryState.QUEUED, DeliveryState.ACCEPTED]
    with any_store.begin() as tx:
        assert not tx.deliveries.resolve(harness.row(keys[1]).id, resend=True, now=NOW)


def test_repeating_a_claim_or_commit_changes_nothing(any_store: Database) -> None:
    harness = DeliveryHarness(any_store)
    key = harness.queue_digest(harness.add_reader())
    with SenderSession(any_store, suppression_key=SUPPRESSION_KEY) as session:
        claimed = session.claim(9, NOW).deliveries
        assert session.claim(9, NOW).deliveries == ()
        assert (
            set(session.commit([], claimed, NOW)) == set(session.commit([], claimed, NOW)) == {claimed[0].id}
        )
        later = NOW + timedelta(hours=1)
        result = [make_attempt_result(claimed[0], DeliveryState.QUEUED, uses_attempt=True, not_before=later)]
        session.commit(result, [], NOW)
        session.commit(result, [], NOW)
    assert (harness.state(key), harness.row(key).attempt) == (DeliveryState.QUEUED, 1)


def test_results_of_one_commit_are_stored_each_by_itself(any_store: Database) -> None:
    harness = DeliveryHarness(any_store)
    keys = harness.queue_digests(harness.add_readers(3))
    later, at = NOW + timedelta(hours=1), NOW + timedelta(seconds=1, microseconds=500)
    with SenderSession(any_store, suppression_key=SUPPRESSION_KEY) as session:
        first, second, third = session.claim(9, NOW).deliveries
        session.commit([], [first, second, third], NOW)
        results = [
            AttemptResult(delivery=first, state=DeliveryState.ACCEPTED, at=at, text="Grüße \x00 \ud800 'q'"),
            AttemptResult(
                delivery=second, state=DeliveryState.QUEUED, at=at, not_before=later, uses_attempt=True
            ),
        ]
        session.commit([*results, replace(results[0], delivery=replace(third, generation=9))], [], NOW)
        rows = [harness.row(key) for key in keys]
    assert [row.state for row in rows] == [
        DeliveryState.ACCEPTED,
        DeliveryState.QUEUED,
        DeliveryState.SENDING,
    ]
    assert (rows[0].accepted_at, rows[0].not_before, rows[0].attempt) == (at, NOW, 0)
    assert rows[0].last_reply == "Grüße   'q'"
    assert (rows[1].accepted_at, rows[1].not_before, rows[1].attempt) == (None, later, 1)


def test_release_puts_a_claimed_delivery_back_unchanged(any_store: Database) -> None:
    harness = DeliveryHarness(any_store)
    key = harness.queue_digest(harness.add_reader())
    with SenderSession(any_store, suppression_key=SUPPRESSION_KEY) as session:
        session.release(session.claim(9, NOW).deliveries, NOW)
        assert harness.state(key) is DeliveryState.QUEUED
        assert len(session.claim(9, NOW).deliveries) == 1


def test_tokens_of_a_route_are_shared_by_all_senders(any_store: Database) -> None:
    def open_session() -> SenderSession:
        return SenderSession(any_store, suppression_key=SUPPRESSION_KEY, wall_clock=lambda: NOW)

    with open_session() as session:
        assert session.take_tokens("route:smtp", 5.0, 3) == (3, 0.0)
    with open_session() as session:
        assert session.take_tokens("route:smtp", 5.0, 9)[0] == 2
        taken, wait = session.take_tokens("route:smtp", 5.0, 9)
        assert (taken, round(wait, 2)) == (0, 0.2)


def make_event(delivery_id: int, kind: BounceKind, *, days_ago: int = 0) -> BounceEvent:
    return BounceEvent(delivery_id, kind, NOW - timedelta(days=days_ago))


def test_decide_suppression_by_kind_number_and_days() -> None:
    hard, unsure, soft = BounceKind.HARD, BounceKind.UNSURE, BounceKind.SOFT
    assert decide_suppression([make_event(1, hard)], [1]) == "hard"
    assert decide_suppression([make_event(1, BounceKind.COMPLAINT), make_event(1, hard)], [1]) == "complaint"
    assert decide_suppression([make_event(1, unsure), make_event(1, unsure)], [1]) is None
    assert decide_suppression([make_event(1, unsure), make_event(2, unsure)], [2, 1]) == "hard"
    on_three_days = [make_event(n, soft, days_ago=n) for n in (1, 2, 3)]
    assert decide_suppression(on_three_days, [1, 2, 3, 4, 5]) == "hard"
    assert decide_suppression(on_three_days, [9, 8, 7, 1, 2, 3]) is None
    assert decide_suppression([make_event(n, soft) for n in (1, 2, 3)], [1, 2, 3]) is None


def test_claim_cancels_digests_of_subscribers_who_are_not_confirmed(any_store: Database) -> None:
    harness = DeliveryHarness(any_store)
    keys = [
        harness.queue_digest(harness.add_reader(f"{status}@example.com", status))
        for status in (Status.UNCONFIRMED, Status.PAUSED, Status.UNSUBSCRIBED)
    ]
    with SenderSession(any_store, suppression_key=SUPPRESSION_KEY) as session:
        claimed = session.claim(9, NOW)
    assert (claimed.deliveries, claimed.cancelled) == ((), 3)
    assert {harness.state(key) for key in keys} == {DeliveryState.CANCELLED}


# ---- addresses that changed


def change_address(database: Database, reader: Subscriber, address: str) -> None:
    with database.begin() as tx:
        tx.subscribers.save(replace(tx.subscribers.get_by_id(reader.id), address=address))


def are_suppressed(database: Database, *addresses: str) -> list[bool]:
    with database.begin(write=False) as tx:
        return [
            tx.suppressions.is_suppressed(hash_address(SUPPRESSION_KEY, address)) for address in addresses
        ]


def accept_and_bounce(harness: DeliveryHarness, key: str, kind: BounceKind) -> None:
    finish_all(harness.store, DeliveryState.ACCEPTED)
    with harness.store.begin() as tx:
        assert tx.deliveries.record_bounce(
            BounceReport(harness.row(key).public_id, kind, "5.1.1", key),
            now=NOW,
            suppression_key=SUPPRESSION_KEY,
        )


def test_a_bounce_of_the_old_address_leaves_the_new_one_alone(any_store: Database) -> None:
    harness = DeliveryHarness(any_store)
    key = harness.queue_digest(reader := harness.add_reader("ada@old.example.com"))
    finish_all(any_store, DeliveryState.ACCEPTED)
    change_address(any_store, reader, "ada@new.example.com")
    accept_and_bounce(harness, key, BounceKind.HARD)
    assert harness.status(reader) is Status.CONFIRMED
    assert are_suppressed(any_store, "ada@old.example.com", "ada@new.example.com") == [True, False]


def test_a_bounce_concerns_the_address_the_mail_went_to_not_the_one_it_was_queued_for(
    any_store: Database,
) -> None:
    harness = DeliveryHarness(any_store)
    key = harness.queue_digest(reader := harness.add_reader("ada@old.example.com"))
    change_address(any_store, reader, "ada@new.example.com")
    accept_and_bounce(harness, key, BounceKind.COMPLAINT)
    assert harness.status(reader) is Status.UNSUBSCRIBED
    assert are_suppressed(any_store, "ada@old.example.com", "ada@new.example.com") == [False, True]


def test_claim_skips_a_new_address_that_was_suppressed_meanwhile(any_store: Database) -> None:
    reader = DeliveryHarness(any_store).add_reader()
    with any_store.begin() as tx:
        tx.deliveries.enqueue_notice(
            DeliveryKind.CONFIRM, reader, "address/1/1", {}, now=NOW, address="New@example.com"
        )
        tx.suppressions.add(
            hash_address(SUPPRESSION_KEY, "new@example.com"), SuppressionReason.REQUEST, now=NOW
        )
    with SenderSession(any_store, suppression_key=SUPPRESSION_KEY) as session:
        assert session.claim(9, NOW).cancelled == 1


def test_a_new_address_typed_wrong_does_not_end_the_subscription(any_store: Database) -> None:
    harness = DeliveryHarness(any_store)
    reader = harness.add_reader()
    with any_store.begin() as tx:
        tx.deliveries.enqueue_notice(
            DeliveryKind.CONFIRM, reader, "address/1/1", {}, now=NOW, address="adda@example.com"
        )
    accept_and_bounce(harness, "address/1/1", BounceKind.HARD)
    assert harness.status(reader) is Status.CONFIRMED
    assert are_suppressed(any_store, "ada@example.com", "adda@example.com") == [False, True]


def test_papers_of_a_mail_that_may_have_arrived_stay_sent_whatever_its_final_state(
    any_store: Database,
) -> None:
    harness = DeliveryHarness(any_store)
    readers = harness.add_readers(3)
    keys = harness.queue_digests(readers, papers=["arxiv:1"])
    with SenderSession(any_store, suppression_key=SUPPRESSION_KEY) as session:
        claimed = session.claim(9, NOW).deliveries
        session.commit([], claimed, NOW, bodies=claimed)
        uncertain = [
            make_attempt_result(delivery, DeliveryState.QUEUED, is_uncertain=True, not_before=NOW)
            for delivery in claimed
        ]
        session.commit(uncertain, [], NOW)
    with any_store.begin() as tx:  # the first unsubscribes, the second is rejected, the third expires
        tx.subscribers.save(replace(readers[0], status=Status.UNSUBSCRIBED))
    with SenderSession(any_store, suppression_key=SUPPRESSION_KEY) as session:
        again = {delivery.key: delivery for delivery in session.claim(9, NOW).deliveries}
        session.commit([make_attempt_result(again[keys[1]], DeliveryState.REJECTED)], [], NOW)
        session.release([again[keys[2]]], NOW)
        assert session.claim(9, NOW + timedelta(days=2)).expired == 1
    assert [harness.state(key) for key in keys] == ["cancelled", "rejected", "expired"]
    with any_store.begin(write=False) as tx:
        sent = tx.sent_papers.get_by_subscriber([reader.id for reader in readers])
    assert [set(papers) for papers in sent.values()] == [{"arxiv:1"}] * 3
