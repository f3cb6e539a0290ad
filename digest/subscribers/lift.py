"""Lifting a suppression: the address may be written to again, and what a bounce ended goes on as before."""

from dataclasses import replace

from digest.db import Transaction
from digest.models import READING, Status, Subscriber, SuppressionReason
from digest.subscribers.helpers import Actor, with_status

JUDGEMENTS = (SuppressionReason.HARD, SuppressionReason.ADMIN)  # the others are what the person wants


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
    if is_ended_by_it and suppression.reason in JUDGEMENTS and suppression.prior_status in READING:
        again = replace(reader, asked_at=None)
        tx.subscribers.save(with_status(again, suppression.prior_status, actor.now))
    if is_audited:
        actor.write_audit(tx, "unsuppress", reader.public_id, {"reason": str(suppression.reason)})
    return True
