"""Bulk operations: one action on many subscribers, in batches, with what is needed to undo it.

An operation is started under an id that the page chose, so that sending the page twice starts it once.
Every batch moves `last_id` on by a conditional update: of two processes that work on one, one stops.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from digest.db.base import Repository, from_row
from digest.db.tables import BULK_CHANGE, BULK_OPERATION
from digest.models import Status
from digest.models.errors import require


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkOperation:
    """One action on the subscribers that matched a filter."""

    id: str
    at: datetime
    actor: str
    action: str
    tag: str  # of the actions that give or take one
    query: str  # the filter, as the query of the list's URL
    last_id: int = 0  # of the subscriber that was visited last
    changed: int = 0
    finished_at: datetime | None = None
    undone: int | None = None  # how many were changed back; None: it was not undone


class BulkOperations(Repository):
    """Repository of bulk operations."""

    def start(self, operation: BulkOperation) -> bool:
        """Add an operation; return False if it was started before."""
        row = {name: getattr(operation, name) for name in BulkOperation.__dataclass_fields__}
        return self._insert_new(BULK_OPERATION, [row]) == 1

    def get(self, operation_id: str) -> BulkOperation:
        """Return an operation. Raises NotFound if there is none, or none any more."""
        query = sa.select(BULK_OPERATION).where(BULK_OPERATION.c.id == operation_id)
        row = self._connection.execute(query).first()
        missing = "There is no such operation; they are kept for thirty days."
        return from_row(BulkOperation, require(row, missing))

    def list_latest(self, *, limit: int = 10) -> tuple[BulkOperation, ...]:
        """Return the newest operations first."""
        query = sa.select(BULK_OPERATION).order_by(BULK_OPERATION.c.at.desc()).limit(limit)
        return tuple(from_row(BulkOperation, row) for row in self._connection.execute(query))

    def list_by_subscriber(self, subscriber_id: int, *, limit: int = 20) -> tuple[BulkOperation, ...]:
        """Return the operations that changed a subscriber, newest first."""
        query = (
            sa.select(BULK_OPERATION)
            .join(BULK_CHANGE, BULK_CHANGE.c.operation_id == BULK_OPERATION.c.id)
            .where(BULK_CHANGE.c.subscriber_id == subscriber_id)
            .order_by(BULK_OPERATION.c.at.desc())
            .limit(limit)
        )
        return tuple(from_row(BulkOperation, row) for row in self._connection.execute(query))

    def add_batch(self, operation: BulkOperation, *, last_id: int, changes: Mapping[int, Status]) -> bool:
        """Record a batch: its last subscriber, and the status before of those who were changed.

        Returns False, and records nothing, if somebody else went on with this operation meanwhile.
        """
        here = (BULK_OPERATION.c.id == operation.id) & (BULK_OPERATION.c.last_id == operation.last_id)
        changed = BULK_OPERATION.c.changed + len(changes)
        if self._update(BULK_OPERATION, here, last_id=last_id, changed=changed) == 0:
            return False
        if changes and operation.action != "erase":  # nobody is left to refer to
            rows = [
                {"operation_id": operation.id, "subscriber_id": key, "prior_status": str(status)}
                for key, status in changes.items()
            ]
            self._insert_new(BULK_CHANGE, rows)
        return True

    def finish(self, operation_id: str, *, now: datetime) -> bool:
        """Mark an operation as finished; return False if it was already."""
        is_open = (BULK_OPERATION.c.id == operation_id) & BULK_OPERATION.c.finished_at.is_(None)
        return self._update(BULK_OPERATION, is_open, finished_at=now) == 1

    def begin_undo(self, operation_id: str) -> bool:
        """Mark a finished operation as undone; return False if it was already."""
        here = (BULK_OPERATION.c.id == operation_id) & BULK_OPERATION.c.undone.is_(None)
        return self._update(BULK_OPERATION, here, BULK_OPERATION.c.finished_at.is_not(None), undone=0) == 1

    def pop_changes(self, operation_id: str, *, limit: int = 1000) -> dict[int, Status]:
        """Take up to *limit* changes out of the record, to be undone: the status before, by subscriber."""
        change = BULK_CHANGE.c
        query = sa.select(change.subscriber_id, change.prior_status).where(
            change.operation_id == operation_id
        )
        rows = self._connection.execute(query.order_by(change.subscriber_id).limit(limit)).all()
        if rows:
            last = change.subscriber_id <= rows[-1].subscriber_id
            self._delete(BULK_CHANGE, change.operation_id == operation_id, last)
        return {row.subscriber_id: Status(row.prior_status) for row in rows}

    def add_undone(self, operation_id: str, count: int) -> None:
        """Count subscribers who were changed back."""
        undone = BULK_OPERATION.c.undone + count
        self._update(BULK_OPERATION, BULK_OPERATION.c.id == operation_id, undone=undone)

    def delete_before(self, before: datetime) -> int:
        """Delete older operations, which cannot be undone any more; the audit log keeps a line of each."""
        return self._delete(BULK_OPERATION, BULK_OPERATION.c.at < before)
