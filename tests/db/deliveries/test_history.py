"""Does the ledger keep its books? Planned once, remembered, released, told."""

from dataclasses import replace
from datetime import timedelta

from digest.db import Database
from digest.db.deliveries.bounce_policy import Event, verdict
from digest.db.sender_session import SenderSession
from digest.models import (
    BounceKind,
    DeliveryKind,
    DeliveryState,
    NewDelivery,
    Status,
    Subscriber,
    SuppressionReason,
)
from digest.models.addresses import address_key
from tests.delivery.harness import PEPPER, Post, end_all, settled
from tests.factories import NOW

TODAY = NOW.date()


def test_planning_twice_is_planning_once(any_store: Database) -> None:
    post = Post(any_store)
    reader = post.reader()
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
        assert tx.deliveries.plan([plan, plan], now=NOW) == 1
    with any_store.begin() as tx:
        assert tx.deliveries.plan([plan], now=NOW) == 0
        kept = tx.deliveries.by_key(plan.key)
    assert kept is not None
    assert (kept.payload, kept.day, kept.slot) == ({"picks": [["arxiv:1", 0.5]]}, TODAY, NOW)
    with any_store.begin(write=False) as tx:
        assert tx.deliveries.find(kept.pid) == kept
        assert tx.deliveries.find("nobody") is None


def test_a_notice_goes_to_the_address_it_was_meant_for(any_store: Database) -> None:
    reader = Post(any_store).reader()
    with any_store.begin() as tx:
        assert tx.deliveries.plan_notice(
            DeliveryKind.CONFIRM, reader, "confirm/1/1", {"n": 1}, now=NOW, address="new@example.com"
        )
        assert not tx.deliveries.plan_notice(DeliveryKind.CONFIRM, reader, "confirm/1/1", {}, now=NOW)
    with SenderSession(any_store, suppression_key=PEPPER) as ledger:
        assert [each.address for each in ledger.claim(9, NOW).deliveries] == ["new@example.com"]


def test_a_digest_goes_to_where_its_reader_is_now(any_store: Database) -> None:
    post = Post(any_store)
    post.digest(reader := post.reader())
    with any_store.begin() as tx:
        moved = tx.subscribers.by_id(reader.id)
        tx.connection.exec_driver_sql("UPDATE subscriber SET address = 'moved@example.com'")
    assert moved.address == "ada@example.com"
    with SenderSession(any_store, suppression_key=PEPPER) as ledger:
        assert [each.address for each in ledger.claim(9, NOW).deliveries] == ["moved@example.com"]


def test_the_books_can_be_read(any_store: Database) -> None:
    post = Post(any_store)
    readers = post.readers(3)
    post.digests(readers[:2])
    end_all(any_store, DeliveryState.ACCEPTED)
    post.digest(readers[2])
    with any_store.begin(write=False) as tx:
        assert tx.deliveries.waiting()[DeliveryState.QUEUED] == 1
        assert tx.deliveries.ended(NOW - timedelta(hours=1)) == {DeliveryState.ACCEPTED: 2}
        assert [each.state for each in tx.deliveries.history(readers[0].id)] == [DeliveryState.ACCEPTED]
        assert len(tx.deliveries.in_state(DeliveryState.ACCEPTED)) == 2


def test_a_person_decides_about_an_uncertain_mail(any_store: Database) -> None:
    post = Post(any_store)
    keys = post.digests(post.readers(2))
    end_all(any_store, DeliveryState.UNCERTAIN)
    with any_store.begin() as tx:
        assert tx.deliveries.resolve(post.row(keys[0]).id, resend=True, now=NOW)
        assert tx.deliveries.resolve(post.row(keys[1]).id, resend=False, now=NOW)
    assert [post.state(key) for key in keys] == [DeliveryState.QUEUED, DeliveryState.ACCEPTED]
    with any_store.begin() as tx:
        assert not tx.deliveries.resolve(post.row(keys[1]).id, resend=True, now=NOW)


