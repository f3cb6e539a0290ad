"""Two numbers become one score: it grows with both, and the reader's slider says how much each counts."""

import math
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import Heat, Mix
from digest.ranking.score import (
    LIKED,
    SHIPPED,
    SHOWN,
    Calibration,
    ShownMatch,
    fit_calibration,
    relevance,
    score,
)


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


TODAY = date(2026, 11, 23)


def shown(number: int, *, slope: float, intercept: float) -> list[ShownMatch]:
    """Papers liked as often as a logistic says."""
    chance = np.random.default_rng(7)
    affinity = chance.uniform(1.6, 12, number)
    likely = 1 / (1 + np.exp(-(slope * np.log1p(affinity) + intercept)))
    return [
        ShownMatch(float(a), bool(x)) for a, x in zip(affinity, chance.random(number) < likely, strict=True)
    ]


def test_the_logistic_that_readers_follow_is_found() -> None:
    found = fit_calibration(shown(30_000, slope=1.5, intercept=-3.0), TODAY)
    assert found is not None
    assert found.slope == pytest.approx(1.5, abs=0.15)
    assert found.intercept == pytest.approx(-3.0, abs=0.3)


def test_too_few_papers_or_likes_change_nothing() -> None:
    assert fit_calibration(shown(SHOWN - 1, slope=3.0, intercept=0.0), TODAY) is None
    assert fit_calibration([ShownMatch(3.0, n < LIKED - 1) for n in range(SHOWN)], TODAY) is None


def test_likes_that_have_nothing_to_do_with_affinity_are_not_believed() -> None:
    assert fit_calibration(shown(20_000, slope=-1.0, intercept=1.0), TODAY) is None


def test_the_nearer_the_likelier_and_the_shipped_figures_are_the_default() -> None:
    affinity = np.array([-1.0, 0.0, 2.0, 8.0], np.float32)
    assert np.all(np.diff(relevance(affinity)) > 0)
    assert np.array_equal(relevance(affinity), relevance(affinity, SHIPPED))
    keener = Calibration(as_of=TODAY, slope=SHIPPED.slope, intercept=SHIPPED.intercept + 1)
    assert np.all(relevance(affinity, keener) > relevance(affinity))


def test_two_thousand_papers_shown_and_two_hundred_liked_are_enough_and_no_slope_is_not() -> None:
    enough = [ShownMatch(1.0 + 9 * (n < LIKED), n < LIKED) for n in range(SHOWN)]
    found = fit_calibration(enough, TODAY)
    assert found is not None
    assert found.as_of == TODAY
    assert found.slope == round(found.slope, 3)
    assert found.intercept == round(found.intercept, 3)


@pytest.mark.parametrize(("number", "slope", "intercept"), [(2_500, 1.5, -3.0), (9_000, 3.5, -6.0)])
def test_the_fit_is_the_likeliest_where_the_shipped_figures_count_for_200_papers(
    number: int, slope: float, intercept: float
) -> None:
    told = shown(number, slope=slope, intercept=intercept)
    height = np.log1p([each.affinity for each in told])
    liked = np.array([each.was_liked for each in told])
    usual = np.array([height.mean(), 1.0])
    pull = 200 / 4 * (np.outer(usual, usual) + np.eye(2) / 4)

    def likelihood(slope: float, intercept: float) -> float:
        odds = slope * height + intercept
        away = np.array([slope - SHIPPED.slope, intercept - SHIPPED.intercept])
        return float(np.sum(liked * odds - np.logaddexp(0, odds)) - away @ pull @ away / 2)

    found = fit_calibration(told, TODAY)
    assert found is not None
    best = likelihood(found.slope, found.intercept)
    for step in (-0.01, 0.01):
        assert likelihood(found.slope + step, found.intercept) < best
        assert likelihood(found.slope, found.intercept + step) < best
