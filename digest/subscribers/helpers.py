"""How is a step of a subscription written down? Who acts, where a reader stands, what they are told."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from digest.db import Transaction
from digest.models import DeliveryKind, Status, Subscriber
from digest.models.errors import NotFound
from digest.models.schedule import next_slot

ASK_AGAIN = timedelta(minutes=10)  # one address is asked to confirm at most so often


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and when; `pepper` is the secret under which suppressed addresses are known."""

    actor: str
    now: datetime
    suppression_key: bytes = b""


def get_subscriber(tx: Transaction, who: str) -> Subscriber:
    """The subscriber meant by an address or a public id; NotFound when there is none."""
    return tx.subscribers.by_address(who) if "@" in who else tx.subscribers.by_pid(who)


def found(tx: Transaction, address: str) -> Subscriber | None:
    """The reader of that address, None when there is none."""
    try:
        return tx.subscribers.by_address(address)
    except NotFound:
        return None


def known(tx: Transaction, pid: str) -> Subscriber | None:
    """The reader of that public id, None when there is none (any more)."""
    try:
        return tx.subscribers.by_pid(pid)
    except NotFound:
        return None


def standing(reader: Subscriber, status: Status, now: datetime) -> Subscriber:
    """The reader in that status from now on, with the slot that follows from it."""
    asked = None if status is Status.CONFIRMED else reader.asked_at
    moved = replace(reader, status=status, status_since=now, asked_at=asked, next_due=None)
    return replace(moved, next_due=due(moved, now))


def due(reader: Subscriber, now: datetime) -> datetime | None:
    """The next slot; one that has passed already, and still waits to be planned, is kept."""
    if reader.status is not Status.CONFIRMED:
        return None
    if reader.next_due is not None and reader.next_due <= now:
        return reader.next_due
    return next_slot(reader.schedule, now)


def keep(
    tx: Transaction,
    reader: Subscriber,
    action: str,
    *,
    by: Actor,
    detail: Mapping[str, object] | None = None,
) -> Subscriber:
    """Save a reader, and a line about it in the audit log."""
    tx.subscribers.save(reader)
    tx.audit.write(by.actor, action, reader.pid, detail, at=by.now)
    return reader


def tell(tx: Transaction, reader: Subscriber, mail: str, *, by: Actor) -> None:
    """One such mail a day is enough, whatever happens."""
    key = f"{mail}/{reader.id}/{by.now:%Y-%m-%d}"
    tx.deliveries.plan_notice(DeliveryKind.NOTICE, reader, key, {"mail": mail}, now=by.now)
