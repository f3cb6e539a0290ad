"""How hot is a paper? The final votes it is on course for, in doublings above a usual paper.

    E    = (v + a) / (G(h) + a / mu)    v votes after h hours; G: the part that is usually there by then
    heat = log2((E + 1) / (M + 1))      M: what a usual paper ends with

No decay: age is in the curve. A paper does not age while nobody reads its votes. docs/trending.md has
the whole of it with the measurements.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from math import exp, log2, sqrt

from digest.models import Heat, Paper, Sent, Signal, SignalKind
from digest.trending.baselines import DEFAULT, Baselines, GrowthCurve
from digest.trending.breakout import broken_out
from digest.trending.prior import promised
from digest.trending.surge import last_read, standings, surge

SHRINKAGE = 2.0  # a: how many votes the usual weighs against a paper's own
CAUTION = 6.0  # the same, for the order of the list
DOUBT = 8.0  # the same, for papers above the bar that nothing but votes speaks for
NUDGE = 0.1  # of the content's promise, in the order of the list, while votes are still to come
UNLISTED = 0.1  # of the usual: no voting source has put the paper on its list
SECOND = 0.25  # what each further source adds
SILENT = frozenset({SignalKind.COMMENTS, SignalKind.CITATIONS})  # they say nothing about this week
SUPPORTING = frozenset(
    {SignalKind.STARS}
)  # adds to a paper's heat, never makes it; orders no list (measured)
DAY = timedelta(hours=24)

Readings = Sequence[Signal]


def heat_of(
    papers: Sequence[Paper],
    signals: Mapping[str, Sequence[Signal]],
    now: datetime,
    *,
    climate: Baselines = DEFAULT,
    sent: Mapping[str, Sent] | None = None,
) -> dict[str, Heat]:
    """How hot every paper is at `now`; readings made later do not exist yet.

    With `sent`, papers that broke out since they were sent say so.
    """
    known = {paper.id: _known(signals.get(paper.id, ()), now, climate) for paper in papers}
    elsewhere = _elsewhere(known, climate)
    heat = {
        paper.id: _together(
            _voted(paper, known[paper.id].votes, climate, now), elsewhere.get(paper.id, {}), climate.paces[0]
        )
        for paper in papers
    }
    return heat | broken_out(heat, sent) if sent else heat


def trending_order(papers: Iterable[Paper], heat: Mapping[str, Heat]) -> list[Paper]:
    """The list as everyone sees it, the hottest first; equally hot papers by their promise, then by id."""
    return sorted(papers, key=lambda paper: (*hotness(heat[paper.id]), paper.id))


def hotness(heat: Heat) -> tuple[float, float]:
    """What the trending list is sorted by, smallest first."""
    return (-(heat.value if heat.order is None else heat.order), -heat.expected)


def expected(votes: float, hours: float, pace: GrowthCurve, *, shrinkage: float = SHRINKAGE) -> float:
    """E: the final votes a paper with so many votes after so many hours is on course for."""
    return (votes + shrinkage) / (pace.grown_at(hours) + shrinkage / pace.mean)


def doublings(final: float, pace: GrowthCurve) -> float:
    """So many final votes, in doublings above a usual paper of the source."""
    return log2((final + 1) / (pace.median + 1))


@dataclass(frozen=True, slots=True)
class _Known:
    """A paper's readings so far: the votes of the source that lists papers, and all other counts."""

    votes: Readings
    others: Mapping[tuple[str, SignalKind], Readings]


def _known(readings: Iterable[Signal], now: datetime, climate: Baselines) -> _Known:
    votes: list[Signal] = []
    others: dict[tuple[str, SignalKind], list[Signal]] = defaultdict(list)
    for reading in sorted(readings, key=lambda reading: (reading.observed_at, reading.value)):
        if reading.observed_at > now or reading.kind in SILENT:
            continue
        if climate.pace_of(reading.source, reading.kind) is climate.paces[0]:
            votes.append(reading)
        else:
            others[reading.source, reading.kind].append(reading)
    return _Known(votes, others)


def _voted(paper: Paper, readings: Readings, climate: Baselines, now: datetime) -> Heat:
    """The heat a paper has from the votes of the source that lists it, or from what it promises."""
    promise = climate.prior.promise(paper, climate.record)
    if readings:
        heat = _measured(paper, readings, climate, promise)
        # A gain of days ago is not one since yesterday: when votes go unread, nothing is said of it.
        return heat if now - readings[-1].observed_at <= DAY / 2 else replace(heat, gained=None)
    return _promised(paper, climate, promise)


def _promised(paper: Paper, climate: Baselines, promise: float) -> Heat:
    """No votes: what authors, code and topic promise. Nobody's list has it: usual at best."""
    pace = climate.paces[0]
    final = promised(pace.mean, promise)
    if paper.listed is None:
        final = min(pace.median, UNLISTED * final)
    return Heat(
        value=doublings(final, pace),
        expected=final,
        order=_order(final, 0.0, pace),
        content_prior=True,
        author_votes=climate.record.votes_of(paper),
    )


