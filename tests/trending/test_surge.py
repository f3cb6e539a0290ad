"""How hot is a paper on a source that has no curve yet?"""

from itertools import pairwise
from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import SignalKind
from digest.trending.surge import standings, surge
from tests.factories import NOW, paper, signal

ONE = paper()


def test_a_gain_counts_half_after_three_days() -> None:
    points = [signal(ONE, 80, kind=SignalKind.POINTS, hours_ago=72)]
    assert surge(points, NOW) == pytest.approx(40)
    assert surge([*points, signal(ONE, 90, kind=SignalKind.POINTS)], NOW) == pytest.approx(50)


def test_the_stars_a_repository_came_with_are_no_news() -> None:
    stars = [signal(ONE, 5000, kind=SignalKind.STARS, hours_ago=24), signal(ONE, 5050, kind=SignalKind.STARS)]
    assert surge(stars[:1], NOW) == 0
    assert surge(stars, NOW) == pytest.approx(50)


def test_a_count_that_falls_takes_nothing_away() -> None:
    assert surge([signal(ONE, 9, hours_ago=1), signal(ONE, 4)], NOW) == surge(
        [signal(ONE, 9, hours_ago=1)], NOW
    )


@given(st.dictionaries(st.text(min_size=1), st.floats(0, 1e5), max_size=40))
def test_who_gained_more_stands_no_lower_and_nobody_alone_stands_out(surges: dict[str, float]) -> None:
    heat = standings(surges)
    ordered = sorted(surges, key=lambda name: surges[name])
    for less, more in pairwise(ordered):
        assert heat[less] <= heat[more]
    if len(surges) == 1:
        assert max(heat.values()) <= 0


def test_who_gained_nothing_stands_one_doubling_below_usual_and_the_least_gain_counts() -> None:
    assert standings({"still": 0, "stirs": 0.5}) == {"still": -1, "stirs": pytest.approx(log2(3) - 1)}


def test_the_best_of_many_stands_out_by_how_many_there_are() -> None:
    heat = standings({str(number): number + 1 for number in range(7)})
    assert heat["6"] == pytest.approx(log2(8) - 1)
    assert heat["3"] == pytest.approx(0)
