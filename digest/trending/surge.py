"""Heat on sources without a growth curve: recent gains, ranked among all papers of the source.

Each gain counts half after 72 hours. A paper's heat follows from its rank: the median is 0, the best of
four is +1 doubling, the best of eight +2. Among few papers none gets far from 0.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import log2

from digest.models import Signal, SignalKind

HALF_LIFE = timedelta(hours=72)
STARTS_AT_ZERO = frozenset({SignalKind.POINTS, SignalKind.UPVOTES})  # counts that start at 0 with the paper


def compute_surge(readings: Sequence[Signal], at: datetime) -> float:
    """Return the sum of the gains of one count, each halved every 72 hours until *at*.

    *readings* are the signals of one source and kind, oldest first.
    """
    gained, before = 0.0, None
    for reading in readings:
        gain = reading.value - before if before is not None else _get_first_gain(reading)
        gained += max(0.0, gain) * 0.5 ** ((at - reading.observed_at) / HALF_LIFE)
        before = reading.value
    return gained


def to_heat_by_rank(surges: Mapping[str, float]) -> dict[str, float]:
    """Return the heat of each paper, in doublings above the median one, from its rank."""
    ordered = sorted(surges.values())
    return {paper_id: _rank_heat(ordered, gained) for paper_id, gained in surges.items()}


def _get_first_gain(reading: Signal) -> float:
    """Return 0 for stars: a repository may be older than its paper, so the first count is no recent gain."""
    return reading.value if reading.kind in STARTS_AT_ZERO else 0.0


def _rank_heat(ordered: Sequence[float], gained: float) -> float:
    if gained <= 0:
        return -1.0
    above = len(ordered) - bisect_right(ordered, gained)
    equal = bisect_right(ordered, gained) - bisect_left(ordered, gained)
    return -log2((above + equal / 2 + 0.5) / (len(ordered) + 1)) - 1
