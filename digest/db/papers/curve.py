"""Which readings of a count tell its curve? The others may go when the paper is old."""

from collections.abc import Sequence
from datetime import datetime, timedelta

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
