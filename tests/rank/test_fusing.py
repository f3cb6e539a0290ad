"""Two rankings become one: what both put first comes first."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from digest.rank.finding import Match, both_ways, found_order
from digest.rank.fusing import fused
from digest.rank.lexical import Floats
from digest.rank.nearing import centre_of, nearness
from tests.house import NOW, paper

NAMES = st.permutations(range(8))


@given(first=NAMES, second=NAMES)
def test_nothing_that_both_put_behind_another_comes_before_it(first: list[int], second: list[int]) -> None:
    scores = fused(first, second)
    for one in first:
        for other in first:
            if first.index(one) < first.index(other) and second.index(one) < second.index(other):
                assert scores[one] > scores[other]


@given(first=NAMES, second=NAMES)
def test_scores_lie_between_nothing_and_one_whichever_ranking_comes_first(
    first: list[int], second: list[int]
) -> None:
    assert all(0 < score <= 1 for score in fused(first, second).values())
    assert fused(first, second) == fused(second, first)
    assert fused(first, first)[first[0]] == 1


def test_what_one_ranking_alone_names_gets_half_at_most() -> None:
    assert fused(["a"], ["b"]) == {"a": 0.5, "b": 0.5}


def test_of_papers_with_the_same_words_the_one_that_means_it_comes_first() -> None:
    bank, river = paper("Banks"), paper("Banks Too")
    matches = [Match(bank, 0.8), Match(river, 0.79)]
    assert found_order(matches, {}, NOW)[0] is bank
    assert found_order(both_ways(matches, [0.1, 0.9]), {}, NOW) == [bank, river]  # a draw: the words decide
    third = Match(paper("Banks Again"), 0.5)
    assert found_order(both_ways([*matches, third], [-0.5, 0.9, 0.1]), {}, NOW)[0] is river


def test_nearness_is_measured_away_from_what_all_texts_share() -> None:
    vectors = {"sheep": (9, 1, 0), "lambs": (9, 0.9, 0.1), "stars": (9, 0, 1)}

    def encode(texts: object) -> Floats:
        return np.array([vectors[text] for text in texts], np.float32)  # type: ignore[attr-defined]

    centre = centre_of(encode, [*vectors])
    lambs, stars = nearness(encode, centre, "sheep", ["lambs", "stars"])
    assert lambs > 0.9
    assert stars < 0
