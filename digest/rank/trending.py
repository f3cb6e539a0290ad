"""How hot is a paper? The final votes it is on course for, in doublings above a usual paper.

E = (v + a) / (G(h) + a / mu): the votes it has, divided by the part of them that is usually there after
h hours, and drawn towards the usual when there is little to go by. No decay: age is in the curve.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from math import exp, log2

from digest.model import Heat, Paper, Signal, SignalKind
from digest.rank.climate import DEFAULT, Climate, Pace

SHRINKAGE = 2.0  # a: how many votes the usual weighs against a paper's own
DAY = timedelta(hours=24)
UNLISTED = 0.1  # of a usual listed paper: no voting source has put it on its list


def heat_of(
    papers: Sequence[Paper],
    signals: Mapping[str, Sequence[Signal]],
    now: datetime,
    *,
    climate: Climate = DEFAULT,
) -> dict[str, Heat]:
    """How hot every paper is at `now`; readings made later do not exist yet."""
    return {paper.id: _heat(paper, _until(now, signals.get(paper.id, ())), climate) for paper in papers}


def trending_order(papers: Iterable[Paper], heat: Mapping[str, Heat]) -> list[Paper]:
    """The hottest first; papers equally hot by what is expected of them, then by id."""
    return sorted(papers, key=lambda paper: (-heat[paper.id].value, -heat[paper.id].expected, paper.id))


def expected(
    votes: float, hours: float, pace: Pace, *, mean: float = 0.0, shrinkage: float = SHRINKAGE
) -> float:
    """E: the final votes a paper with so many votes after so many hours is on course for."""
    return (votes + shrinkage) / (pace.grown_at(hours) + shrinkage / (mean or pace.mean))


def doublings(final: float, pace: Pace) -> float:
    """So many final votes, in doublings above a usual paper of the source."""
    return log2((final + 1) / (pace.median + 1))


def _heat(paper: Paper, readings: Sequence[Signal], climate: Climate) -> Heat:
    pace = climate.paces[0]
    votes = [reading for reading in readings if climate.pace_of(reading.source, reading.kind) is pace]
    if votes:
        return _voted(paper, votes, pace)
    on_course = pace.mean if paper.listed else pace.median * UNLISTED
    return Heat(value=doublings(on_course, pace), expected=on_course, content_prior=True)


def _voted(paper: Paper, readings: Sequence[Signal], pace: Pace) -> Heat:
    last = readings[-1]
    hours = _age(paper, readings, last.observed_at)
    on_course = min(expected(last.value, hours, pace), max(pace.ceiling, last.value))
    stray = exp(pace.spread_at(hours, on_course))
    return Heat(
        value=doublings(on_course, pace),
        expected=on_course,
        low=max(on_course / stray, last.value),
        high=max(on_course * stray, last.value),
        source=pace.source,
        kind=SignalKind.UPVOTES,
        votes=last.value,
        hours=hours,
        usual=pace.usual_at(hours),
        gained=_gained(readings),
        usual_gain=pace.usual_gain(hours),
    )


def _until(now: datetime, readings: Iterable[Signal]) -> list[Signal]:
    known = [reading for reading in readings if reading.observed_at <= now]
    return sorted(known, key=lambda reading: (reading.observed_at, reading.value))


def _age(paper: Paper, readings: Sequence[Signal], at: datetime) -> float:
    """Hours on the list when the votes were read: a paper does not age while nobody reads its votes."""
    start = paper.first_seen or paper.published or readings[0].observed_at
    if paper.listed:
        start = datetime.combine(paper.listed, time(), UTC)
    return max(0.0, (at - start) / timedelta(hours=1))


def _gained(readings: Sequence[Signal]) -> float | None:
    """What came in since yesterday: since the reading nearest to 24 hours before the last, if one is near."""
    last = readings[-1]
    near = [r for r in readings if DAY * 0.75 <= last.observed_at - r.observed_at <= DAY * 1.5]
    if not near:
        return None
    return last.value - min(near, key=lambda r: abs(last.observed_at - r.observed_at - DAY)).value
