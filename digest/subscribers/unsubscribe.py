"""How does somebody leave, for a while to undo it or for ever?"""

from dataclasses import replace
from datetime import timedelta

from digest.db import Transaction
from digest.models import Status, Subscriber, SuppressionReason
from digest.models.addresses import address_key
from digest.models.errors import InvalidToken
from digest.subscribers.helpers import Actor, found, keep, known, standing, tell

UNDO_WITHIN = timedelta(days=7)
FORGET_AFTER = timedelta(days=7)  # what nobody confirmed is not ours to keep


def unsubscribe(tx: Transaction, pid: str, *, by: Actor) -> Subscriber | None:
    """Never mail this reader again. Twice, or after erasure, is fine: None when there is nobody (any more).

    Who never confirmed did not want to be asked either: they are forgotten, and never asked again.
    """
    reader = known(tx, pid)
    if reader is None or reader.status is Status.UNSUBSCRIBED:
        return reader
    if reader.status is Status.UNCONFIRMED:
        suppress(tx, reader.address, reason=SuppressionReason.REQUEST, by=by)
        erase(tx, pid, by=by)
        return None
    gone = standing(replace(reader, asked_at=None), Status.UNSUBSCRIBED, by.now)
    keep(tx, gone, "unsubscribe", by=by)
    tell(tx, gone, "goodbye", by=by)
    return gone


def deny(tx: Transaction, pid: str, *, by: Actor) -> None:
    """That was not me: who never confirmed is forgotten, who left stays away, and neither is asked again."""
    reader = known(tx, pid)
    if reader is None or reader.status in (Status.CONFIRMED, Status.PAUSED):
        return
    suppress(tx, reader.address, reason=SuppressionReason.REQUEST, by=by)
    if reader.status is Status.UNCONFIRMED:
        erase(tx, pid, by=by)
    else:
        tx.subscribers.save(replace(reader, asked_at=None))


def undo_unsubscribe(tx: Transaction, pid: str, *, by: Actor) -> Subscriber:
    """That was a mistake: back to where they were, within a week. InvalidToken later."""
    reader = tx.subscribers.by_pid(pid)
    if reader.status in (Status.CONFIRMED, Status.PAUSED):
        return reader
    left = reader.status_since if reader.status is Status.UNSUBSCRIBED and reader.confirmed_at else None
    late = left is None or by.now - left > UNDO_WITHIN
    if late or tx.suppressions.holds(address_key(by.suppression_key, reader.address)):
        raise InvalidToken("This can be undone for a week only; please sign up again.")
    return keep(tx, standing(reader, Status.CONFIRMED, by.now), "undo", by=by)


def suppress(
    tx: Transaction,
    address: str,
    *,
    reason: SuppressionReason = SuppressionReason.ADMIN,
    by: Actor,
) -> bool:
    """Never write to this address again, subscribed or not; True when it was not suppressed before."""
    key, reader = address_key(by.suppression_key, address), found(tx, address)
    if reader and reader.status in (Status.CONFIRMED, Status.PAUSED):
        gone = standing(replace(reader, asked_at=None), Status.UNSUBSCRIBED, by.now)
        keep(tx, gone, "unsubscribe", by=by)
    fresh = tx.suppressions.add(key, reason, now=by.now, source=by.actor)
    if fresh:
        tx.audit.write(by.actor, "suppress", key, {"reason": str(reason)}, at=by.now)
    return fresh


def unsuppress(tx: Transaction, address: str, *, by: Actor) -> bool:
    """Allow writing to this address again, once it confirms; True when it was suppressed."""
    key = address_key(by.suppression_key, address)
    lifted = tx.suppressions.remove(key)
    if lifted:
        tx.audit.write(by.actor, "unsuppress", key, at=by.now)
    return lifted


def erase(tx: Transaction, pid: str, *, by: Actor) -> None:
    """Forget a reader: no trace of the address stays, except the keyed hash if it is suppressed."""
    reader = tx.subscribers.by_pid(pid)
    tx.subscribers.erase(reader.id, now=by.now)
    tx.audit.write(by.actor, "erase", pid, at=by.now)


def forget_unanswered(tx: Transaction, *, by: Actor, limit: int = 1000) -> int:
    """Erase those who were asked a week ago and never answered; how many they were."""
    waiting = tx.subscribers.unanswered(by.now - FORGET_AFTER, limit=limit)
    for reader in waiting:
        erase(tx, reader.pid, by=by)
    return len(waiting)
