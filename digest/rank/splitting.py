"""Which liked papers belong together? Groups by similarity, so that a small interest gets its share."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from digest.rank.interests import Document, Interest
from digest.rank.lexical import Floats

FEWEST_SEEDS = 6  # below this a reader's papers are one interest
SMALLEST_GROUP = 3  # papers
FIRST, SHARED = 10, 10  # papers: the nearest overall, and those shared out behind them
APART = 1.2  # groups less similar than this multiple of two unrelated papers are different interests


def split(interest: Interest, near: Floats, *, unrelated: float) -> tuple[Interest, ...]:
    """A named interest for each group that its liked papers fall apart into; none if they belong together.

    `near` holds the similarity of every document to every other; `unrelated` is that of any two papers.
    """
    liked = [place for place, document in enumerate(interest.documents) if document.title]
    if len(liked) < FEWEST_SEEDS:
        return ()
    groups = [[liked[place] for place in group] for group in _groups(near[np.ix_(liked, liked)], unrelated)]
    large = [group for group in groups if len(group) >= SMALLEST_GROUP]
    return tuple(_part(interest, group, near) for group in large) if len(large) > 1 else ()


def shared_out(view: Floats, parts: Sequence[Floats]) -> dict[int, int]:
    """Which papers follow the first ten, and for which part: the part with the fewest papers chooses next.

    The first ten are the nearest to everything the reader likes, which serves a large interest best;
    the ten behind them are where a small one gets its share.
    """
    order = np.argsort(-view, kind="stable")
    count = [0] * len(parts)
    for place in order[:FIRST]:
        count[int(np.argmax([part[place] for part in parts]))] += 1
    taken, given = set(order[:FIRST].tolist()), dict[int, int]()
    best = [iter(np.argsort(-part, kind="stable")[: FIRST + SHARED].tolist()) for part in parts]
    while len(given) < min(SHARED, len(view) - len(taken)):
        poorest = min(range(len(parts)), key=lambda each: (count[each], each))
        place = next((place for place in best[poorest] if place not in taken), None)
        count[poorest] += 1
        if place is None:
            break
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


def _part(interest: Interest, group: Sequence[int], near: Floats) -> Interest:
    documents = tuple(interest.documents[place] for place in group)
    central = max(group, key=lambda place: (float(near[place, group].sum()), interest.documents[place].text))
    return replace(interest, name=_name(interest.documents[central]), documents=documents)


def _name(central: Document) -> str:
    """A group is called after its most central paper."""
    return central.title


def _groups(near: Floats, unrelated: float) -> list[list[int]]:
    distances = 1 - np.clip((near + near.T) / 2, 0, 1).astype(np.float64)
    np.fill_diagonal(distances, 0)
    tree = hierarchy.average(squareform(distances, checks=False))
    labels = hierarchy.fcluster(tree, 1 - APART * unrelated, criterion="distance")
    return [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]
