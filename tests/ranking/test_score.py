"""Two numbers become one score: it grows with both, and the reader's slider says how much each counts."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import Heat, Mix
from digest.ranking.score import relevance, score


@given(st.lists(st.floats(-8, 40, width=32), min_size=2, max_size=9))
def test_what_stands_out_further_is_more_likely_wanted(affinities: list[float]) -> None:
    likely = relevance(np.sort(np.array(affinities, np.float32)))
    assert (np.diff(likely) >= 0).all()
    assert ((likely > 0) & (likely < 1)).all()


def test_without_heat_the_interest_alone_decides() -> None:
    assert score(None, 0.3, Mix.BALANCED) == pytest.approx(0.3)


def test_a_paper_nobody_votes_for_scores_nothing_and_a_usual_one_something() -> None:
    assert score(Heat(value=-9, expected=0), 0.5, Mix.BALANCED) == 0
    assert score(Heat(value=0, expected=8.4), 0.5, Mix.BALANCED) == pytest.approx(3.2327 * 0.6, rel=1e-3)


def test_the_slider_lets_a_hot_stranger_pass_a_near_paper_only_for_who_wants_it() -> None:
    near, hot = Heat(value=0, expected=8), Heat(value=4, expected=150)
    assert score(near, 0.4, Mix.MINE) > score(hot, 0.01, Mix.MINE)
    assert score(near, 0.1, Mix.EVERYONE) < score(hot, 0.01, Mix.EVERYONE)


@pytest.mark.parametrize(
    ("affinity", "likely"), [(-2.0, 0.0002), (0.0, 0.0155), (0.5, 0.0375), (1.6, 0.118), (8.0, 0.6836)]
)
def test_how_likely_a_paper_is_wanted(affinity: float, likely: float) -> None:
    """Five times the odds of having been liked: only one in five that are worth showing is."""
    height = math.log1p(affinity) if affinity > 0 else affinity
    odds = 5 * math.exp(2.24 * height - 5.76)
    assert relevance(np.array([affinity], np.float32))[0] == pytest.approx(odds / (1 + odds), rel=1e-4)
    assert odds / (1 + odds) == pytest.approx(likely, abs=1e-3)
