"""In which order are found papers shown? By how well they match, how new they are, and how hot.

    found = likeness + 0.25 · 2^(-age / 180 days) + 0.25 · h / (h + 4)

`likeness` is the match relative to the best one (1), by its words alone or, where a model is at hand, by its
words and its meaning together, or by its meaning alone; h the heat in doublings above usual, at least 0. So
the words decide, and of papers that match about alike the new and the talked-about ones come first.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import TypeVar

from digest.models import Heat, Paper
from digest.models.papers import Match

K = 60  # the place at which a paper counts half as much as the first
Name = TypeVar("Name")


def fused(*rankings: Sequence[Name]) -> dict[Name, float]:
    """Everything that stands in any of the rankings (best first each), and how far up it belongs.

    1 for what is first in all of them, towards 0; what one ranking does not name gets nothing from it.
    """
    scores: dict[Name, float] = {}
    for ranking in rankings:
        for place, name in enumerate(ranking):
            scores[name] = scores.get(name, 0.0) + (K + 1) / (K + 1 + place) / len(rankings)
    return scores


NEW, HOT = 0.25, 0.25  # what being of today, and being as hot as anything, adds to a full match
FADES = timedelta(days=180)  # being new counts half after so long
WARM = 4.0  # doublings above usual at which heat counts half


def both_ways(
    matches: Sequence[Match], nearness: Mapping[str, float], near: Sequence[Paper] = ()
) -> list[Match]:
    """The matches, and papers near in meaning without the words, with their likeness from both rankings.

    `nearness` is by the paper's id, larger for nearer; matches without one follow in the order of their
    words, so that what holds the words best is always liker than what does not hold them.
    """
    by_words = [each.paper.id for each in sorted(matches, key=lambda match: -match.likeness)]
    others = {paper.id: paper for paper in near if paper.id not in {*by_words}}
    known = [each for each in (*by_words, *others) if each in nearness]
    unknown = [each for each in by_words if each not in nearness]
    by_meaning = [*sorted(known, key=lambda each: -nearness[each]), *unknown]
    likeness = fused(*filter(None, (by_words, by_meaning)))
    return [
        *(Match(match.paper, likeness[match.paper.id]) for match in matches),
        *(Match(paper, likeness[known], is_by_meaning=True) for known, paper in others.items()),
    ]


def found_order(matches: Sequence[Match], heat: Mapping[str, Heat], now: datetime) -> list[Match]:
    """What a search found, best first; what is equally good stays in the order it came in."""
    return sorted(matches, key=lambda match: -found(match, heat, now))


def found(match: Match, heat: Mapping[str, Heat], now: datetime) -> float:
    """How far up a paper belongs; one without a known heat is as usual."""
    doublings = max(0.0, heat[match.paper.id].value) if match.paper.id in heat else 0.0
    return match.likeness + NEW * _newness(match.paper, now) + HOT * doublings / (doublings + WARM)


def _newness(paper: Paper, now: datetime) -> float:
    """1 for a paper of this moment, 0 for one whose age nobody knows."""
    listed = datetime.combine(paper.listed, time(), UTC) if paper.listed else None
    known = [moment for moment in (paper.published, listed, paper.first_seen) if moment]
    if not known:
        return 0.0
    return float(0.5 ** (max(timedelta(), now - min(known)) / FADES))
