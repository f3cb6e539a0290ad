"""Sending one mail to a subscriber once more."""

from datetime import timedelta

from digest.db import Transaction
from digest.models import Delivery, DeliveryState, NewDelivery, Status, Subscriber
from digest.models.errors import StateConflict
from digest.subscribers.helpers import Actor, is_suppressed

RESENT = "resend/"  # begins the key of a mail that is sent again
RESEND_TTL = timedelta(hours=20)
OPEN_STATES = (DeliveryState.QUEUED, DeliveryState.LEASED, DeliveryState.SENDING)


def resend(tx: Transaction, reader: Subscriber, delivery: Delivery, *, actor: Actor) -> None:
    """Queue a mail that a subscriber was sent once more, at most once a day; an uncertain one is tried again.

    Raises:
        StateConflict: it is still on its way, was sent again today, is not stored any more, or the subscriber
            gets no mail now.
    """
    if delivery.state in OPEN_STATES:
        raise StateConflict("This email is still on its way.")
    if not delivery.payload:
        raise StateConflict("The content of this email is no longer stored.")
    if reader.status is not Status.CONFIRMED or is_suppressed(tx, reader.address, actor):
        raise StateConflict("Only a confirmed subscriber whose address is not suppressed gets email.")
    if delivery.state is DeliveryState.UNCERTAIN:
        is_new = tx.deliveries.resolve(delivery.id, resend=True, now=actor.now, lifetime=RESEND_TTL)
    else:
        copy = NewDelivery(
            kind=delivery.kind,
            key=f"{RESENT}{delivery.id}/{actor.now:%Y-%m-%d}",
            subscriber_id=reader.id,
            address=reader.address,
            day=delivery.day,
            slot=delivery.slot,
            not_before=actor.now,
            not_after=actor.now + RESEND_TTL,
            payload=delivery.payload,
        )
        is_new = tx.deliveries.enqueue([copy], now=actor.now) == 1
    if not is_new:
        raise StateConflict("This email was already sent again today.")
    actor.write_audit(tx, "resend-mail", reader.public_id, {"mail": delivery.public_id})
