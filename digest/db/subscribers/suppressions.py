"""Suppressed addresses, which are never mailed; stored only as keyed hashes."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from digest.db.dialects import in_values, insert
from digest.db.tables import SUPPRESSION
from digest.models import Suppression, SuppressionReason


class Suppressions:
    """Repository of suppressions. They outlive the subscriber."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, key: str, reason: SuppressionReason, *, now: datetime, source: str = "") -> bool:
        """Suppress an address; an existing suppression keeps its reason. Returns True if it is new."""
        row = {"key": key, "reason": reason, "at": now, "source": source}
        new = insert(self._connection, SUPPRESSION).values(row).on_conflict_do_nothing()
        return self._connection.execute(new).rowcount == 1

    def find(self, key: str) -> Suppression | None:
        """Return the suppression with this key, or None."""
        row = self._connection.execute(sa.select(SUPPRESSION).where(SUPPRESSION.c.key == key)).first()
        return Suppression(row.key, SuppressionReason(row.reason), row.at) if row else None

    def is_suppressed(self, key: str) -> bool:
        """Return whether the address with this key must not be mailed."""
        return bool(self.filter_suppressed([key]))

    def filter_suppressed(self, keys: Collection[str]) -> frozenset[str]:
        """Return those of the keys that are suppressed."""
        query = sa.select(SUPPRESSION.c.key).where(in_values(self._connection, SUPPRESSION.c.key, keys))
        return frozenset(self._connection.scalars(query)) if keys else frozenset()

    def remove(self, key: str) -> bool:
        """Remove a suppression; return whether there was one."""
        deletion = sa.delete(SUPPRESSION).where(SUPPRESSION.c.key == key)
        return self._connection.execute(deletion).rowcount == 1

    def count_by_reason(self) -> dict[SuppressionReason, int]:
        """Return the number of suppressions by reason."""
        query = sa.select(SUPPRESSION.c.reason, sa.func.count()).group_by(SUPPRESSION.c.reason)
        return {SuppressionReason(reason): count for reason, count in self._connection.execute(query)}
