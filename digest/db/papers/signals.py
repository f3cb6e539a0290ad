"""Signals: timed counts of attention per paper, each observation stored once, thinned with age."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from operator import attrgetter

import sqlalchemy as sa

from digest.db.base import Repository
from digest.db.papers.aliases import find_numbers
from digest.db.tables import PAPER, SIGNAL
from digest.models import Signal, SignalKind

# Minimum spacing of the observations kept, by time since the first one: the curve bends early.
_SPACINGS = (
    (timedelta(days=1), timedelta(hours=1)),
    (timedelta(days=7), timedelta(hours=6)),
    (timedelta.max, timedelta(days=1)),
)
_KEY = (SIGNAL.c.number, SIGNAL.c.source, SIGNAL.c.kind, SIGNAL.c.observed_at)
_get_series_key = attrgetter("number", "source", "kind")


def select_kept(points: Sequence[tuple[datetime, float]]) -> set[int]:
    """Return the indices of the points to keep, of (time, value) points in the order of time.

    Keeps the first and the last point, the last one of every interval, and both ends of a plateau.
    """
    if not points:
        return set()
    begin = points[0][0]
    last_of_interval = {_get_interval(at - begin): index for index, (at, _) in enumerate(points)}
    indices = sorted({0, len(points) - 1, *last_of_interval.values()})
    triples = zip(indices, indices[1:], indices[2:], strict=False)
    flat = {triple[1] for triple in triples if len({points[index][1] for index in triple}) == 1}
    return {*indices} - flat


def _get_interval(age: timedelta) -> tuple[int, int]:
    level, spacing = next((level, spacing) for level, (until, spacing) in enumerate(_SPACINGS) if age < until)
    return level, age // spacing


@dataclass(frozen=True, slots=True)
class FinalValue:
    """The last value of a paper's count, and the day it was listed or first seen; used to fit the prior."""

    paper_id: str
    day: date
    value: float
    observed_at: datetime


class Signals(Repository):
    """Repository of signals."""

    def add(self, signals: Iterable[Signal]) -> int:
        """Add signals of stored papers; return how many are new. Signals of unknown papers are skipped."""
        observed = list(signals)
        numbers = find_numbers(self._connection, {signal.paper_id for signal in observed})
        rows = [
            {"number": numbers[signal.paper_id], "source": signal.source, "kind": str(signal.kind),
             "observed_at": signal.observed_at, "value": signal.value}
            for signal in observed
            if signal.paper_id in numbers
        ]  # fmt: skip
        return self._insert_new(SIGNAL, rows)

    def get_until(self, paper_ids: Collection[str], *, until: datetime) -> dict[str, tuple[Signal, ...]]:
        """Return the signals of papers up to a moment, oldest first, by id as given.

        Papers without signals are missing.
        """
        numbers = find_numbers(self._connection, paper_ids)
        by_number = self.get_by_numbers({*numbers.values()}, until=until)
        return {id_: by_number[number] for id_, number in numbers.items() if number in by_number}

    def get_by_numbers(self, numbers: Collection[int], *, until: datetime) -> dict[int, tuple[Signal, ...]]:
        """Return the same by the papers' numbers."""
        query = (
            sa.select(*SIGNAL.columns, PAPER.c.id.label("paper_id"))
            .join(PAPER, PAPER.c.number == SIGNAL.c.number)
            .where(self._in(SIGNAL.c.number, numbers), SIGNAL.c.observed_at <= until)
            .order_by(SIGNAL.c.observed_at, SIGNAL.c.source, SIGNAL.c.kind)
        )
        by_number: dict[int, list[Signal]] = {}
        for row in self._connection.execute(query):
            signal = Signal(
                paper_id=row.paper_id,
                kind=SignalKind(row.kind),
                value=row.value,
                observed_at=row.observed_at,
                source=row.source,
            )
            by_number.setdefault(row.number, []).append(signal)
        return {number: tuple(signals) for number, signals in by_number.items()}

    def list_final_values(self, source: str, kind: SignalKind, *, since: date) -> tuple[FinalValue, ...]:
        """Return the last values of one count, of papers listed (or first seen) on *since* or later."""
        newest = sa.func.row_number().over(partition_by=SIGNAL.c.number, order_by=SIGNAL.c.observed_at.desc())
        listed, seen = PAPER.c.listed, PAPER.c.first_seen
        ranked = (
            sa.select(PAPER.c.id, listed, seen, SIGNAL.c.value, SIGNAL.c.observed_at, newest.label("rank"))
            .join(PAPER, PAPER.c.number == SIGNAL.c.number)
            .where(SIGNAL.c.source == source, SIGNAL.c.kind == str(kind))
            .where((listed >= since) | (listed.is_(None) & (seen >= datetime.combine(since, time(), UTC))))
            .subquery()
        )
        rows = self._connection.execute(sa.select(ranked).where(ranked.c.rank == 1))
        values = (
            FinalValue(row.id, row.listed or row.first_seen.date(), row.value, row.observed_at)
            for row in rows
        )
        return tuple(sorted(values, key=attrgetter("day", "paper_id")))

    def compact(self, before: datetime, *, seen_since: datetime | None = None) -> int:
        """Thin the signals older than *before*; return how many were deleted.

        The first and last one of every series stay, and enough between them to draw the curve. Papers first
        seen before *seen_since* are skipped: their signals were thinned earlier.
        """
        query = sa.select(*SIGNAL.columns).where(SIGNAL.c.observed_at < before)
        if seen_since is not None:
            query = query.join(PAPER, PAPER.c.number == SIGNAL.c.number).where(
                PAPER.c.first_seen >= seen_since
            )
        rows = self._connection.execute(query.order_by(*_KEY)).all()
        gone = []
        for _, group in groupby(rows, _get_series_key):
            series = list(group)
            kept = select_kept([(row.observed_at, row.value) for row in series])
            gone += [row for index, row in enumerate(series) if index not in kept]
        if gone:
            is_row = sa.and_(*(column == sa.bindparam(f"this_{column.name}") for column in _KEY))
            keys = [{f"this_{column.name}": getattr(row, column.name) for column in _KEY} for row in gone]
            self._connection.execute(sa.delete(SIGNAL).where(is_row), keys)
        return len(gone)
