"""Can the database be written? Asked in earnest, but so seldom that probing costs nothing."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from digest.db import Database
from digest.models.errors import StoreError

EVERY = timedelta(seconds=10)
_KEY = "pulse"


@dataclass
class Pulse:
    """Remembers the last answer for a few seconds. A full disk is only noticed by who writes."""

    store: Database
    _asked: datetime | None = None
    _said: str = ""
    _turn: Lock = field(default_factory=Lock)

    def beat(self, now: datetime) -> str:
        """Why nothing can be written, as a sentence; empty when all is well."""
        with self._turn:
            if self._asked is None or not timedelta(0) <= now - self._asked < EVERY:
                self._said, self._asked = self._write(now), now
            return self._said

    def _write(self, now: datetime) -> str:
        try:
            with self.store.begin() as tx:
                tx.meta.write(_KEY, now.isoformat())
        except StoreError as error:
            return str(error)
        return ""
