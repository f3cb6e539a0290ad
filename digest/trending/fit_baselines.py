"""What is usual by now? The climate measured anew, from our own readings."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from math import log

import numpy as np

from digest.models import Signal, SignalKind
from digest.trending.baselines import Baselines, GrowthCurve
from digest.trending.heat import expected
from digest.trending.prior import VoteHistory, record_of

ENOUGH = 200  # papers, before a figure of ours replaces one that was shipped
RECENT = timedelta(days=28)
SETTLED = timedelta(days=3)  # by then the count says where it ends
AGES = (1, 2, 3, 5, 8, 10.5, 14, 18, 24, 36, 48, 72, 96, 120, 144, 168)
FINAL_AGE = 132  # hours: a last reading as late as this is as good as final
LAST_AGE = 180  # hours: a week, and a reading that came late
LEAST_SPREAD = 0.05

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Reached:
    """A count of a paper so many hours after it was listed, and the count it ended with."""

    hours: float
    count: float
    final: float


def rolled(climate: Baselines, past: Sequence[VoteHistory], today: date) -> Baselines:
    """The climate with the authors' record, and with what was usual in the last 28 days if that is enough."""
    climate = replace(climate, record=record_of(past))
    pace, *others = climate.paces
    last = [each.votes for each in past if each.paper.listed and _is_recent(each.paper.listed, today)]
    if len(last) < ENOUGH:
        return climate
    median, ceiling = (float(x) for x in np.quantile(last, (0.5, 0.995)))
    now = replace(pace, as_of=today, mean=float(np.mean(last)), median=median, ceiling=ceiling)
    return replace(climate, paces=(now, *others))


def refit(  # noqa: PLR0913  a source's pace is found from all of these
    listed: Mapping[str, date],
    signals: Mapping[str, Sequence[Signal]],
    *,
    source: str,
    kind: SignalKind,
    as_of: date,
    before: GrowthCurve | None = None,
) -> GrowthCurve | None:
    """The pace of a source from its readings of papers listed on known days.

    None while fewer than 200 papers were read from their first days to their last, or fewer than three
    ages are known. Ages that too few papers were read at are left to the points around them.
    """
    reached = [
        each for name, day in listed.items() for each in _reached(day, signals.get(name, ()), source, kind)
    ]
    by_age = {age: some for age, some in _by_age(reached).items() if len(some) >= ENOUGH}
    finals = [some[0].final for some in _per_paper(listed, signals, source, kind)]
    if len(finals) < ENOUGH or len(by_age) < 3:
        return None
    hours = [float(np.mean([each.hours for each in some])) for some in by_age.values()]
    grown = accumulate((_ratio(some) for some in by_age.values()), max)
    usual, crowded = ([_quantile(some, part) for some in by_age.values()] for part in (0.5, 0.95))
    pace = GrowthCurve(
        source=source,
        kind=kind,
        as_of=as_of,
        hours=(0, *hours),
        grown=(0, *grown),
        mean=float(np.mean(finals)),
        median=float(np.median(finals)),
        ceiling=float(np.quantile(finals, 0.995)),
        cohort_hours=(0, *hours),
        usual=(0, *usual),
        crowded=(before.crowded[0] if before else crowded[0], *crowded),
        spread_hours=tuple(hours),
        spread=(0.5,) * len(hours),
        spread_hot=(0.5,) * len(hours),
    )
    spread = [_spread(some, pace, above=0) for some in by_age.values()]
    hot = [_spread(some, pace, above=15) or calm for some, calm in zip(by_age.values(), spread, strict=True)]
    return replace(pace, spread=_falling(spread), spread_hot=_falling(hot))


def _is_recent(listed: date, today: date) -> bool:
    return today - RECENT - SETTLED <= listed <= today - SETTLED


def _per_paper(
    listed: Mapping[str, date], signals: Mapping[str, Sequence[Signal]], source: str, kind: SignalKind
) -> list[list[Reached]]:
    series = (_reached(day, signals.get(name, ()), source, kind) for name, day in listed.items())
    return [some for some in series if some]


def _reached(listed: date, readings: Iterable[Signal], source: str, kind: SignalKind) -> list[Reached]:
    """The readings of a paper that was followed to its end; none of any other."""
    start = datetime.combine(listed, time(), UTC)
    own = [
        ((each.observed_at - start) / timedelta(hours=1), each.value)
        for each in sorted(readings, key=lambda each: each.observed_at)
        if each.kind is kind and each.source == source
    ]
    late = [value for hours, value in own if FINAL_AGE <= hours <= 2 * FINAL_AGE]
    return [Reached(hours, value, late[0]) for hours, value in own if 0 < hours <= LAST_AGE] if late else []


def _by_age(reached: Iterable[Reached]) -> dict[float, list[Reached]]:
    ages: dict[float, list[Reached]] = defaultdict(list)
    for each in reached:
        ages[min(AGES, key=lambda age: abs(log(age) - log(max(each.hours, 0.1))))].append(each)
    return dict(sorted(ages.items()))


def _ratio(some: Sequence[Reached]) -> float:
    """The ratio of the sums: the mean of ratios would be made by papers with two votes."""
    return min(1.0, sum(each.count for each in some) / max(1.0, sum(each.final for each in some)))


def _quantile(some: Sequence[Reached], part: float) -> float:
    return float(np.quantile([each.count for each in some], part))


def _spread(some: Sequence[Reached], pace: GrowthCurve, *, above: float) -> float:
    """The sd of log(final / E); 0 when too few papers were on course for more than `above`."""
    courses = [(each.final, expected(each.count, each.hours, pace)) for each in some]
    strays = [log((final + 1) / (course + 1)) for final, course in courses if course > above]
    return float(np.std(strays)) if len(strays) >= ENOUGH / 10 else 0.0


def _falling(spread: Sequence[float]) -> tuple[float, ...]:
    """What is known does not become unknown again."""
    return tuple(accumulate((max(LEAST_SPREAD, each) for each in spread), min))
