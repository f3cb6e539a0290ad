"""Groups of liked papers and the quota of each group."""

from collections.abc import Sequence

import numpy as np
import pytest

from digest.ranking.array_types import Floats
from digest.ranking.interest_groups import (
    MIN_LIKED,
    QUOTA_COUNT,
    TOP_COUNT,
    assign_quota,
    build_group_interest,
    find_groups,
    has_enough_liked,
    promote,
)
from digest.ranking.profile_documents import Document, Interest

MEAN_SIMILARITY = 0.1


def make_liked(count: int) -> list[Document]:
    return [Document(f"Paper {n}\n", title=f"Paper {n}") for n in range(count)]


def make_similarity(*sizes: int, inside: float = 0.5, across: float = 0.05) -> Floats:
    """Return the similarity matrix of groups of these sizes, one after the other."""
    owner = np.repeat(np.arange(len(sizes)), sizes)
    similarity = np.where(owner[:, None] == owner, inside, across).astype(np.float32)
    np.fill_diagonal(similarity, 1)
    return similarity


def test_few_liked_papers_are_not_split() -> None:
    typed = [Document("sheep"), Document("goats")]
    assert not has_enough_liked([*typed, *make_liked(MIN_LIKED - 1)])
    assert has_enough_liked(make_liked(MIN_LIKED))
    assert find_groups(make_liked(5), make_similarity(3, 2), mean_similarity=MEAN_SIMILARITY) == ()


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ((3, 3), [3, 3]),
        ((5, 3), [5, 3]),
        ((6, 2), []),  # two papers are too few for a group
        ((4, 2, 3), [4, 3]),
        ((7,), []),  # all about one thing
    ],
)
def test_three_papers_unlike_the_others_form_a_group(sizes: Sequence[int], expected: Sequence[int]) -> None:
    result = find_groups(make_liked(sum(sizes)), make_similarity(*sizes), mean_similarity=MEAN_SIMILARITY)
    assert sorted(map(len, result), reverse=True) == expected
    owner = np.repeat(np.arange(len(sizes)), sizes)
    assert all(len(set(owner[list(group)].tolist())) == 1 for group in result)
    assert all(len(set(group)) == len(group) for group in result)


@pytest.mark.parametrize(("across", "count"), [(0.115, 2), (0.125, 0)])
def test_groups_are_split_below_a_multiple_of_the_mean_similarity(across: float, count: int) -> None:
    """From 1.2 times the similarity of two unrelated papers they belong together."""
    assert (
        len(find_groups(make_liked(8), make_similarity(4, 4, across=across), mean_similarity=MEAN_SIMILARITY))
        == count
    )


def test_group_is_named_after_its_central_paper() -> None:
    documents, similarity = [Document("typed"), *make_liked(6)], make_similarity(1, 3, 3)
    similarity[2, 3] = similarity[3, 2] = similarity[2, 1] = similarity[1, 2] = 0.8
    first, second = sorted(find_groups(documents, similarity, mean_similarity=MEAN_SIMILARITY))
    assert first == (2, 1, 3)
    assert second == (6, 4, 5)  # ties by text, so that their order decides nothing
    interest = build_group_interest(Interest("Mine", tuple(documents)), first)
    assert (interest.name, interest.documents) == ("Paper 1", tuple(documents[index] for index in first))


def test_rounding_errors_do_not_change_the_groups() -> None:
    similarity = make_similarity(3, 3, across=-1e-7)
    similarity[0, 1] = 1.0000001
    assert sorted(find_groups(make_liked(6), similarity, mean_similarity=MEAN_SIMILARITY)) == [
        (0, 1, 2),
        (5, 3, 4),
    ]


def test_behind_the_top_ten_the_smallest_group_comes_next() -> None:
    """Six of the first ten are of the first group, four of the second: so the second is two behind."""
    scores = np.arange(40, 0, -1, dtype=np.float32)
    first, second = scores.copy(), scores - 0.5
    second[[1, 3, 5, 7]] += 1
    second[30:] += 100
    quota = assign_quota(scores, [first, second])
    assert list(quota.values()) == [1, 1, 0, 1, 0, 1, 0, 1, 0, 1]
    assert list(quota) == [30, 31, 10, 32, 11, 33, 12, 34, 13, 35]


def test_quota_repeats_no_paper_and_none_of_the_top_ten() -> None:
    scores = np.arange(40, 0, -1, dtype=np.float32)
    quota = assign_quota(scores, [scores, scores, scores])
    assert list(quota) == list(range(TOP_COUNT, TOP_COUNT + QUOTA_COUNT))


@pytest.mark.parametrize(("size", "count"), [(0, 0), (10, 0), (11, 1), (14, 2), (29, 10), (300, 10)])
def test_quota_has_ten_papers_at_most(size: int, count: int) -> None:
    scores = np.arange(size, 0, -1, dtype=np.float32)
    assert len(assign_quota(scores, [scores, scores])) == count


def test_ties_are_taken_in_order() -> None:
    twins = np.array([1.0, 1.00001] * 30, np.float32)  # equal to four decimals
    assert list(assign_quota(twins, [twins, twins])) == list(range(TOP_COUNT, TOP_COUNT + QUOTA_COUNT))


@pytest.mark.parametrize("indices", [[17], [25, 12, 17], [11, 10]])
def test_promote_puts_papers_right_behind_the_top_ten_in_order(indices: list[int]) -> None:
    scores = np.arange(40, 0, -1, dtype=np.float32)
    promoted = promote(scores, indices)
    rest = [index for index in range(TOP_COUNT, 40) if index not in indices]
    assert np.argsort(-promoted).tolist() == [*range(TOP_COUNT), *indices, *rest]
    unmoved = [*range(TOP_COUNT), *rest]
    assert promoted[unmoved].tolist() == scores[unmoved].tolist()
    assert np.diff([scores[TOP_COUNT - 1], *promoted[indices], scores[TOP_COUNT]]) == pytest.approx(
        -1 / (len(indices) + 1), abs=1e-5
    )
