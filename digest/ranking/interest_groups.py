"""Which liked papers belong together? Groups by similarity, so that a small interest gets its share."""

from collections.abc import Sequence

import numpy as np
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from digest.ranking.bm25 import Floats
from digest.ranking.interests import Document, Interest
from digest.ranking.profile_vectors import Groups

FEWEST_SEEDS = 6  # below this a reader's papers are one interest
SMALLEST_GROUP = 3  # papers
FIRST, SHARED = 10, 10  # papers: the nearest overall, and those shared out behind them
EXACT = 4  # decimals: what differs by less is equal, else the order of a sum would decide between twins
APART = 1.2  # groups less similar than this multiple of two unrelated papers are different interests


def may_fall_apart(documents: Sequence[Document]) -> bool:
    """Whether an interest has enough liked papers to be more than one."""
    return sum(1 for document in documents if document.title) >= FEWEST_SEEDS


def groups(documents: Sequence[Document], near: Floats, *, unrelated: float) -> Groups:
    """The groups that an interest's liked papers fall apart into, the central paper of each first.

    None if they belong together. `near` holds the similarity of every document to every other;
    `unrelated` is that of any two papers.
    """
    liked = [place for place, document in enumerate(documents) if document.title]
    if not may_fall_apart(documents):
        return ()
    found = [[liked[place] for place in group] for group in _groups(near[np.ix_(liked, liked)], unrelated)]
    large = [group for group in found if len(group) >= SMALLEST_GROUP]
    return tuple(_centred(group, near, documents) for group in large) if len(large) > 1 else ()


def part(interest: Interest, group: Sequence[int]) -> Interest:
    """A group as an interest of its own, called after its most central paper."""
    documents = tuple(interest.documents[place] for place in group)
    return Interest(documents[0].title, documents)


def shared_out(view: Floats, parts: Sequence[Floats]) -> dict[int, int]:
    """Which papers follow the first ten, and for which part: the part with the fewest papers chooses next.

    The first ten are the nearest to everything the reader likes, which serves a large interest best;
    the ten behind them are where a small one gets its share.
    """
    view, parts = view.round(EXACT), [part.round(EXACT) for part in parts]
    order = np.argsort(-view, kind="stable")
    count = [0] * len(parts)
    for place in order[:FIRST]:
        count[int(np.argmax([part[place] for part in parts]))] += 1
    taken, given = set(order[:FIRST].tolist()), dict[int, int]()
    best = [iter(np.argsort(-part, kind="stable")[: FIRST + SHARED].tolist()) for part in parts]
    while len(given) < min(SHARED, len(view) - len(taken)):
        poorest = min(range(len(parts)), key=lambda each: (count[each], each))
        place = next(place for place in best[poorest] if place not in taken)
        count[poorest] += 1
        taken.add(place)
        given[place] = poorest
    return given


def lifted(view: Floats, places: Sequence[int]) -> Floats:
    """The same view with these places right behind the first ten, in this order."""
    heights = -np.sort(-view)
    top, below = heights[FIRST - 1], heights[FIRST]
    raised = view.copy()
    raised[list(places)] = top - (top - below) * np.arange(1, len(places) + 1) / (len(places) + 1)
    return np.maximum(raised, view)


def _centred(group: Sequence[int], near: Floats, documents: Sequence[Document]) -> tuple[int, ...]:
    central = max(group, key=lambda place: (float(near[place, group].sum()), documents[place].text))
    return central, *(place for place in group if place != central)


def _groups(near: Floats, unrelated: float) -> list[list[int]]:
    distances = 1 - np.clip((near + near.T) / 2, 0, 1).astype(np.float64).round(EXACT)
    np.fill_diagonal(distances, 0)
    tree = hierarchy.average(squareform(distances, checks=False))
    labels = hierarchy.fcluster(tree, 1 - APART * unrelated, criterion="distance")
    return [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]
