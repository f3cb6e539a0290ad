"""How many had voted by then? Five shapes in which attention arrives, as fractions of a week's votes."""

from collections.abc import Sequence
from itertools import pairwise

Curve = Sequence[tuple[float, float]]  # hours since the listing day began, fraction of the week's votes

CURVES: dict[str, Curve] = {
    "usual": ((0, 0), (3, 0.18), (8, 0.40), (10.5, 0.47), (24, 0.66), (48, 0.81), (72, 0.89), (168, 1)),
    "early": ((0, 0), (3, 0.35), (8, 0.60), (24, 0.86), (48, 0.94), (168, 1)),
    "late": ((0, 0), (3, 0.05), (8, 0.20), (24, 0.45), (48, 0.70), (96, 0.90), (168, 1)),
    "rocket": ((0, 0), (3, 0.20), (8, 0.46), (24, 0.74), (48, 0.90), (168, 1)),
    "sleeper": ((0, 0), (24, 0.50), (72, 0.85), (168, 1)),  # of the little it gets before it wakes
}
STORY: Curve = ((0, 0), (2, 0.35), (6, 0.75), (24, 1))  # Hacker News is quick
ASLEEP = 0.13  # of a sleeper's votes arrive whether or not it is ever discovered


def votes_at(hours: float, *, final: int, shape: str, wakes: float = 0.0) -> int:
    """Votes after so many hours, of a paper on its way to `final`; never falls, never exceeds it."""
    if shape != "sleeper":
        return round(final * fraction(CURVES[shape], hours))
    drowsy = ASLEEP * fraction(CURVES["sleeper"], hours)
    return round(final * (drowsy + (1 - ASLEEP) * fraction(CURVES["early"], hours - wakes)))


def fraction(curve: Curve, hours: float) -> float:
    """The share of the whole that has arrived, read between the curve's points."""
    if hours <= 0:
        return 0.0
    for (start, low), (end, high) in pairwise(curve):
        if hours <= end:
            return low + (high - low) * (hours - start) / (end - start)
    return 1.0
