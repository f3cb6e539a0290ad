"""What readers liked says how likely a near paper is wanted, once there is enough of it."""

from datetime import date

import numpy as np
import pytest

from digest.rank.calibration import LIKED, SHIPPED, SHOWN, Calibration, Shown, fit_calibration
from digest.rank.score import relevance

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