def test_asking_the_ledger_again_changes_nothing(any_store: Database) -> None:
    post = Post(any_store)
    key = post.digest(post.reader())
    with SenderSession(any_store, suppression_key=PEPPER) as ledger:
        claimed = ledger.claim(9, NOW).deliveries
        assert ledger.claim(9, NOW).deliveries == ()
        assert set(ledger.turn([], claimed, NOW)) == set(ledger.turn([], claimed, NOW)) == {claimed[0].id}
        result = [settled(claimed[0], DeliveryState.QUEUED, spends=True, not_before=NOW + timedelta(hours=1))]
        ledger.turn(result, [], NOW)
        ledger.turn(result, [], NOW)
    assert (post.state(key), post.row(key).attempt) == (DeliveryState.QUEUED, 1)


def test_claimed_mail_that_is_given_back_is_as_it_was(any_store: Database) -> None:
    post = Post(any_store)
    key = post.digest(post.reader())
    with SenderSession(any_store, suppression_key=PEPPER) as ledger:
        ledger.release(ledger.claim(9, NOW).deliveries, NOW)
        assert post.state(key) is DeliveryState.QUEUED
        assert len(ledger.claim(9, NOW).deliveries) == 1


def test_tokens_of_a_route_are_shared_by_all_senders(any_store: Database) -> None:
    def sender() -> SenderSession:
        return SenderSession(any_store, suppression_key=PEPPER, wall=lambda: NOW)

    with sender() as ledger:
        assert ledger.draw("route:smtp", 5.0, 3) == (3, 0.0)
    with sender() as ledger:
        assert ledger.draw("route:smtp", 5.0, 9)[0] == 2
        drawn, wait = ledger.draw("route:smtp", 5.0, 9)
        assert (drawn, round(wait, 2)) == (0, 0.2)


def event(mail: int, kind: BounceKind, *, days_ago: int = 0) -> Event:
    return Event(mail, kind, NOW - timedelta(days=days_ago))


def test_when_an_address_has_bounced_for_good() -> None:
    hard, unsure, soft = BounceKind.HARD, BounceKind.UNSURE, BounceKind.SOFT
    assert verdict([event(1, hard)], [1]) == "hard"
    assert verdict([event(1, BounceKind.COMPLAINT), event(1, hard)], [1]) == "complaint"
    assert verdict([event(1, unsure), event(1, unsure)], [1]) is None
    assert verdict([event(1, unsure), event(2, unsure)], [2, 1]) == "hard"
    on_three_days = [event(n, soft, days_ago=n) for n in (1, 2, 3)]
    assert verdict(on_three_days, [1, 2, 3, 4, 5]) == "hard"
    assert verdict(on_three_days, [9, 8, 7, 1, 2, 3]) is None
    assert verdict([event(n, soft) for n in (1, 2, 3)], [1, 2, 3]) is None


def test_nobody_is_claimed_who_is_not_confirmed(any_store: Database) -> None:
    post = Post(any_store)
    keys = [
        post.digest(post.reader(f"{status}@example.com", status))
        for status in (Status.UNCONFIRMED, Status.PAUSED, Status.UNSUBSCRIBED)
    ]
    with SenderSession(any_store, suppression_key=PEPPER) as ledger:
        claimed = ledger.claim(9, NOW)
    assert (claimed.deliveries, claimed.cancelled) == ((), 3)
    assert {post.state(key) for key in keys} == {DeliveryState.CANCELLED}


# ---- which address it was


def moved(store: Database, reader: Subscriber, address: str) -> None:
    with store.begin() as tx:
        tx.subscribers.save(replace(tx.subscribers.by_id(reader.id), address=address))


def suppressed(store: Database, *addresses: str) -> list[bool]:
    with store.begin(write=False) as tx:
        return [tx.suppressions.holds(address_key(PEPPER, address)) for address in addresses]


def accepted_then_bounced(post: Post, key: str, kind: BounceKind) -> None:
    end_all(post.store, DeliveryState.ACCEPTED)
    with post.store.begin() as tx:
        told = {"now": NOW, "code": "5.1.1", "raw_hash": key, "pepper": PEPPER}
        assert tx.deliveries.report(post.row(key).pid, kind, **told)  # type: ignore[arg-type]  # as told above


