"""Baselines: the usual growth of attention on a source, and how much of it a paper gets.

The shipped figures were measured on Hugging Face's daily papers, May 2025 to July 2026. `digest fit`
replaces them by figures of the installation's own signals.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from digest.models import SignalKind
from digest.trending.prior import EMPTY_RECORD, Prior, PriorRecord, load_shipped_prior


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthCurve:
    """The growth of attention on one source, in hours since 00:00 UTC of the listing day.

    `grown` is the share of a paper's final (7-day) count that is reached at each of `hours`; `usual` and
    `crowded` are the median and the 95th percentile of the count at each of `cohort_hours`.
    """

    source: str
    kind: SignalKind
    as_of: date
    hours: tuple[float, ...]
    grown: tuple[float, ...]
    mean: float  # mu: the mean final count of the last 28 days
    median: float  # M: their median
    ceiling: float  # their 99.5th percentile: no forecast is higher
    cohort_hours: tuple[float, ...]
    usual: tuple[float, ...]
    crowded: tuple[float, ...]
    spread_hours: tuple[float, ...]
    spread: tuple[float, ...]  # sd of log(final / E) at each of `spread_hours`
    spread_hot: tuple[float, ...]  # the same for papers with E > 15

    def reached_share_at(self, hours: float) -> float:
        """Return the share of the final count that is reached after so many hours."""
        return interpolate(hours, self.hours, self.grown)

    def usual_at(self, hours: float) -> float:
        """Return the count of a usual (median) paper at this age."""
        return interpolate(hours, self.cohort_hours, self.usual)

    @property
    def top_threshold(self) -> float:
        """The final count that one paper in twenty exceeds, about the ten best of a week."""
        return self.crowded[-1]

    def usual_gain_at(self, hours: float) -> float:
        """Return what a usual paper of this age gained in the last 24 hours."""
        return self.median * (self.reached_share_at(hours) - self.reached_share_at(max(0.0, hours - 24)))

    def spread_at(self, hours: float, expected: float) -> float:
        """Return the standard deviation of log(final count / *expected*) at this age."""
        return interpolate(hours, self.spread_hours, self.spread_hot if expected > 15 else self.spread)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baselines:
    """Growth curves of the sources that have one, and the prior for papers without votes."""

    curves: tuple[GrowthCurve, ...]
    prior: Prior = field(default_factory=load_shipped_prior)
    record: PriorRecord = EMPTY_RECORD

    @property
    def listing_curve(self) -> GrowthCurve:
        """The curve of the source that lists papers: the first."""
        return self.curves[0]

    def get_curve(self, source: str, kind: SignalKind) -> GrowthCurve | None:
        """Return the source's own curve or None. An empty *source* means the first of that kind."""
        curves = (curve for curve in self.curves if curve.kind is kind)
        return next((curve for curve in curves if not source or curve.source == source), None)


def interpolate(x: float, xs: Sequence[float], ys: Sequence[float]) -> float:
    """Interpolate linearly between points; flat beyond both ends."""
    right = bisect_left(xs, x)
    if right in {0, len(xs)}:
        return ys[min(right, len(xs) - 1)]
    low = ys[right - 1]
    return low + (ys[right] - low) * (x - xs[right - 1]) / (xs[right] - xs[right - 1])


DEFAULT_BASELINES = Baselines(
    curves=(
        GrowthCurve(
            source="huggingface",
            kind=SignalKind.UPVOTES,
            as_of=date(2026, 7, 31),
            hours=(0, 3, 8, 10.5, 24, 48, 72, 96, 120, 144, 168, 336, 720),
            grown=(0, 0.175, 0.40, 0.47, 0.66, 0.81, 0.885, 0.92, 0.95, 0.975, 1.0, 1.07, 1.12),
            mean=18.0,
            median=8.4,
            ceiling=245.0,
            cohort_hours=(0, 3, 8, 11, 24, 168),
            usual=(0, 3, 5, 5, 5, 8.4),
            crowded=(10, 30, 50, 55, 67, 84),
            spread_hours=(3, 8, 24, 48, 72, 168),
            spread=(0.75, 0.59, 0.45, 0.30, 0.20, 0.08),
            spread_hot=(0.60, 0.40, 0.23, 0.16, 0.12, 0.06),
        ),
    ),
)
