"""Which database is this, and may it send? Single facts, kept under a name."""

import sqlalchemy as sa

from digest.db.dialects import insert
from digest.db.tables import META

_PAUSED = "paused"


class Meta:
    """Key and value; a missing value is an empty string."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def read(self, key: str) -> str:
        """The value under a key, or an empty string."""
        query = sa.select(META.c.value).where(META.c.key == key)
        return str(self._connection.scalar(query) or "")

    def write(self, key: str, value: str) -> None:
        """Keep a value under a key, over whatever was there."""
        row = insert(self._connection, META).values(key=key, value=value)
        self._connection.execute(row.on_conflict_do_update(index_elements=["key"], set_={"value": value}))

    def forget(self, key: str) -> None:
        """Remove a key; removing it twice is fine."""
        self._connection.execute(sa.delete(META).where(META.c.key == key))

    @property
    def paused(self) -> str:
        """Why nothing may be sent from this database now; empty when all is well."""
        return self.read(_PAUSED)

    def pause(self, reason: str) -> None:
        """Stop all sending until `resume`; the reason is a sentence for the operator."""
        self.write(_PAUSED, reason)

    def resume(self) -> None:
        """Let mail go out again."""
        self.forget(_PAUSED)
