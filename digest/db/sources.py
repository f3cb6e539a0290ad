"""The state of each source, its fetch history, and editions on hold."""

from dataclasses import dataclass, fields
from datetime import date, datetime
from statistics import median
from typing import Any

import sqlalchemy as sa

from digest.db.base import Repository, from_row
from digest.db.dialects import insert
from digest.db.tables import HOLD, READING, SOURCE
from digest.models import FetchResult, FetchState, Health

USUAL_DAYS = 20  # the median of so many days with unseen papers is the usual count


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """One scope of one source, as of its last fetch."""

    source: str
    scope: str
    read_at: datetime
    health: Health
    note: str
    fetched: int
    unseen: int
    newest: str
    day: date | None
    good_at: datetime | None  # time of the last good answer


@dataclass(frozen=True, slots=True)
class Hold:
    """An edition on hold: why, and since when."""

    key: str
    reason: str
    at: datetime


class Sources(Repository):
    """Repository of sources, fetches and holds."""

    def record(self, result: FetchResult, *, new: int | None = None) -> None:
        """Add a result to the history and update the state of its scope.

        Only a good result replaces the stored ids. *new* overrides the number of unseen papers.
        """
        ids = [paper.id for paper in result.papers]
        row = _to_row(result, unseen=result.unseen if new is None else new)
        self._connection.execute(sa.insert(READING), row)
        is_good = result.health is Health.OK and bool(result.papers or result.signals)
        answer = {
            "good_at": result.read_at,
            "etag": result.etag,
            "last_modified": result.last_modified,
            "ids": ids,
        }
        changed = {**row, **answer} if is_good else row
        blank: dict[str, Any] = {"good_at": None, "etag": "", "last_modified": "", "ids": []}
        # `day` is that of the last result which brought unseen papers.
        unchanged = {} if row["day"] and row["unseen"] else {"day": SOURCE.c.day}
        upsert = insert(self._connection, SOURCE).values(**{**blank, **changed})
        self._connection.execute(
            upsert.on_conflict_do_update(index_elements=["source", "scope"], set_={**changed, **unchanged})
        )

    def list_latest(self) -> tuple[SourceState, ...]:
        """Return the state of every scope of every source, ordered by source and scope."""
        columns = (SOURCE.c[item.name] for item in fields(SourceState))
        query = sa.select(*columns).order_by(SOURCE.c.source, SOURCE.c.scope)
        rows = self._connection.execute(query)
        return tuple(from_row(SourceState, row, health=Health(row.health)) for row in rows)

    def get_fetch_states(self, source: str) -> dict[str, FetchState]:
        """Return what a source's fetch needs of each scope's last good answer, by scope."""
        query = sa.select(SOURCE).where(SOURCE.c.source == source)
        return {
            row.scope: from_row(
                FetchState,
                row,
                read_at=row.good_at,
                ids=frozenset(row.ids),
                usual=self.get_usual_count(source, row.scope),
            )
            for row in self._connection.execute(query)
        }

    def get_usual_count(self, source: str, scope: str) -> float | None:
        """Return the median number of unseen papers per day with any; None if there was no such day."""
        query = (
            sa.select(sa.func.sum(READING.c.unseen))
            .where(READING.c.source == source, READING.c.scope == scope, READING.c.day.is_not(None))
            .where(READING.c.unseen > 0)
            .group_by(READING.c.day)
            .order_by(READING.c.day.desc())
            .limit(USUAL_DAYS)
        )
        counts = [float(count) for (count,) in self._connection.execute(query)]
        return median(counts) if counts else None

    def list_history(self, source: str, scope: str, *, since: datetime) -> tuple[SourceState, ...]:
        """Return all results of a scope since a moment, oldest first."""
        query = (
            sa.select(READING)
            .where(READING.c.source == source, READING.c.scope == scope, READING.c.read_at >= since)
            .order_by(READING.c.read_at)
        )
        rows = self._connection.execute(query)
        return tuple(from_row(SourceState, row, health=Health(row.health), good_at=None) for row in rows)

    def delete_before(self, before: datetime) -> int:
        """Delete the history before a moment, not the states; return how many rows were deleted."""
        return self._delete(READING, READING.c.read_at < before)

    def delete_state(self, source: str, scope: str) -> None:
        """Delete the state of a scope that is no longer read; its history stays."""
        self._delete(SOURCE, (SOURCE.c.source == source) & (SOURCE.c.scope == scope))

    def hold(self, key: str, reason: str, *, at: datetime) -> None:
        """Put an edition on hold until somebody releases it. Does nothing if it was ever held before."""
        self._insert_new(HOLD, [{"key": key, "reason": reason, "at": at, "released_by": ""}])

    def list_held(self, key: str | None = None) -> tuple[Hold, ...]:
        """Return the holds not yet released, oldest first; of one key or all."""
        query = sa.select(HOLD).where(HOLD.c.released_at.is_(None)).order_by(HOLD.c.at, HOLD.c.key)
        if key is not None:
            query = query.where(HOLD.c.key == key)
        return tuple(from_row(Hold, row) for row in self._connection.execute(query))

    def release(self, key: str, *, actor: str, at: datetime) -> bool:
        """Release an edition; return False if it was not on hold."""
        is_held = (HOLD.c.key == key) & HOLD.c.released_at.is_(None)
        return self._update(HOLD, is_held, released_at=at, released_by=actor) == 1


def _to_row(result: FetchResult, *, unseen: int) -> dict[str, Any]:
    return {
        "source": result.source,
        "scope": result.scope,
        "read_at": result.read_at,
        "health": str(result.health),
        "note": result.note,
        "fetched": len(result.papers),
        "unseen": unseen,
        "newest": max((paper.id for paper in result.papers), default=""),
        "day": result.day,
    }
