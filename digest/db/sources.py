"""How are the sources doing, what did they last say, and does an edition wait for a person?"""

import zlib
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from typing import Any

import sqlalchemy as sa

from digest.db.dialects import insert
from digest.db.tables import HOLD, READING, SOURCE
from digest.models import FetchResult, FetchState, Health

USUAL_OF = 20  # fresh readings whose median is what is usual


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """One scope of one source, as of its last reading."""

    source: str
    scope: str
    read_at: datetime
    health: Health
    note: str
    fetched: int
    unseen: int
    overlap: int  # papers that were in its last good answer too
    newest: str
    day: date | None
    good_at: datetime | None  # when it last answered well


@dataclass(frozen=True, slots=True)
class Hold:
    """An edition kept back, why, and who let it go."""

    key: str
    reason: str
    at: datetime
    released_at: datetime | None = None
    released_by: str = ""


class Sources:
    """What is known about the sources, in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def record(self, reading: FetchResult, *, new: int | None = None, overlap: int | None = None) -> None:
        """Write a reading down. Only a good one replaces the answer and the ids we remember."""
        ids = [paper.id for paper in reading.papers]
        if overlap is None:
            overlap = len(self.memory(reading.source).get(reading.scope, FetchState()).ids & {*ids})
        facts = _facts(reading, unseen=reading.unseen if new is None else new, overlap=overlap)
        self._connection.execute(sa.insert(READING), facts)
        fresh = {**facts, **_good(reading, ids)} if _is_good(reading) else facts
        blank: dict[str, Any] = {"good_at": None, "etag": "", "last_modified": "", "ids": [], "body": b""}
        row = insert(self._connection, SOURCE).values(**{**blank, **fresh})
        kept = {} if facts["day"] and facts["unseen"] else {"day": SOURCE.c.day}
        self._connection.execute(
            row.on_conflict_do_update(index_elements=["source", "scope"], set_={**fresh, **kept})
        )

    def latest(self) -> tuple[SourceState, ...]:
        """Every scope of every source, as of its last reading."""
        names = list(SourceState.__dataclass_fields__)
        query = sa.select(*(SOURCE.c[name] for name in names)).order_by(SOURCE.c.source, SOURCE.c.scope)
        rows = self._connection.execute(query).mappings()
        return tuple(SourceState(**{**row, "health": Health(row["health"])}) for row in rows)

    def memory(self, source: str) -> dict[str, FetchState]:
        """What each scope of a source last answered well: to ask politely, and to notice a stale batch."""
        query = sa.select(SOURCE).where(SOURCE.c.source == source)
        return {
            row.scope: FetchState(
                etag=row.etag,
                last_modified=row.last_modified,
                read_at=row.good_at,
                newest=row.newest,
                ids=frozenset(row.ids),
                day=row.day,
                usual=self.usual(source, row.scope),
            )
            for row in self._connection.execute(query)
        }

    def body(self, source: str, scope: str) -> bytes:
        """The last good answer as it came, for replay; empty when there is none."""
        query = sa.select(SOURCE.c.body).where(SOURCE.c.source == source, SOURCE.c.scope == scope)
        packed = self._connection.scalar(query)
        return zlib.decompress(packed) if packed else b""

    def usual(self, source: str, scope: str) -> float | None:
        """How many unseen papers a fresh batch usually brings; None before there was one."""
        query = (
            sa.select(sa.func.sum(READING.c.unseen))
            .where(READING.c.source == source, READING.c.scope == scope, READING.c.day.is_not(None))
            .where(READING.c.unseen > 0)
            .group_by(READING.c.day)
            .order_by(READING.c.day.desc())
            .limit(USUAL_OF)
        )
        counts = [float(count) for (count,) in self._connection.execute(query)]
        return median(counts) if counts else None

    def history(self, source: str, scope: str, *, since: datetime) -> tuple[SourceState, ...]:
        """Every reading of a scope since a moment, oldest first."""
        query = (
            sa.select(READING)
            .where(READING.c.source == source, READING.c.scope == scope, READING.c.read_at >= since)
            .order_by(READING.c.read_at)
        )
        names = [name for name in SourceState.__dataclass_fields__ if name != "good_at"]
        return tuple(
            SourceState(
                **{**{name: row[name] for name in names}, "health": Health(row["health"])}, good_at=None
            )
            for row in self._connection.execute(query).mappings()
        )

    def forget(self, before: datetime) -> int:
        """Drop the lines of readings older than a moment; where each scope stands is kept."""
        return self._connection.execute(sa.delete(READING).where(READING.c.read_at < before)).rowcount

    def hold(self, key: str, reason: str, *, at: datetime) -> None:
        """Keep an edition back until someone looks; held or released before, nothing changes."""
        row = insert(self._connection, HOLD).values(key=key, reason=reason, at=at, released_by="")
        self._connection.execute(row.on_conflict_do_nothing())

    def held(self, key: str | None = None) -> tuple[Hold, ...]:
        """The editions that wait, oldest first; of one key or all."""
        query = sa.select(HOLD).where(HOLD.c.released_at.is_(None)).order_by(HOLD.c.at, HOLD.c.key)
        if key is not None:
            query = query.where(HOLD.c.key == key)
        return tuple(Hold(*row) for row in self._connection.execute(query))

    def release(self, key: str, *, actor: str, at: datetime) -> bool:
        """Let an edition go; whether it was waiting."""
        waiting = sa.update(HOLD).where(HOLD.c.key == key, HOLD.c.released_at.is_(None))
        return self._connection.execute(waiting.values(released_at=at, released_by=actor)).rowcount == 1


def _is_good(reading: FetchResult) -> bool:
    return reading.health is Health.OK and bool(reading.papers or reading.body)


def _facts(reading: FetchResult, *, unseen: int, overlap: int) -> dict[str, Any]:
    return {
        "source": reading.source,
        "scope": reading.scope,
        "read_at": reading.read_at,
        "health": str(reading.health),
        "note": reading.note,
        "fetched": len(reading.papers),
        "unseen": unseen,
        "overlap": overlap,
        "newest": reading.newest or max((paper.id for paper in reading.papers), default=""),
        "day": reading.day,
    }


def _good(reading: FetchResult, ids: list[str]) -> dict[str, Any]:
    return {
        "good_at": reading.read_at,
        "etag": reading.etag,
        "last_modified": reading.last_modified,
        "ids": ids,
        "body": zlib.compress(reading.body),
    }
