"""Two numbers become one score: it grows with both, and the reader's slider says how much each counts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.model import Heat, Mix
from digest.rank.score import relevance, score


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
