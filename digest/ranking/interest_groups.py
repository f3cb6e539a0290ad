"""Groups of similar liked papers within an interest, and the quota that gives a small group its share."""

from collections.abc import Sequence

import numpy as np

from digest.ranking.array_types import Floats
from digest.ranking.profile_documents import Document, Interest
from digest.ranking.profile_vectors import Groups

MIN_LIKED = 6  # liked papers; an interest with fewer is not split
MIN_GROUP_SIZE = 3  # papers
TOP_COUNT, QUOTA_COUNT = 10, 10  # the best papers overall, and the places behind them that groups share
DECIMALS = 4  # smaller differences count as equal: rounding of sums must not decide between identical papers
SPLIT_FACTOR = 1.2  # groups are split if less similar than this multiple of two unrelated papers


def has_enough_liked(documents: Sequence[Document]) -> bool:
    """Return True if an interest has enough liked papers to be split into groups."""
    return sum(1 for document in documents if document.title) >= MIN_LIKED


def find_groups(documents: Sequence[Document], similarity: Floats, *, mean_similarity: float) -> Groups:
    """Return the groups of an interest's liked papers as document indices, the central paper of each first.

    Empty if the papers belong together. *similarity* is that of each two documents, *mean_similarity* that of
    two unrelated papers.
    """
    if not has_enough_liked(documents):
        return ()
    liked = [index for index, document in enumerate(documents) if document.title]
    clusters = _cluster(similarity[np.ix_(liked, liked)], mean_similarity)
    groups = [[liked[member] for member in cluster] for cluster in clusters if len(cluster) >= MIN_GROUP_SIZE]
    if len(groups) < 2:
        return ()
    return tuple(_put_central_first(group, similarity, documents) for group in groups)


def build_group_interest(interest: Interest, group: Sequence[int]) -> Interest:
    """Return a group as an interest of its own, named after its central paper."""
    documents = tuple(interest.documents[index] for index in group)
    return Interest(documents[0].title, documents)


def assign_quota(scores: Floats, group_scores: Sequence[Floats]) -> dict[int, int]:
    """Return the papers that follow the top ten, in order, each with the group that it is taken for.

    The top ten are the best for the interest as a whole, which favours its large groups. Of the ten places
    behind them each goes to the best paper of the group that has fewest papers so far.
    """
    scores, group_scores = scores.round(DECIMALS), [row.round(DECIMALS) for row in group_scores]
    order = np.argsort(-scores, kind="stable")
    counts = [0] * len(group_scores)
    for index in order[:TOP_COUNT]:
        counts[int(np.argmax([row[index] for row in group_scores]))] += 1
    taken, quota = set(order[:TOP_COUNT].tolist()), dict[int, int]()
    best = [iter(np.argsort(-row, kind="stable")[: TOP_COUNT + QUOTA_COUNT].tolist()) for row in group_scores]
    while len(quota) < min(QUOTA_COUNT, len(scores) - len(taken)):
        smallest = min(range(len(group_scores)), key=lambda group: (counts[group], group))
        index = next(index for index in best[smallest] if index not in taken)
        counts[smallest] += 1
        taken.add(index)
        quota[index] = smallest
    return quota


def promote(scores: Floats, indices: Sequence[int]) -> Floats:
    """Return the scores with these papers raised to right behind the top ten, in this order."""
    descending = -np.sort(-scores)
    upper, lower = descending[TOP_COUNT - 1], descending[TOP_COUNT]
    promoted = scores.copy()
    promoted[list(indices)] = upper - (upper - lower) * np.arange(1, len(indices) + 1) / (len(indices) + 1)
    return np.maximum(promoted, scores)


def _put_central_first(
    group: Sequence[int], similarity: Floats, documents: Sequence[Document]
) -> tuple[int, ...]:
    central = max(group, key=lambda index: (float(similarity[index, group].sum()), documents[index].text))
    return central, *(index for index in group if index != central)


def _cluster(similarity: Floats, mean_similarity: float) -> list[list[int]]:
    """Return clusters by average linkage: the two most similar are merged while they are similar enough."""
    means = np.clip((similarity + similarity.T) / 2, 0, 1).astype(np.float64).round(DECIMALS)
    np.fill_diagonal(means, -1)  # no cluster is merged with itself, nor again after it was merged
    clusters = [[index] for index in range(len(means))]
    while len(means):
        one, other = sorted(divmod(int(means.argmax()), len(means)))
        if means[one, other] < SPLIT_FACTOR * mean_similarity:
            break
        sizes = len(clusters[one]), len(clusters[other])
        means[one] = np.average(means[[one, other]], axis=0, weights=sizes)
        means[:, one] = means[one]
        means[one, one] = means[other] = means[:, other] = -1
        clusters[one] += clusters[other]
        clusters[other] = []
    return [sorted(cluster) for cluster in clusters if cluster]
