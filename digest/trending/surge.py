"""How hot is a paper on a source too young for a growth curve? What it gained lately, among its peers.

Each gain counts half after 72 hours. A paper's heat is its place among all papers of the source: the
median is 0, the best of four is +1 doubling, the best of eight +2. With few papers nobody stands far out.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import log2

from digest.models import Signal, SignalKind

HALF_LIFE = timedelta(hours=72)
ARRIVES_WITH = frozenset({SignalKind.POINTS, SignalKind.UPVOTES})  # counts that start at 0 with the paper


def surge(readings: Sequence[Signal], at: datetime) -> float:
    """The gains of one count, oldest first, each halved every 72 hours until `at`."""
    gained, before = 0.0, None
    for reading in readings:
        since = reading.value - before if before is not None else _first(reading)
        gained += max(0.0, since) * 0.5 ** ((at - reading.observed_at) / HALF_LIFE)
        before = reading.value
    return gained


def standings(surges: Mapping[str, float]) -> dict[str, float]:
    """The heat of each paper in doublings above the median one, by its place among them."""
    ordered = sorted(surges.values())
    return {paper_id: _heat(ordered, gained) for paper_id, gained in surges.items()}


def last_read(readings: Iterable[Signal]) -> datetime:
    """When the source was last read at all: while it is silent, nothing on it cools."""
    return max(reading.observed_at for reading in readings)


def _first(reading: Signal) -> float:
    """A repository may be older than its paper: the stars it came with are no news."""
    return reading.value if reading.kind in ARRIVES_WITH else 0.0


def _heat(ordered: Sequence[float], gained: float) -> float:
    if gained <= 0:
        return -1.0
    above = len(ordered) - bisect_right(ordered, gained)
    equal = bisect_right(ordered, gained) - bisect_left(ordered, gained)
    return -log2((above + equal / 2 + 0.5) / (len(ordered) + 1)) - 1
