"""Liked papers fall apart into groups only where they truly do, and a small group gets its share."""

from collections.abc import Sequence

import numpy as np
import pytest

from digest.ranking.bm25 import Floats
from digest.ranking.interest_groups import (
    FEWEST_SEEDS,
    FIRST,
    SHARED,
    groups,
    lifted,
    may_fall_apart,
    part,
    shared_out,
)
from digest.ranking.interests import Document, Interest

UNRELATED = 0.1


def liked(count: int) -> list[Document]:
    return [Document(f"Paper {n}\n", title=f"Paper {n}") for n in range(count)]


def alike(*sizes: int, within: float = 0.5, across: float = 0.05) -> Floats:
    """Groups of these sizes, one after the other."""
    owner = np.repeat(np.arange(len(sizes)), sizes)
    near = np.where(owner[:, None] == owner, within, across).astype(np.float32)
    np.fill_diagonal(near, 1)
    return near


def test_few_liked_papers_are_one_interest_however_much_was_typed() -> None:
    typed = [Document("sheep"), Document("goats")]
    assert not may_fall_apart([*typed, *liked(FEWEST_SEEDS - 1)])
    assert may_fall_apart(liked(FEWEST_SEEDS))
    assert groups(liked(5), alike(3, 2), unrelated=UNRELATED) == ()


@pytest.mark.parametrize(
    ("sizes", "found"),
    [
        ((3, 3), [3, 3]),
        ((5, 3), [5, 3]),
        ((6, 2), []),  # two papers are no interest of their own
        ((4, 2, 3), [4, 3]),
        ((7,), []),  # all about one thing
    ],
)
def test_three_papers_apart_from_the_others_are_a_group(sizes: Sequence[int], found: Sequence[int]) -> None:
    made = groups(liked(sum(sizes)), alike(*sizes), unrelated=UNRELATED)
    assert sorted(map(len, made), reverse=True) == found
    owner = np.repeat(np.arange(len(sizes)), sizes)
    assert all(len(set(owner[list(group)].tolist())) == 1 for group in made)
    assert all(len(set(group)) == len(group) for group in made)


@pytest.mark.parametrize(("across", "count"), [(0.115, 2), (0.125, 0)])
def test_groups_are_apart_when_hardly_more_alike_than_any_two_papers(across: float, count: int) -> None:
    """From 1.2 times the likeness of two unrelated papers on they belong together."""
    assert len(groups(liked(8), alike(4, 4, across=across), unrelated=UNRELATED)) == count


def test_a_group_is_called_after_the_paper_that_is_nearest_to_all_of_it() -> None:
    documents, near = [Document("typed"), *liked(6)], alike(1, 3, 3)
    near[2, 3] = near[3, 2] = near[2, 1] = near[1, 2] = 0.8
    first, second = sorted(groups(documents, near, unrelated=UNRELATED))
    assert first == (2, 1, 3)
    assert second == (6, 4, 5)  # equals by their text, so that the order they came in decides nothing
    made = part(Interest("Mine", tuple(documents)), first)
    assert (made.name, made.documents) == ("Paper 1", tuple(documents[place] for place in first))


def test_likeness_that_is_not_quite_exact_neither_stops_nor_changes_the_groups() -> None:
    near = alike(3, 3, across=-1e-7)
    near[0, 1] = 1.0000001
    assert sorted(groups(liked(6), near, unrelated=UNRELATED)) == [(0, 1, 2), (5, 3, 4)]


def test_behind_the_first_ten_the_part_with_the_fewest_papers_chooses_next() -> None:
    """Six of the first ten are of the first part, four of the second: it has two to catch up."""
    view = np.arange(40, 0, -1, dtype=np.float32)
    first, second = view.copy(), view - 0.5
    second[[1, 3, 5, 7]] += 1
    second[30:] += 100
    given = shared_out(view, [first, second])
    assert list(given.values()) == [1, 1, 0, 1, 0, 1, 0, 1, 0, 1]
    assert list(given) == [30, 31, 10, 32, 11, 33, 12, 34, 13, 35]


def test_nothing_is_shared_out_twice_nor_what_is_among_the_first_ten() -> None:
    view = np.arange(40, 0, -1, dtype=np.float32)
    given = shared_out(view, [view, view, view])
    assert list(given) == list(range(FIRST, FIRST + SHARED))


@pytest.mark.parametrize(("size", "shared"), [(0, 0), (10, 0), (11, 1), (14, 2), (29, 10), (300, 10)])
def test_ten_papers_are_shared_out_and_of_a_small_day_about_half_the_rest(size: int, shared: int) -> None:
    view = np.arange(size, 0, -1, dtype=np.float32)
    assert len(shared_out(view, [view, view])) == shared


def test_among_equals_the_paper_that_stands_first_is_taken() -> None:
    twins = np.array([1.0, 1.00001] * 30, np.float32)  # alike to four decimals
    assert list(shared_out(twins, [twins, twins])) == list(range(FIRST, FIRST + SHARED))


@pytest.mark.parametrize("places", [[17], [25, 12, 17], [11, 10]])
def test_what_was_shared_out_comes_right_behind_the_first_ten_in_its_order(places: list[int]) -> None:
    view = np.arange(40, 0, -1, dtype=np.float32)
    after = lifted(view, places)
    rest = [place for place in range(FIRST, 40) if place not in places]
    assert np.argsort(-after).tolist() == [*range(FIRST), *places, *rest]
    unmoved = [*range(FIRST), *rest]
    assert after[unmoved].tolist() == view[unmoved].tolist()
    assert np.diff([view[FIRST - 1], *after[places], view[FIRST]]) == pytest.approx(
        -1 / (len(places) + 1), abs=1e-5
    )
