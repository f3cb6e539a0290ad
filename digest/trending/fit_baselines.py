"""Fitting of baselines and growth curves to the signals of this installation."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate, chain
from math import log

import numpy as np

from digest.models import Signal, SignalKind
from digest.trending.baselines import Baselines, GrowthCurve
from digest.trending.heat import forecast_final_votes
from digest.trending.prior import VoteHistory, build_prior_record

MIN_PAPERS = 200  # below it the shipped figures stay in use
RECENT_WINDOW = timedelta(days=28)
SETTLING_TIME = timedelta(days=3)  # after the listing; then the count says where it ends
AGES = (1, 2, 3, 5, 8, 10.5, 14, 18, 24, 36, 48, 72, 96, 120, 144, 168)
FINAL_AGE = 132  # hours; a signal as late as this counts as final
LAST_AGE = 180  # hours; a week, and some delay
MIN_SPREAD = 0.05


@dataclass(frozen=True, slots=True)
class CountSample:
    """A paper's count so many hours after its listing day began, and its final count."""

    hours: float
    count: float
    final: float


def update_baselines(baselines: Baselines, histories: Sequence[VoteHistory], today: date) -> Baselines:
    """Return the baselines with the authors' track records and, given enough papers, the last 28 days."""
    baselines = replace(baselines, record=build_prior_record(histories))
    curve, *others = baselines.curves
    votes = [past.votes for past in histories if past.paper.listed and _is_recent(past.paper.listed, today)]
    if len(votes) < MIN_PAPERS:
        return baselines
    median, ceiling = (float(x) for x in np.quantile(votes, (0.5, 0.995)))
    now = replace(curve, as_of=today, mean=float(np.mean(votes)), median=median, ceiling=ceiling)
    return replace(baselines, curves=(now, *others))


def fit_growth_curve(  # noqa: PLR0913  a growth curve depends on all of these
    listed: Mapping[str, date],
    signals: Mapping[str, Sequence[Signal]],
    *,
    source: str,
    kind: SignalKind,
    as_of: date,
    before: GrowthCurve | None = None,
) -> GrowthCurve | None:
    """Fit the growth curve of a source to *signals* of papers, by the day each was *listed*.

    None if fewer than 200 papers have a final count, or fewer than three ages have enough papers. Ages with
    too few papers get no point. *before* gives the 95th percentile at hour 0, which no signal can show.
    """
    by_paper = [
        samples
        for paper_id, day in listed.items()
        if (samples := _sample_counts(day, signals.get(paper_id, ()), source, kind))
    ]
    by_age = [samples for samples in _group_by_age(by_paper) if len(samples) >= MIN_PAPERS]
    finals = [samples[0].final for samples in by_paper]
    if len(finals) < MIN_PAPERS or len(by_age) < 3:
        return None
    hours = [float(np.mean([sample.hours for sample in samples])) for samples in by_age]
    grown = accumulate((_compute_grown_share(samples) for samples in by_age), max)
    counts = [[sample.count for sample in samples] for samples in by_age]
    usual, crowded = ([float(np.quantile(each, part)) for each in counts] for part in (0.5, 0.95))
    curve = GrowthCurve(
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
    spread = [_compute_spread(samples, curve, above=0) for samples in by_age]
    hot = [
        _compute_spread(samples, curve, above=15) or usual
        for samples, usual in zip(by_age, spread, strict=True)
    ]
    return replace(curve, spread=_make_falling(spread), spread_hot=_make_falling(hot))


def _is_recent(listed: date, today: date) -> bool:
    return today - RECENT_WINDOW - SETTLING_TIME <= listed <= today - SETTLING_TIME


def _sample_counts(
    listed: date, signals: Iterable[Signal], source: str, kind: SignalKind
) -> list[CountSample]:
    """Return the counts of a paper by age; empty if it has no final count."""
    start = datetime.combine(listed, time(), UTC)
    counts = [
        ((signal.observed_at - start) / timedelta(hours=1), signal.value)
        for signal in sorted(signals, key=lambda signal: signal.observed_at)
        if signal.kind is kind and signal.source == source
    ]
    late = [value for hours, value in counts if FINAL_AGE <= hours <= 2 * FINAL_AGE]
    if not late:
        return []
    return [CountSample(hours, value, late[0]) for hours, value in counts if 0 < hours <= LAST_AGE]


def _group_by_age(by_paper: Iterable[Iterable[CountSample]]) -> list[list[CountSample]]:
    """Group all samples by the nearest of AGES on a logarithmic scale; youngest first, no empty groups."""
    groups: dict[float, list[CountSample]] = defaultdict(list)
    for sample in chain.from_iterable(by_paper):
        groups[min(AGES, key=lambda age: abs(log(age) - log(max(sample.hours, 0.1))))].append(sample)
    return [samples for _, samples in sorted(groups.items())]


def _compute_grown_share(samples: Sequence[CountSample]) -> float:
    """Return the ratio of the sums: papers with two votes would dominate a mean of ratios."""
    final = sum(sample.final for sample in samples)
    return min(1.0, sum(sample.count for sample in samples) / max(1.0, final))


def _compute_spread(samples: Sequence[CountSample], curve: GrowthCurve, *, above: float) -> float:
    """Return the sd of log(final / E); 0 if too few papers have a forecast E greater than *above*."""
    forecasts = [
        (sample.final, forecast_final_votes(sample.count, sample.hours, curve)) for sample in samples
    ]
    errors = [log((final + 1) / (forecast + 1)) for final, forecast in forecasts if forecast > above]
    return float(np.std(errors)) if len(errors) >= MIN_PAPERS / 10 else 0.0


def _make_falling(spread: Sequence[float]) -> tuple[float, ...]:
    """Make the spread fall with age: what is known does not become unknown again."""
    return tuple(accumulate((max(MIN_SPREAD, value) for value in spread), min))
