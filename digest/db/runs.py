"""What each run did, for the history that administrators see."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from digest.db.base import Repository, from_row
from digest.db.tables import RUN


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run that did something; `facts` are the figures of its log line."""

    id: int
    started_at: datetime
    ended_at: datetime
    facts: Mapping[str, object]


class Runs(Repository):
    """Repository of runs."""

    def add(self, facts: Mapping[str, object], *, started_at: datetime, ended_at: datetime) -> None:
        """Record a run."""
        row = {"started_at": started_at, "ended_at": ended_at, "facts": dict(facts)}
        self._connection.execute(sa.insert(RUN).values(row))

    def list_latest(self, *, limit: int = 50, before: int | None = None) -> tuple[RunRow, ...]:
        """Return the newest runs first; *before* is the id to continue from."""
        query = sa.select(RUN).order_by(RUN.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(RUN.c.id < before)
        return tuple(from_row(RunRow, row) for row in self._connection.execute(query))

    def delete_before(self, before: datetime) -> int:
        """Delete the runs that ended before a moment; return how many were deleted."""
        return self._delete(RUN, RUN.c.ended_at < before)
