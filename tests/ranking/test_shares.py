"""The places of a mail are shared: no interest goes without, and no paper is told twice in other words."""

from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.ranking.bm25 import Floats
from digest.ranking.shares import shared, various


def alike(size: int, *pairs: tuple[int, int, float], usual: float = 0.0) -> Floats:
    table = np.full((size, size), usual, np.float32)
    for one, other, likeness in pairs:
        table[one, other] = table[other, one] = likeness
    np.fill_diagonal(table, 1)
    return table


@pytest.mark.parametrize(
    ("facets", "room", "places"),
    [
        ("AAAAAAAABB", 4, [0, 1, 8, 9]),
        ("AAAAAAAAB", 4, [0, 1, 2, 8]),
        ("AAAAB", 3, [0, 1, 4]),
        ("AABBC", 4, [0, 1, 2, 4]),
        ("ABCD", 2, [0, 1]),
        ("AAA", 2, [0, 1]),
        ("AB", 5, [0, 1]),
        ("AB", 0, []),
        ("", 3, []),
    ],
)
def test_each_interest_has_its_share_and_the_best_of_the_rest_fill_up(
    facets: str, room: int, places: list[int]
) -> None:
    assert shared(range(len(facets)), facets, room=room) == places


@given(st.text("ABC", max_size=12), st.integers(0, 12))
def test_no_place_stays_empty_and_no_interest_with_enough_papers_gets_less_than_its_part(
    facets: str, room: int
) -> None:
    places = shared(range(len(facets)), facets, room=room)
    assert places == sorted(set(places))
    assert len(places) == min(room, len(facets))
    got, there = Counter(facets[place] for place in places), Counter(facets)
    assert all(got[each] >= min(number, room // len(there)) for each, number in there.items())


def test_a_narrow_reader_gets_another_paper_instead_of_the_same_one_again() -> None:
    same_again = alike(3, (0, 1, 1.0), (0, 2, 0.2), (1, 2, 0.2))
    assert various([7, 8], [7, 8, 9], same_again, room=2) == [7, 9]


def test_a_much_better_paper_stays_though_it_is_rather_like_the_first() -> None:
    rather_like = alike(3, (0, 1, 0.5), (0, 2, 0.2), (1, 2, 0.2))
    assert various([7, 8], [7, 8, 9], rather_like, room=2) == [7, 8]


def test_every_further_paper_is_held_against_all_that_were_taken() -> None:
    twins = alike(6, (0, 4, 0.9), (1, 5, 0.9), usual=0.2)
    assert various([0, 1], [0, 1, 2, 3, 4, 5], twins, room=6) == [0, 1, 2, 3, 4, 5]
    close = alike(4, (0, 2, 1.0), (1, 2, 1.0), usual=0.2)
    assert various([], [0, 1, 2, 3], close, room=3) == [0, 1, 3]


@pytest.mark.parametrize(("likeness", "places"), [(0.14, [5, 6, 8]), (0.16, [5, 6, 7])])
def test_only_a_reader_whose_best_papers_are_much_alike_is_narrow(likeness: float, places: list[int]) -> None:
    """On average they are alike from 0.15 on, each with every other but not with itself."""
    assert various([5, 6, 8], [5, 6, 7, 8], alike(4, usual=likeness), room=3) == places


@pytest.mark.parametrize(("best", "room"), [([], 3), ([4], 3), ([4, 5], 1), ([4, 5], 0)])
def test_one_paper_alone_repeats_nothing(best: list[int], room: int) -> None:
    assert various(best[:room], best, alike(len(best), usual=1.0), room=room) == best[:room]


@given(st.integers(0, 8), st.integers(0, 8), st.randoms(use_true_random=False))
def test_variety_takes_as_many_papers_begins_with_the_best_and_takes_none_twice(
    size: int, room: int, chance: Random
) -> None:
    pairs = [(one, other, chance.random()) for one in range(size) for other in range(one)]
    places = various(range(min(size, room)), range(size), alike(size, *pairs), room=room)
    assert len(places) == len(set(places)) == min(size, room)
    assert places[:1] == list(range(min(size, room)))[:1]
