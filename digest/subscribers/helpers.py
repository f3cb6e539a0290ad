"""What the use cases share: actor, look-ups, status changes, audit and notices."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from digest.db import Transaction
from digest.models import DeliveryKind, Status, Subscriber
from digest.models.addresses import hash_address
from digest.models.schedule import find_next_slot

CONFIRM_RETRY_AFTER = timedelta(minutes=10)  # an address is asked to confirm at most so often


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and when. The suppression key hashes suppressed addresses."""

    name: str
    now: datetime
    suppression_key: bytes = b""

    def write_audit(
        self, tx: Transaction, action: str, subject: str, detail: Mapping[str, object] | None = None
    ) -> None:
        """Write a line about what this actor did to the audit log; *detail* has no personal data."""
        tx.audit.write(self.name, action, subject, detail, at=self.now)

    def hash(self, address: str) -> str:
        """Return the key under which an address is suppressed."""
        return hash_address(self.suppression_key, address)


def get_subscriber(tx: Transaction, who: str) -> Subscriber:
    """Return the subscriber of an address or a public id.

    Raises:
        NotFound: there is none.
    """
    return tx.subscribers.get_by_address(who) if "@" in who else tx.subscribers.get_by_public_id(who)


def is_suppressed(tx: Transaction, address: str, actor: Actor) -> bool:
    """Return True if nothing may be sent to this address."""
    return tx.suppressions.is_suppressed(actor.hash(address))


def with_status(reader: Subscriber, status: Status, now: datetime) -> Subscriber:
    """Return the subscriber in this status from now on, with the next slot that follows from it."""
    asked_at = None if status is Status.CONFIRMED else reader.asked_at
    changed = replace(reader, status=status, status_since=now, asked_at=asked_at, next_due=None)
    return replace(changed, next_due=get_next_due(changed, now))


def get_next_due(reader: Subscriber, now: datetime) -> datetime | None:
    """Return the next slot; a slot that has passed but is not planned yet stays. None if not confirmed."""
    if reader.status is not Status.CONFIRMED:
        return None
    if reader.next_due is not None and reader.next_due <= now:
        return reader.next_due
    return find_next_slot(reader.schedule, now)


def save(
    tx: Transaction,
    reader: Subscriber,
    action: str,
    *,
    actor: Actor,
    detail: Mapping[str, object] | None = None,
) -> Subscriber:
    """Save a subscriber and write a line about it to the audit log."""
    tx.subscribers.save(reader)
    actor.write_audit(tx, action, reader.public_id, detail)
    return reader


def end_subscriptions(tx: Transaction, readers: Iterable[Subscriber], now: datetime) -> None:
    """Unsubscribe these people without a word to them, as their addresses are suppressed."""
    tx.subscribers.save_many(
        [with_status(replace(reader, asked_at=None), Status.UNSUBSCRIBED, now) for reader in readers]
    )


def queue_notice(tx: Transaction, reader: Subscriber, mail: str, *, actor: Actor) -> None:
    """Queue the notice called *mail*, unless one was queued today already."""
    key = f"{mail}/{reader.id}/{actor.now:%Y-%m-%d}"
    tx.deliveries.enqueue_notice(DeliveryKind.NOTICE, reader, key, {"mail": mail}, now=actor.now)
