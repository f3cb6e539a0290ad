"""Two rankings of a search, by words and by meaning: how do they become one?

Reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009): 1 / (60 + rank) from each ranking, summed. It
asks nothing of the scores but their order, so a cosine and a count of words can be added.
"""

from collections.abc import Sequence
from typing import TypeVar

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
