"""Taking back what a wrong judgement about bounces did: suppressions, and the subscriptions they ended."""

from dataclasses import replace
from datetime import datetime

from digest.db import Transaction
from digest.models import Status, Subscriber, Suppression
from digest.subscribers.helpers import Actor, save, with_status

PAGE_SIZE = 1000  # subscribers read at once


def list_bounced(
    tx: Transaction, since: datetime, *, actor: Actor
) -> tuple[tuple[Suppression, Subscriber | None], ...]:
    """Return the suppressions that bounces caused since a moment, each with the subscriber it ended.

    None stands for a subscriber who is gone, or whose subscription ended otherwise.
    """
    suppressions = {suppression.key: suppression for suppression in tx.suppressions.list_bounced(since)}
    ended: dict[str, Subscriber] = {}
    last = 0
    while suppressions and (
        page := tx.subscribers.list_after(last, status=Status.UNSUBSCRIBED, limit=PAGE_SIZE)
    ):
        last = page[-1].id
        for reader in page:
            key = actor.hash(reader.address)
            if key in suppressions and reader.status_since == suppressions[key].at:
                ended[key] = reader
    return tuple((suppression, ended.get(key)) for key, suppression in suppressions.items())


def restore(
    tx: Transaction, since: datetime, *, actor: Actor
) -> tuple[tuple[Suppression, Subscriber | None], ...]:
    """Lift those suppressions, let the subscriptions go on as before, and let no bounce since then count.

    Who complained, unsubscribed or was suppressed by a person stays so.
    """
    bounced = list_bounced(tx, since, actor=actor)
    for suppression, reader in bounced:
        tx.suppressions.remove(suppression.key)
        before = suppression.prior_status or (Status.CONFIRMED if reader and reader.confirmed_at else None)
        if reader and before:
            again = with_status(replace(reader, asked_at=None), before, actor.now)
            save(tx, again, "restore", actor=actor, detail={"evidence": suppression.evidence})
    voided = tx.deliveries.void_bounces(since)
    actor.write_audit(tx, "restore", since.isoformat(), {"suppressions": len(bounced), "bounces": voided})
    return bounced
