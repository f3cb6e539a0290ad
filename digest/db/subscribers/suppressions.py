"""Which addresses are never written to? Known only by their keyed hashes."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from digest.db.dialects import among, insert
from digest.db.tables import SUPPRESSION
from digest.models import Suppression, SuppressionReason


class Suppressions:
    """Standing orders never to mail an address. They outlive the subscriber."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, key: str, reason: SuppressionReason, *, now: datetime, source: str = "") -> bool:
        """Suppress; the first reason stays. True when it was not suppressed before."""
        row = {"key": key, "reason": reason, "at": now, "source": source}
        order = insert(self._connection, SUPPRESSION).values(row).on_conflict_do_nothing()
        return self._connection.execute(order).rowcount == 1

    def find(self, key: str) -> Suppression | None:
        """The standing order under this key, if there is one."""
        row = self._connection.execute(sa.select(SUPPRESSION).where(SUPPRESSION.c.key == key)).first()
        return Suppression(row.key, SuppressionReason(row.reason), row.at) if row else None

    def holds(self, key: str) -> bool:
        """Whether this address must not be written to."""
        return bool(self.among([key]))

    def among(self, keys: Collection[str]) -> frozenset[str]:
        """Those of the keys that are suppressed."""
        query = sa.select(SUPPRESSION.c.key).where(among(self._connection, SUPPRESSION.c.key, keys))
        return frozenset(self._connection.scalars(query)) if keys else frozenset()

    def remove(self, key: str) -> bool:
        """Lift the order; True when there was one."""
        gone = self._connection.execute(sa.delete(SUPPRESSION).where(SUPPRESSION.c.key == key))
        return gone.rowcount == 1

    def count(self) -> dict[SuppressionReason, int]:
        """How many there are, by reason."""
        query = sa.select(SUPPRESSION.c.reason, sa.func.count()).group_by(SUPPRESSION.c.reason)
        return {SuppressionReason(reason): number for reason, number in self._connection.execute(query)}
