"""Order of search results: by how well they match, how new they are and how hot.

    score = similarity + 0.25 · 2^(-age / 180 days) + 0.25 · h / (h + 4)

`similarity` is the match relative to the best one (1): by its words, by words and meaning together where an
embedding model is available, or by meaning alone. h is the heat in doublings above usual, at least 0. So the
words decide, and of papers that match about equally well new and much discussed ones come first.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import TypeVar

from digest.models import Heat, Paper
from digest.models.papers import Match

RRF_K = 60  # constant of reciprocal rank fusion: the rank at which an item counts half as much as the first
RECENCY_WEIGHT, HEAT_WEIGHT = 0.25, 0.25  # what a paper of today, or an extremely hot one, gains
RECENCY_HALF_LIFE = timedelta(days=180)
HALF_HEAT = 4.0  # doublings above usual at which heat counts half

Item = TypeVar("Item")


def sort_matches(matches: Sequence[Match], heat: Mapping[str, Heat], now: datetime) -> list[Match]:
    """Return the results of a search, best first; equally good ones keep their order."""
    return sorted(matches, key=lambda match: -compute_match_score(match, heat, now))


def compute_match_score(match: Match, heat: Mapping[str, Heat], now: datetime) -> float:
    """Return the score by which results are ordered; a paper that is not in *heat* is as hot as usual."""
    doublings = max(0.0, heat[match.paper.id].value) if match.paper.id in heat else 0.0
    recency = _compute_recency(match.paper, now)
    return match.similarity + RECENCY_WEIGHT * recency + HEAT_WEIGHT * doublings / (doublings + HALF_HEAT)


def fuse_matches(
    matches: Sequence[Match], cosines: Mapping[str, float], semantic: Sequence[Paper] = ()
) -> list[Match]:
    """Return the matches by words and *semantic* papers, with their similarity from both rankings.

    *cosines* are by paper id. Matches without one follow the others in the order of their words, so that the
    best match by words is always ahead of papers that match by meaning alone.
    """
    by_words = [match.paper.id for match in sorted(matches, key=lambda match: -match.similarity)]
    added = {paper.id: paper for paper in semantic if paper.id not in {*by_words}}
    with_cosine = [paper_id for paper_id in (*by_words, *added) if paper_id in cosines]
    without_cosine = [paper_id for paper_id in by_words if paper_id not in cosines]
    by_meaning = [*sorted(with_cosine, key=lambda paper_id: -cosines[paper_id]), *without_cosine]
    similarity = fuse_rankings(*filter(None, (by_words, by_meaning)))
    return [
        *(Match(match.paper, similarity[match.paper.id]) for match in matches),
        *(Match(paper, similarity[paper_id], is_semantic=True) for paper_id, paper in added.items()),
    ]


def fuse_rankings(*rankings: Sequence[Item]) -> dict[Item, float]:
    """Return a score for each item of several rankings (each best first), by reciprocal rank fusion.

    1 for an item that is first in all of them, towards 0; a ranking without the item adds nothing.
    """
    scores: dict[Item, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking):
            scores[item] = scores.get(item, 0.0) + (RRF_K + 1) / (RRF_K + 1 + rank) / len(rankings)
    return scores


def _compute_recency(paper: Paper, now: datetime) -> float:
    """Return 1 for a paper of this moment, towards 0 with age; 0 if its age is unknown."""
    listed = datetime.combine(paper.listed, time(), UTC) if paper.listed else None
    times = [moment for moment in (paper.published, listed, paper.first_seen) if moment]
    if not times:
        return 0.0
    return float(0.5 ** (max(timedelta(), now - min(times)) / RECENCY_HALF_LIFE))
