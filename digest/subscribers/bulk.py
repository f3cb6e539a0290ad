"""One action on all subscribers that match: in batches, with one line in the audit log, and undone again.

Whoever an action does not fit (pausing somebody who is not confirmed) stays as they are and is not counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from digest.db import Database, Transaction
from digest.db.subscribers.bulk_operations import BulkOperation
from digest.db.subscribers.search import SubscriberCriteria
from digest.models import SUBSCRIBED, Status, Subscriber, SuppressionReason
from digest.subscribers.helpers import Actor, end_subscriptions, with_status
from digest.subscribers.unsubscribe import lift_suppression

BATCH_SIZE = 500  # subscribers in one transaction, so that others can write in between


class BulkAction(StrEnum):
    """What can be done to many subscribers at once."""

    PAUSE = "pause"
    RESUME = "resume"
    TAG = "tag"
    UNTAG = "untag"
    SUPPRESS = "suppress"
    LIFT = "lift"
    ERASE = "erase"


# The statuses that an action fits; others stay as they are.
FITTING: Mapping[BulkAction, Sequence[Status]] = dict.fromkeys(BulkAction, tuple(Status)) | {
    BulkAction.PAUSE: (Status.CONFIRMED,),
    BulkAction.RESUME: (Status.PAUSED,),
    BulkAction.LIFT: (Status.UNSUBSCRIBED, Status.UNCONFIRMED),
}
IRREVERSIBLE = frozenset({BulkAction.ERASE})


def run_operation(
    store: Database, operation: BulkOperation, criteria: SubscriberCriteria, *, actor: Actor
) -> None:
    """Do what an operation that was started has left to do; return when it is finished.

    Sent twice, or continued after an interruption, it visits nobody twice.
    """
    while True:
        with store.begin() as tx:
            current = tx.bulk_operations.get(operation.id)
            found = tx.subscribers.search(criteria)
            readers = () if current.finished_at else found.list_after(current.last_id, limit=BATCH_SIZE)
            if not readers:
                if tx.bulk_operations.finish(operation.id, now=actor.now):
                    _write_audit(tx, f"bulk-{current.action}", current, current.changed, actor)
                return
            changes = apply_batch(tx, BulkAction(current.action), readers, tag=current.tag, actor=actor)
            tx.bulk_operations.add_batch(current, last_id=readers[-1].id, changes=changes)


def undo_operation(store: Database, operation: BulkOperation, *, actor: Actor) -> bool:
    """Change back everybody whom a finished operation changed and who has not changed since.

    Returns False if it was undone before, or cannot be.
    """
    if operation.action in IRREVERSIBLE:
        return False
    with store.begin() as tx:
        if not tx.bulk_operations.begin_undo(operation.id):
            return False
    while True:
        with store.begin() as tx:
            changes = tx.bulk_operations.pop_changes(operation.id, limit=BATCH_SIZE)
            if not changes:
                undone = tx.bulk_operations.get(operation.id).undone or 0
                _write_audit(tx, f"bulk-undo-{operation.action}", operation, undone, actor)
                return True
            readers = tuple(tx.subscribers.get_by_ids(changes.keys()).values())
            count = _undo_batch(tx, operation, readers, changes, actor=actor)
            tx.bulk_operations.add_undone(operation.id, count)


def apply_batch(
    tx: Transaction, action: BulkAction, readers: Sequence[Subscriber], *, tag: str = "", actor: Actor
) -> dict[int, Status]:
    """Do something to these subscribers; return the status before of those whom it changed."""
    fitting = [reader for reader in readers if reader.status in FITTING[action]]
    changed: Sequence[Subscriber]
    match action:
        case BulkAction.PAUSE:
            changed = _set_status(tx, fitting, Status.PAUSED, actor)
        case BulkAction.RESUME:
            changed = _set_status(tx, fitting, Status.CONFIRMED, actor)
        case BulkAction.TAG | BulkAction.UNTAG:
            write = tx.tags.add if action is BulkAction.TAG else tx.tags.remove
            ids = write([reader.id for reader in fitting], tag)
            changed = [reader for reader in fitting if reader.id in ids]
        case BulkAction.SUPPRESS:
            changed = _suppress(tx, fitting, actor)
        case BulkAction.LIFT:
            changed = _lift(tx, fitting, actor)
        case BulkAction.ERASE:
            for reader in fitting:
                tx.subscribers.erase(reader.id, now=actor.now)
            changed = fitting
    return {reader.id: reader.status for reader in changed}


def _undo_batch(
    tx: Transaction,
    operation: BulkOperation,
    readers: Sequence[Subscriber],
    prior: Mapping[int, Status],
    *,
    actor: Actor,
) -> int:
    """Undo an operation for these subscribers; return how many were changed back."""
    ids, count = [reader.id for reader in readers], 0
    unchanged = [reader for reader in readers if reader.status_since == operation.at]
    match BulkAction(operation.action):
        case BulkAction.PAUSE:
            still = [reader for reader in unchanged if reader.status is Status.PAUSED]
            count = len(_set_status(tx, still, Status.CONFIRMED, actor))
        case BulkAction.RESUME:
            still = [reader for reader in unchanged if reader.status is Status.CONFIRMED]
            count = len(_set_status(tx, still, Status.PAUSED, actor))
        case BulkAction.TAG:
            count = len(tx.tags.remove(ids, operation.tag))
        case BulkAction.UNTAG:
            count = len(tx.tags.add(ids, operation.tag))
        case BulkAction.SUPPRESS:
            count = sum(_undo_suppression(tx, reader, prior[reader.id], actor) for reader in readers)
        case BulkAction.LIFT:
            count = len(_suppress(tx, readers, actor))
    return count


def _set_status(
    tx: Transaction, readers: Sequence[Subscriber], status: Status, actor: Actor
) -> Sequence[Subscriber]:
    tx.subscribers.save_many(
        [
            with_status(
                replace(reader, schedule=replace(reader.schedule, paused_until=None)), status, actor.now
            )
            for reader in readers
        ]
    )
    return readers


def _suppress(tx: Transaction, readers: Sequence[Subscriber], actor: Actor) -> list[Subscriber]:
    """Suppress the addresses of subscribers, and end their subscriptions; return whom that changed."""
    keys = {reader.id: actor.hash(reader.address) for reader in readers}
    suppressed = tx.suppressions.filter_suppressed(keys.values())
    end_subscriptions(tx, (reader for reader in readers if reader.status in SUBSCRIBED), actor.now)
    changed = [
        reader for reader in readers if keys[reader.id] not in suppressed or reader.status in SUBSCRIBED
    ]
    for reader in changed:
        prior = reader.status if reader.status in SUBSCRIBED else None
        tx.suppressions.add(
            keys[reader.id], SuppressionReason.ADMIN, now=actor.now, source=actor.name, prior_status=prior
        )
    return changed


def _lift(tx: Transaction, readers: Sequence[Subscriber], actor: Actor) -> list[Subscriber]:
    suppressed = tx.suppressions.filter_suppressed([actor.hash(reader.address) for reader in readers])
    return [
        reader
        for reader in readers
        if actor.hash(reader.address) in suppressed
        and lift_suppression(tx, reader, actor=actor, is_audited=False)
    ]


def _undo_suppression(tx: Transaction, reader: Subscriber, prior: Status, actor: Actor) -> bool:
    """Lift a suppression by an administrator; a person who meanwhile asked for it stays suppressed."""
    key = actor.hash(reader.address)
    suppression = tx.suppressions.find(key)
    if suppression is None or suppression.reason is not SuppressionReason.ADMIN:
        return False
    tx.suppressions.remove(key)
    if prior in SUBSCRIBED and reader.status is Status.UNSUBSCRIBED and reader.status_since == suppression.at:
        tx.subscribers.save(with_status(reader, prior, actor.now))
    return True


def _write_audit(tx: Transaction, action: str, operation: BulkOperation, count: int, actor: Actor) -> None:
    detail = {"subscribers": count, **({"tag": operation.tag} if operation.tag else {})}
    actor.write_audit(tx, action, f"operation/{operation.id}", detail)
