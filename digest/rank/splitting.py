"""Which seed papers belong together? Groups by average similarity, so that a small interest is not drowned."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from digest.rank.interests import Document, Interest
from digest.rank.lexical import Floats

FEWEST_SEEDS = 6  # below this a reader's papers are one interest
SMALLEST_GROUP = 3  # papers
APART = 2.5  # groups less similar than this multiple of two unrelated papers are different interests


def split(interest: Interest, near: Floats, *, unrelated: float) -> tuple[Interest, ...]:
    """The interest itself, and beside it a named one for each group its papers fall apart into.

    `near` holds the similarity of every document to every other; `unrelated` is that of any two papers.
    """
    liked = [place for place, document in enumerate(interest.documents) if document.title]
    if len(liked) < FEWEST_SEEDS:
        return (interest,)
    groups = [[liked[place] for place in group] for group in _groups(near[np.ix_(liked, liked)], unrelated)]
    large = [group for group in groups if len(group) >= SMALLEST_GROUP]
    if len(large) < 2:
        return (interest,)
    return (interest, *(_part(interest, group, near) for group in large))


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
