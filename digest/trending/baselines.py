"""What is usual on a source? How fast attention comes in, and how much of it a paper gets.

The figures were measured on Hugging Face's daily papers, May 2025 to July 2026; `refit` (digest fit)
replaces them with those of the project's own readings.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from digest.models import SignalKind
from digest.trending.prior import NOBODY, Prior, PriorRecord, shipped


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthCurve:
    """How attention grows on one source, in hours since 00:00 UTC of the listing day.

    `grown` is the part of a paper's final (7-day) count that is there at each of `hours`; `usual` and
    `crowded` are the median and the 95th percentile of the count at each of `cohort_hours`.
    """

    source: str
    kind: SignalKind
    as_of: date
    hours: tuple[float, ...]
    grown: tuple[float, ...]
    mean: float  # mu: the mean final count of the last 28 days
    median: float  # M: their median
    ceiling: float  # their 99.5th percentile: no paper is said to be on course for more
    cohort_hours: tuple[float, ...]
    usual: tuple[float, ...]
    crowded: tuple[float, ...]
    spread_hours: tuple[float, ...]
    spread: tuple[float, ...]  # sd of log(final / E) at each of `spread_hours`
    spread_hot: tuple[float, ...]  # the same for papers with E > 15

    def grown_at(self, hours: float) -> float:
        """The part of the final count that is there after so many hours."""
        return between(hours, self.hours, self.grown)

    def usual_at(self, hours: float) -> float:
        """A usual paper's count at this age."""
        return between(hours, self.cohort_hours, self.usual)

    @property
    def bar(self) -> float:
        """The final count that one paper in twenty exceeds: what a week's best ten end with."""
        return self.crowded[-1]

    def usual_gain(self, hours: float) -> float:
        """What a usual paper of this age gained in the last 24 hours."""
        return self.median * (self.grown_at(hours) - self.grown_at(max(0.0, hours - 24)))

    def spread_at(self, hours: float, expected: float) -> float:
        """How far the final count strays from what was expected, as sd of its logarithm."""
        return between(hours, self.spread_hours, self.spread_hot if expected > 15 else self.spread)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baselines:
    """What is usual: on each source that has a curve of its own, and for papers without votes."""

    paces: tuple[GrowthCurve, ...]
    prior: Prior = field(default_factory=shipped)
    record: PriorRecord = NOBODY

    def pace_of(self, source: str, kind: SignalKind) -> GrowthCurve | None:
        """The source's own pace; a count that names no source is taken for the first source of its kind."""
        of_kind = [pace for pace in self.paces if pace.kind is kind]
        return next((pace for pace in of_kind if not source or pace.source == source), None)


def between(x: float, xs: Sequence[float], ys: Sequence[float]) -> float:
    """Read a curve given by points; flat beyond both ends."""
    if x <= xs[0]:
        return ys[0]
    for left, right, low, high in zip(xs, xs[1:], ys, ys[1:], strict=False):
        if x <= right:
            return low + (high - low) * (x - left) / (right - left)
    return ys[-1]


DEFAULT = Baselines(
    paces=(
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
