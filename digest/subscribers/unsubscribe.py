"""Ends of a subscription: unsubscribing and undoing it, suppression, erasure."""

from dataclasses import replace
from datetime import timedelta

from digest.db import Transaction
from digest.db.subscribers.suppressions import JUDGEMENTS
from digest.models import SUBSCRIBED, Status, Subscriber, SuppressionReason
from digest.models.errors import InvalidToken
from digest.subscribers.helpers import (
    Actor,
    is_suppressed,
    queue_notice,
    save,
    with_status,
)

UNDO_WINDOW = timedelta(days=7)
UNCONFIRMED_TTL = timedelta(days=7)  # data of people who never consented is not kept longer


def unsubscribe(tx: Transaction, public_id: str, *, actor: Actor) -> Subscriber | None:
    """Unsubscribe a reader; return None if there is none (any more). Repeating it changes nothing.

    Somebody who never confirmed was signed up by another person: erase and suppress the address.
    """
    reader = tx.subscribers.find_by_public_id(public_id)
    if reader is None:
        return None
    if reader.status is Status.UNSUBSCRIBED:
        _keep_away(tx, reader, actor)
        return reader
    if reader.status is Status.UNCONFIRMED:
        suppress(tx, reader.address, reason=SuppressionReason.REQUEST, actor=actor)
        erase(tx, public_id, actor=actor)
        return None
    gone = with_status(replace(reader, asked_at=None), Status.UNSUBSCRIBED, actor.now)
    save(tx, gone, "unsubscribe", actor=actor)
    queue_notice(tx, gone, "goodbye", actor=actor)
    return gone


def _keep_away(tx: Transaction, reader: Subscriber, actor: Actor) -> None:
    """Note that somebody whom bounces or an administrator took off the list wants to stay off it."""
    key = actor.hash(reader.address)
    suppression = tx.suppressions.find(key)
    if suppression and suppression.reason in JUDGEMENTS:
        tx.suppressions.add(key, SuppressionReason.REQUEST, now=actor.now, source=actor.name)
        actor.write_audit(tx, "unsubscribe", reader.public_id)


def deny_signup(tx: Transaction, public_id: str, *, actor: Actor) -> None:
    """Reject a sign-up made by somebody else: suppress the address, and erase it if it never confirmed."""
    reader = tx.subscribers.find_by_public_id(public_id)
    if reader is None or reader.status in SUBSCRIBED:
        return
    suppress(tx, reader.address, reason=SuppressionReason.REQUEST, actor=actor)
    if reader.status is Status.UNCONFIRMED:
        erase(tx, public_id, actor=actor)
    else:
        tx.subscribers.save(replace(reader, asked_at=None))


def undo_unsubscribe(tx: Transaction, public_id: str, *, actor: Actor) -> Subscriber:
    """Confirm a subscriber again who unsubscribed within `UNDO_WINDOW`.

    Raises:
        InvalidToken: it is too late, or the address is suppressed.
    """
    reader = tx.subscribers.get_by_public_id(public_id)
    if reader.status in SUBSCRIBED:
        return reader
    left_at = reader.status_since if reader.status is Status.UNSUBSCRIBED and reader.confirmed_at else None
    is_late = left_at is None or actor.now - left_at > UNDO_WINDOW
    if is_late or is_suppressed(tx, reader.address, actor):
        raise InvalidToken("This can only be undone within a week; please sign up again.")
    return save(tx, with_status(reader, Status.CONFIRMED, actor.now), "undo", actor=actor)


def suppress(
    tx: Transaction,
    address: str,
    *,
    reason: SuppressionReason = SuppressionReason.ADMIN,
    actor: Actor,
) -> bool:
    """Never send to this address again, subscribed or not; return True if it was not suppressed before."""
    key, reader = actor.hash(address), tx.subscribers.find_by_address(address)
    if reader and reader.status in SUBSCRIBED:
        gone = with_status(replace(reader, asked_at=None), Status.UNSUBSCRIBED, actor.now)
        save(tx, gone, "unsubscribe", actor=actor)
    prior = reader.status if reader and reader.status in SUBSCRIBED else None
    is_new = tx.suppressions.add(key, reason, now=actor.now, source=actor.name, prior_status=prior)
    if is_new:
        actor.write_audit(tx, "suppress", key, {"reason": str(reason)})
    return is_new


def unsuppress(tx: Transaction, address: str, *, actor: Actor) -> bool:
    """Allow sending to this address again, as `lift_suppression`; return True if it was suppressed."""
    return remove_suppression(tx, actor.hash(address), tx.subscribers.find_by_address(address), actor=actor)


def remove_suppression(tx: Transaction, key: str, reader: Subscriber | None, *, actor: Actor) -> bool:
    """Remove the suppression with this key; *reader* is the subscriber with that address, if there is one."""
    if reader is not None:
        return lift_suppression(tx, reader, actor=actor)
    was_suppressed = tx.suppressions.remove(key)
    if was_suppressed:
        actor.write_audit(tx, "unsuppress", key)
    return was_suppressed


def lift_suppression(tx: Transaction, reader: Subscriber, *, actor: Actor, is_audited: bool = True) -> bool:
    """Lift the suppression of a subscriber's address; return False if there is none.

    A subscription that a bounce or an administrator ended goes on as before; who left or complained stays
    unsubscribed. Earlier bounces count no more, or the next one would suppress the address again.
    """
    key = actor.hash(reader.address)
    suppression = tx.suppressions.find(key)
    if suppression is None:
        return False
    tx.suppressions.remove(key)
    tx.deliveries.void_bounces_of(reader.id)
    is_ended_by_it = reader.status is Status.UNSUBSCRIBED and reader.status_since == suppression.at
    if is_ended_by_it and suppression.reason in JUDGEMENTS and suppression.prior_status in SUBSCRIBED:
        again = replace(reader, asked_at=None)
        tx.subscribers.save(with_status(again, suppression.prior_status, actor.now))
    if is_audited:
        actor.write_audit(tx, "unsuppress", reader.public_id, {"reason": str(suppression.reason)})
    return True


def erase(tx: Transaction, public_id: str, *, actor: Actor) -> None:
    """Erase a subscriber: nothing of the address stays, except its keyed hash if it is suppressed."""
    reader = tx.subscribers.get_by_public_id(public_id)
    tx.subscribers.erase(reader.id, now=actor.now)
    actor.write_audit(tx, "erase", public_id)


def erase_unconfirmed(tx: Transaction, *, actor: Actor, limit: int = 1000) -> int:
    """Erase up to *limit* subscribers who never confirmed in time; return how many there were."""
    unconfirmed = tx.subscribers.list_unconfirmed(actor.now - UNCONFIRMED_TTL, limit=limit)
    for reader in unconfirmed:
        erase(tx, reader.public_id, actor=actor)
    return len(unconfirmed)
