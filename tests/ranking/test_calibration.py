"""What readers liked says how likely a near paper is wanted, once there is enough of it."""

from datetime import date

import numpy as np
import pytest

from digest.ranking.calibration import LIKED, SHIPPED, SHOWN, Calibration, Shown, fit_calibration
from digest.ranking.score import relevance

TODAY = date(2026, 11, 23)


def shown(number: int, *, slope: float, intercept: float) -> list[Shown]:
    """Papers liked as often as a logistic says."""
    chance = np.random.default_rng(7)
    affinity = chance.uniform(1.6, 12, number)
    likely = 1 / (1 + np.exp(-(slope * np.log1p(affinity) + intercept)))
    return [Shown(float(a), bool(x)) for a, x in zip(affinity, chance.random(number) < likely, strict=True)]


def test_the_logistic_that_readers_follow_is_found() -> None:
    found = fit_calibration(shown(30_000, slope=1.5, intercept=-3.0), TODAY)
    assert found is not None
    assert found.slope == pytest.approx(1.5, abs=0.15)
    assert found.intercept == pytest.approx(-3.0, abs=0.3)


def test_too_few_papers_or_likes_change_nothing() -> None:
    assert fit_calibration(shown(SHOWN - 1, slope=3.0, intercept=0.0), TODAY) is None
    assert fit_calibration([Shown(3.0, n < LIKED - 1) for n in range(SHOWN)], TODAY) is None


def test_likes_that_have_nothing_to_do_with_affinity_are_not_believed() -> None:
    assert fit_calibration(shown(20_000, slope=-1.0, intercept=1.0), TODAY) is None


def test_the_nearer_the_likelier_and_the_shipped_figures_are_the_default() -> None:
    affinity = np.array([-1.0, 0.0, 2.0, 8.0], np.float32)
    assert np.all(np.diff(relevance(affinity)) > 0)
    assert np.array_equal(relevance(affinity), relevance(affinity, SHIPPED))
    keener = Calibration(as_of=TODAY, slope=SHIPPED.slope, intercept=SHIPPED.intercept + 1)
    assert np.all(relevance(affinity, keener) > relevance(affinity))


def test_two_thousand_papers_shown_and_two_hundred_liked_are_enough_and_no_slope_is_not() -> None:
    enough = [Shown(1.0 + 9 * (n < LIKED), n < LIKED) for n in range(SHOWN)]
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