def _measured(paper: Paper, readings: Readings, climate: Baselines, promise: float) -> Heat:
    last = readings[-1]
    pace = climate.paces[0]
    hours = _age(paper, readings)
    stands_out = expected(last.value, hours, pace) > pace.bar
    doubted = stands_out and promise < climate.prior.lowest_quartile
    final = _on_course(last.value, hours, pace, SHRINKAGE, doubted=doubted)
    sure = _on_course(last.value, hours, pace, CAUTION, doubted=doubted)
    stray = exp(pace.spread_at(hours, final))
    return Heat(
        value=doublings(min(final, pace.ceiling), pace),
        expected=final,
        low=max(final / stray, last.value),
        high=max(final * stray, last.value),
        source=pace.source,
        kind=last.kind,
        votes=last.value,
        hours=hours,
        usual=pace.usual_at(hours),
        gained=_gained(readings),
        usual_gain=pace.usual_gain(hours),
        author_votes=climate.record.votes_of(paper),
        order=_order(sure * exp(NUDGE * promise * _still_to_come(hours, pace)), hours, pace),
        is_doubted=doubted,
    )


def _on_course(votes: float, hours: float, pace: GrowthCurve, shrinkage: float, *, doubted: bool) -> float:
    """E; what takes a doubted paper above the bar weighs less, but more votes never lower it."""
    plain = expected(votes, hours, pace, shrinkage=shrinkage)
    if not doubted:
        return plain
    return max(min(plain, pace.bar), expected(votes, hours, pace, shrinkage=DOUBT))


def _order(final: float, hours: float, pace: GrowthCurve) -> float:
    """Doublings above the bar of a week's best; below it, the older the forecast the less is hoped of it."""
    above = log2((final + 1) / (pace.bar + 1))
    if above >= 0:
        return above
    fresh, now = pace.spread_at(0, 0), pace.spread_at(hours, 0)
    return above * sqrt(fresh / now)


def _still_to_come(hours: float, pace: GrowthCurve) -> float:
    return max(0.0, 1 - pace.grown_at(hours))


def _age(paper: Paper, readings: Readings) -> float:
    """Hours on the list when the votes were last read: unread, a paper does not age."""
    start = paper.first_seen or paper.published or readings[0].observed_at
    if paper.listed:
        start = datetime.combine(paper.listed, time(), UTC)
    return max(0.0, (readings[-1].observed_at - start) / timedelta(hours=1))


def _gained(readings: Readings) -> float | None:
    """What came in since yesterday: since the reading nearest to 24 hours before the last, if one is near."""
    last = readings[-1]
    near = [each for each in readings if DAY * 0.75 <= last.observed_at - each.observed_at <= DAY * 1.5]
    if not near:
        return None
    return last.value - min(near, key=lambda each: abs(last.observed_at - each.observed_at - DAY)).value


def _elsewhere(known: Mapping[str, _Known], climate: Baselines) -> dict[str, dict[Signal, float]]:
    """The heat each paper has on each further source, under its last reading there."""
    counts: dict[tuple[str, SignalKind], dict[str, Readings]] = defaultdict(dict)
    for paper_id, each in known.items():
        for count, readings in each.others.items():
            counts[count][paper_id] = readings
    heat: dict[str, dict[Signal, float]] = defaultdict(dict)
    for count, of_papers in counts.items():
        for paper_id, doubled in _standings(of_papers, climate.pace_of(*count)).items():
            heat[paper_id][of_papers[paper_id][-1]] = doubled
    return heat


def _standings(of_papers: Mapping[str, Readings], pace: GrowthCurve | None) -> dict[str, float]:
    """On one source: by its own curve, or, while it is too young for one, by what was gained lately."""
    if pace:
        return {paper_id: _paced(readings, pace) for paper_id, readings in of_papers.items()}
    at = last_read(reading for readings in of_papers.values() for reading in readings)
    return standings({paper_id: surge(readings, at) for paper_id, readings in of_papers.items()})


def _paced(readings: Readings, pace: GrowthCurve) -> float:
    start = datetime.combine(readings[0].observed_at, time(), UTC)
    hours = (readings[-1].observed_at - start) / timedelta(hours=1)
    return doublings(min(pace.ceiling, expected(readings[-1].value, hours, pace)), pace)


def _together(own: Heat, elsewhere: Mapping[Signal, float], pace: GrowthCurve) -> Heat:
    """The greatest heat, and a quarter of every other one that is above the usual."""
    best = max(
        (last for last in elsewhere if last.kind not in SUPPORTING),
        key=lambda last: (elsewhere[last], last.source),
        default=None,
    )
    if best is None or elsewhere[best] <= own.value:
        order = (own.order or 0.0) + _more(h for last, h in elsewhere.items() if last.kind not in SUPPORTING)
        return replace(own, value=own.value + _more(elsewhere.values()), order=order)
    rest = [heat for last, heat in elsewhere.items() if last is not best]
    value = elsewhere[best] + _more([*rest, own.value])
    return Heat(
        value=value,
        expected=own.expected,
        source=best.source,
        kind=best.kind,
        votes=best.value,
        order=value - doublings(pace.bar, pace),
        author_votes=own.author_votes,
        is_doubted=own.is_doubted,
    )


def _more(heat: Iterable[float]) -> float:
    return SECOND * sum(sorted(each for each in heat if each > 0))
