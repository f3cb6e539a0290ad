"""Key-value facts about this database, among them why sending is paused."""

import sqlalchemy as sa

from digest.db.base import Repository
from digest.db.tables import META

_PAUSED = "paused"
_VALUE_OF_KEY = sa.select(META.c.value).where(META.c.key == sa.bindparam("key"))


class Meta(Repository):
    """Key-value store of strings; a missing value reads as an empty string."""

    def read(self, key: str) -> str:
        """Return the value of a key, or an empty string."""
        return str(self._connection.scalar(_VALUE_OF_KEY, {"key": key}) or "")

    def write(self, key: str, value: str) -> None:
        """Set the value of a key, replacing an existing one."""
        self._upsert(META, [{"key": key, "value": value}])

    def delete(self, key: str) -> None:
        """Delete a key; a missing key is not an error."""
        self._delete(META, META.c.key == key)

    @property
    def pause_reason(self) -> str:
        """Why nothing may be sent from this database; empty when sending is allowed."""
        return self.read(_PAUSED)

    def pause(self, reason: str) -> None:
        """Stop all sending until `resume`; *reason* is a sentence for the operator."""
        self.write(_PAUSED, reason)

    def resume(self) -> None:
        """Allow sending again."""
        self.delete(_PAUSED)
