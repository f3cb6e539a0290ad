"""How hot is a paper on a source that has no curve yet?"""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.model import SignalKind
from digest.rank.surge import standings, surge
from tests.house import NOW, paper, signal

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
