"""Tests of taking back what a wrong judgement about bounces did."""

from datetime import timedelta

from digest import subscribers
from digest.db import Database, Transaction
from digest.models import (
    BounceKind,
    BounceReport,
    DeliveryKind,
    NewDelivery,
    Status,
    Subscriber,
    SuppressionReason,
)
from digest.models.addresses import hash_address
from digest.subscribers import Actor
from digest.subscribers.restore import list_bounced, restore
from tests.factories import NOW

KEY = b"pepper for tests"
ACTOR = Actor("cli:operator", NOW + timedelta(days=1), KEY)


def add_reader(tx: Transaction, name: str) -> Subscriber:
    actor = Actor("admin", NOW - timedelta(days=9), KEY)
    return subscribers.add_subscriber(tx, f"{name}@example.com", {}, has_consented=True, actor=actor)


def bounce(
    tx: Transaction, reader: Subscriber, kind: BounceKind, *, number: int = 1, days: float = 0
) -> None:
    """Send a subscriber a mail that bounces."""
    now, key = NOW + timedelta(days=days), f"digest/{reader.id}/{number}"
    mail = NewDelivery(
        kind=DeliveryKind.DIGEST,
        key=key,
        subscriber_id=reader.id,
        address=reader.address,
        slot=now,
        not_before=now,
        not_after=now,
    )
    tx.deliveries.enqueue([mail], now=now)
    delivery = tx.deliveries.find_by_key(key)
    assert delivery is not None
    assert tx.deliveries.record_bounce(
        BounceReport(
            delivery.public_id,
            kind,
            "5.1.1",
            key,
            reason="no-mailbox",
            reply=f"550 5.1.1 <{reader.address}> nobody called {reader.address.partition('@')[0]}",
        ),
        now=now,
        suppression_key=KEY,
    )


def get_status(tx: Transaction, reader: Subscriber) -> Status:
    return tx.subscribers.get_by_id(reader.id).status


def find_reason(tx: Transaction, reader: Subscriber) -> SuppressionReason | None:
    suppression = tx.suppressions.find(hash_address(KEY, reader.address))
    return suppression.reason if suppression else None


def test_readers_whom_bounces_took_off_the_list_read_again_as_before(any_store: Database) -> None:
    with any_store.begin() as tx:
        ada, bo, early = (add_reader(tx, name) for name in ("ada", "bob", "early"))
        subscribers.pause(tx, bo.public_id, actor=Actor("reader", NOW, KEY))
        bounce(tx, early, BounceKind.HARD, days=-1)
        for reader in (ada, bo):
            bounce(tx, reader, BounceKind.HARD)
        assert {get_status(tx, reader) for reader in (ada, bo)} == {Status.UNSUBSCRIBED}
        restored = restore(tx, NOW, actor=ACTOR)
        assert [reader and reader.address for _, reader in restored] == [ada.address, bo.address]
        assert [get_status(tx, reader) for reader in (ada, bo, early)] == [
            Status.CONFIRMED, Status.PAUSED, Status.UNSUBSCRIBED
        ]  # fmt: skip
        assert tx.subscribers.get_by_id(ada.id).next_due
        assert [find_reason(tx, reader) for reader in (ada, bo)] == [None, None]


def test_bounces_that_were_misjudged_do_not_count_again(any_store: Database) -> None:
    with any_store.begin() as tx:
        ada = add_reader(tx, "ada")
        bounce(tx, ada, BounceKind.HARD)
        restore(tx, NOW, actor=ACTOR)
        bounce(tx, ada, BounceKind.UNSURE, number=2, days=2)
        assert get_status(tx, ada) is Status.CONFIRMED
        bounce(tx, ada, BounceKind.HARD, number=3, days=3)
        assert get_status(tx, ada) is Status.UNSUBSCRIBED


def test_who_wanted_to_leave_stays_away(any_store: Database) -> None:
    with any_store.begin() as tx:
        complained, left, barred, before = (add_reader(tx, name) for name in ("abe", "bea", "cleo", "dan"))
        subscribers.unsubscribe(tx, before.public_id, actor=Actor("reader", NOW - timedelta(days=1), KEY))
        for reader in (complained, left, barred, before):
            bounce(tx, reader, BounceKind.HARD)
        bounce(tx, complained, BounceKind.COMPLAINT, number=2)
        subscribers.unsubscribe(tx, left.public_id, actor=Actor("reader", NOW, KEY))
        subscribers.suppress(tx, barred.address, actor=Actor("admin", NOW, KEY))
        restore(tx, NOW, actor=ACTOR)
        assert {get_status(tx, reader) for reader in (complained, left, barred, before)} == {
            Status.UNSUBSCRIBED
        }
        assert [find_reason(tx, reader) for reader in (complained, left, barred)] == [
            SuppressionReason.COMPLAINT, SuppressionReason.REQUEST, SuppressionReason.ADMIN
        ]  # fmt: skip


def test_a_suppression_keeps_its_evidence_without_names_and_looking_changes_nothing(store: Database) -> None:
    with store.begin() as tx:
        ada = add_reader(tx, "ada")
        bounce(tx, ada, BounceKind.HARD)
        ((suppression, reader),) = list_bounced(tx, NOW, actor=ACTOR)
        assert reader is not None
        assert suppression.evidence == (
            f"{NOW:%Y-%m-%d %H:%M} hard (no-mailbox): 550 5.1.1 <…> nobody called …"
        )
        assert get_status(tx, ada) is Status.UNSUBSCRIBED
        assert list_bounced(tx, NOW + timedelta(hours=1), actor=ACTOR) == ()
