"""How much attention has a paper drawn, and when? Timed totals, each reading kept once."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from digest.db.dialects import among, insert
from digest.db.papers.aliases import numbers_of
from digest.db.tables import PAPER, SIGNAL
from digest.models import Signal, SignalKind

# How far apart readings may stand, by the age of the first one: the curve bends early.
_SPACING = (
    (timedelta(days=1), timedelta(hours=1)),
    (timedelta(days=7), timedelta(hours=6)),
    (timedelta.max, timedelta(days=1)),
)


def kept(readings: Sequence[tuple[datetime, float]]) -> set[int]:
    """The places of the readings that stay, of readings in the order of time.

    The first and the last stay, of every stretch of time the last one, and of a plateau both ends.
    """
    if not readings:
        return set()
    begin = readings[0][0]
    last_of = {_stretch(at - begin): place for place, (at, _) in enumerate(readings)}
    places = sorted({0, len(readings) - 1, *last_of.values()})
    inner = zip(places, places[1:], places[2:], strict=False)
    flat = {
        here for before, here, after in inner if len({readings[p][1] for p in (before, here, after)}) == 1
    }
    return {*places} - flat


def _stretch(age: timedelta) -> tuple[int, int]:
    row, spacing = next((row, space) for row, (until, space) in enumerate(_SPACING) if age < until)
    return row, age // spacing


_KEY = (SIGNAL.c.number, SIGNAL.c.source, SIGNAL.c.kind, SIGNAL.c.observed_at)
_series = attrgetter("number", "source", "kind")


@dataclass(frozen=True, slots=True)
class Final:
    """The last reading of a paper, and the day it was listed or first seen: priors are refitted from it."""

    paper_id: str
    day: date
    value: float
    observed_at: datetime


class Signals:
    """The signals of one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def observe(self, signals: Iterable[Signal]) -> int:
        """Keep these readings and say how many were not kept before. Those of unknown papers are left out."""
        seen = list(signals)
        numbers = numbers_of(self._connection, {signal.paper_id for signal in seen})
        rows = [
            {"number": numbers[signal.paper_id], "source": signal.source, "kind": str(signal.kind),
             "observed_at": signal.observed_at, "value": signal.value}
            for signal in seen
            if signal.paper_id in numbers
        ]  # fmt: skip
        if not rows:
            return 0
        kept_now = self._connection.execute(insert(self._connection, SIGNAL).on_conflict_do_nothing(), rows)
        return kept_now.rowcount

    def of(self, paper_ids: Collection[str], *, until: datetime) -> dict[str, tuple[Signal, ...]]:
        """The readings of these papers up to a moment, oldest first; papers without any are left out."""
        numbers = numbers_of(self._connection, paper_ids)
        found: dict[int, list[Signal]] = {}
        query = (
            sa.select(*SIGNAL.columns, PAPER.c.id.label("paper_id"))
            .join(PAPER, PAPER.c.number == SIGNAL.c.number)
            .where(
                among(self._connection, SIGNAL.c.number, {*numbers.values()}), SIGNAL.c.observed_at <= until
            )
            .order_by(SIGNAL.c.observed_at, SIGNAL.c.source, SIGNAL.c.kind)
        )
        for row in self._connection.execute(query):
            found.setdefault(row.number, []).append(_signal(row))
        return {given: tuple(found[number]) for given, number in numbers.items() if number in found}

    def finals(self, source: str, kind: SignalKind, *, since: date) -> tuple[Final, ...]:
        """The last values of one count, of papers listed (or first seen) on `since` or later."""
        newest = sa.func.row_number().over(partition_by=SIGNAL.c.number, order_by=SIGNAL.c.observed_at.desc())
        listed, seen = PAPER.c.listed, PAPER.c.first_seen
        ranked = (
            sa.select(PAPER.c.id, listed, seen, SIGNAL.c.value, SIGNAL.c.observed_at, newest.label("place"))
            .join(PAPER, PAPER.c.number == SIGNAL.c.number)
            .where(SIGNAL.c.source == source, SIGNAL.c.kind == str(kind))
            .where((listed >= since) | (listed.is_(None) & (seen >= datetime.combine(since, time(), UTC))))
            .subquery()
        )
        last = self._connection.execute(sa.select(ranked).where(ranked.c.place == 1))
        finals = (
            Final(row.id, row.listed or row.first_seen.date(), row.value, row.observed_at) for row in last
        )
        return tuple(sorted(finals, key=attrgetter("day", "paper_id")))

    def compact(self, before: datetime, *, seen_since: datetime | None = None) -> int:
        """Thin the readings older than `before` and say how many went.

        The first and the last reading of every count stay, and enough between them to draw its curve.
        `seen_since` leaves out the papers first seen before it, whose readings were thinned long ago.
        """
        query = sa.select(*SIGNAL.columns).where(SIGNAL.c.observed_at < before)
        if seen_since is not None:
            query = query.join(PAPER, PAPER.c.number == SIGNAL.c.number).where(
                PAPER.c.first_seen >= seen_since
            )
        rows = self._connection.execute(query.order_by(*_KEY)).all()
        gone = [row for _, series in groupby(rows, _series) for row in _superfluous(list(series))]
        if gone:
            this = sa.and_(*(column == sa.bindparam(f"this_{column.name}") for column in _KEY))
            keys = [{f"this_{column.name}": getattr(row, column.name) for column in _KEY} for row in gone]
            self._connection.execute(sa.delete(SIGNAL).where(this), keys)
        return len(gone)


def _superfluous(series: Sequence[Any]) -> Iterator[Any]:
    staying = kept([(row.observed_at, row.value) for row in series])
    return (row for place, row in enumerate(series) if place not in staying)


def _signal(row: Any) -> Signal:
    return Signal(
        paper_id=row.paper_id,
        kind=SignalKind(row.kind),
        value=row.value,
        observed_at=row.observed_at,
        source=row.source,
    )
