"""Named filters of the list of subscribers, as the query of its URL."""

from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa

from digest.db.base import Repository, from_row
from digest.db.tables import SAVED_FILTER


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """A filter with its name, and who saved it."""

    name: str
    query: str
    created_by: str
    created_at: datetime


class SavedFilters(Repository):
    """Repository of saved filters."""

    def list_all(self) -> tuple[SavedFilter, ...]:
        """Return all saved filters in alphabetical order."""
        rows = self._connection.execute(sa.select(SAVED_FILTER).order_by(SAVED_FILTER.c.name))
        return tuple(from_row(SavedFilter, row) for row in rows)

    def save(self, saved: SavedFilter) -> None:
        """Save a filter; one of the same name is replaced."""
        self._upsert(SAVED_FILTER, [asdict(saved)])

    def delete(self, name: str) -> bool:
        """Delete a filter; return whether there was one of this name."""
        return self._delete(SAVED_FILTER, SAVED_FILTER.c.name == name) == 1
