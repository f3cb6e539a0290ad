"""Tests of heat on sources without a growth curve."""

from itertools import pairwise
from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import SignalKind
from digest.trending.surge import compute_surge, to_heat_by_rank
from tests.factories import NOW, make_paper, make_signal

ONE = make_paper()


def test_a_gain_counts_half_after_three_days() -> None:
    points = [make_signal(ONE, 80, kind=SignalKind.POINTS, hours_ago=72)]
    assert compute_surge(points, NOW) == pytest.approx(40)
    assert compute_surge([*points, make_signal(ONE, 90, kind=SignalKind.POINTS)], NOW) == pytest.approx(50)


def test_the_first_count_of_stars_is_no_gain() -> None:
    stars = [
        make_signal(ONE, 5000, kind=SignalKind.STARS, hours_ago=24),
        make_signal(ONE, 5050, kind=SignalKind.STARS),
    ]
    assert compute_surge(stars[:1], NOW) == 0
    assert compute_surge(stars, NOW) == pytest.approx(50)


def test_a_count_that_falls_takes_nothing_away() -> None:
    assert compute_surge([make_signal(ONE, 9, hours_ago=1), make_signal(ONE, 4)], NOW) == compute_surge(
        [make_signal(ONE, 9, hours_ago=1)], NOW
    )


@given(st.dictionaries(st.text(min_size=1), st.floats(0, 1e5), max_size=40))
def test_more_gain_never_ranks_lower_and_a_single_paper_is_not_hot(surges: dict[str, float]) -> None:
    heat = to_heat_by_rank(surges)
    ordered = sorted(surges, key=lambda name: surges[name])
    for less, more in pairwise(ordered):
        assert heat[less] <= heat[more]
    if len(surges) == 1:
        assert max(heat.values()) <= 0


def test_no_gain_is_one_doubling_below_usual_and_the_least_gain_counts() -> None:
    assert to_heat_by_rank({"still": 0, "stirs": 0.5}) == {"still": -1, "stirs": pytest.approx(log2(3) - 1)}


def test_the_heat_of_the_best_grows_with_the_number_of_papers() -> None:
    heat = to_heat_by_rank({str(number): number + 1 for number in range(7)})
    assert heat["6"] == pytest.approx(log2(8) - 1)
    assert heat["3"] == pytest.approx(0)