def test_a_bounce_of_the_old_address_leaves_the_new_one_alone(any_store: Database) -> None:
    post = Post(any_store)
    key = post.digest(reader := post.reader("ada@old.example.com"))
    end_all(any_store, DeliveryState.ACCEPTED)
    moved(any_store, reader, "ada@new.example.com")
    accepted_then_bounced(post, key, BounceKind.HARD)
    assert post.status(reader) is Status.CONFIRMED
    assert suppressed(any_store, "ada@old.example.com", "ada@new.example.com") == [True, False]


def test_a_bounce_concerns_the_address_the_mail_went_to_not_the_one_it_was_planned_for(
    any_store: Database,
) -> None:
    post = Post(any_store)
    key = post.digest(reader := post.reader("ada@old.example.com"))
    moved(any_store, reader, "ada@new.example.com")
    accepted_then_bounced(post, key, BounceKind.COMPLAINT)
    assert post.status(reader) is Status.UNSUBSCRIBED
    assert suppressed(any_store, "ada@old.example.com", "ada@new.example.com") == [False, True]


def test_a_new_address_that_was_suppressed_meanwhile_is_not_asked(any_store: Database) -> None:
    reader = Post(any_store).reader()
    with any_store.begin() as tx:
        facts = {"now": NOW, "address": "New@example.com"}
        tx.deliveries.plan_notice(DeliveryKind.CONFIRM, reader, "address/1/1", {}, **facts)  # type: ignore[arg-type]  # as told above
        tx.suppressions.add(address_key(PEPPER, "new@example.com"), SuppressionReason.REQUEST, now=NOW)
    with SenderSession(any_store, suppression_key=PEPPER) as ledger:
        assert ledger.claim(9, NOW).cancelled == 1


def test_a_new_address_typed_wrong_does_not_end_the_subscription(any_store: Database) -> None:
    post = Post(any_store)
    reader = post.reader()
    with any_store.begin() as tx:
        facts = {"now": NOW, "address": "adda@example.com"}
        tx.deliveries.plan_notice(DeliveryKind.CONFIRM, reader, "address/1/1", {}, **facts)  # type: ignore[arg-type]  # as told above
    accepted_then_bounced(post, "address/1/1", BounceKind.HARD)
    assert post.status(reader) is Status.CONFIRMED
    assert suppressed(any_store, "ada@example.com", "adda@example.com") == [False, True]


def test_papers_of_a_mail_that_may_have_arrived_stay_remembered_whatever_ends_it(any_store: Database) -> None:
    post = Post(any_store)
    readers = post.readers(3)
    keys = post.digests(readers, papers=["arxiv:1"])
    with SenderSession(any_store, suppression_key=PEPPER) as ledger:
        claimed = ledger.claim(9, NOW).deliveries
        ledger.turn([], claimed, NOW, bodies=claimed)
        doubts = [settled(each, DeliveryState.QUEUED, doubtful=True, not_before=NOW) for each in claimed]
        ledger.turn(doubts, [], NOW)
    with any_store.begin() as tx:  # one leaves, one is refused, one comes too late
        tx.subscribers.save(replace(readers[0], status=Status.UNSUBSCRIBED))
    with SenderSession(any_store, suppression_key=PEPPER) as ledger:
        again = {each.key: each for each in ledger.claim(9, NOW).deliveries}
        ledger.turn([settled(again[keys[1]], DeliveryState.REJECTED)], [], NOW)
        ledger.release([again[keys[2]]], NOW)
        assert ledger.claim(9, NOW + timedelta(days=2)).expired == 1
    assert [post.state(key) for key in keys] == ["cancelled", "rejected", "expired"]
    with any_store.begin(write=False) as tx:
        sent = tx.sent.of([reader.id for reader in readers])
    assert [set(papers) for papers in sent.values()] == [{"arxiv:1"}] * 3
