"""Score: relevance, attention, the mix setting and the fit of the calibration."""

import math
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import Heat, Mix
from digest.ranking.score import (
    DEFAULT_CALIBRATION,
    MIN_LIKED,
    MIN_SHOWN,
    Calibration,
    ShownMatch,
    compute_relevance,
    compute_score,
    fit_calibration,
)


@given(st.lists(st.floats(-8, 40, width=32), min_size=2, max_size=9))
def test_relevance_grows_with_affinity(affinities: list[float]) -> None:
    probability = compute_relevance(np.sort(np.array(affinities, np.float32)))
    assert (np.diff(probability) >= 0).all()
    assert ((probability > 0) & (probability < 1)).all()


def test_score_without_heat_is_the_relevance() -> None:
    assert compute_score(None, 0.3, Mix.BALANCED) == pytest.approx(0.3)


def test_paper_without_votes_scores_zero_and_a_usual_one_more() -> None:
    assert compute_score(Heat(value=-9, expected=0), 0.5, Mix.BALANCED) == 0
    assert compute_score(Heat(value=0, expected=8.4), 0.5, Mix.BALANCED) == pytest.approx(
        3.2327 * 0.6, rel=1e-3
    )


def test_mix_decides_whether_a_hot_paper_passes_a_near_one() -> None:
    near, hot = Heat(value=0, expected=8), Heat(value=4, expected=150)
    assert compute_score(near, 0.4, Mix.MINE) > compute_score(hot, 0.01, Mix.MINE)
    assert compute_score(near, 0.1, Mix.EVERYONE) < compute_score(hot, 0.01, Mix.EVERYONE)


@pytest.mark.parametrize(
    ("affinity", "probability"), [(-2.0, 0.0002), (0.0, 0.0155), (0.5, 0.0375), (1.6, 0.118), (8.0, 0.6836)]
)
def test_relevance_at_given_affinities(affinity: float, probability: float) -> None:
    """Five times the odds of being liked: of five relevant papers a reader likes one."""
    compressed = math.log1p(affinity) if affinity > 0 else affinity
    odds = 5 * math.exp(2.24 * compressed - 5.76)
    assert compute_relevance(np.array([affinity], np.float32))[0] == pytest.approx(
        odds / (1 + odds), rel=1e-4
    )
    assert odds / (1 + odds) == pytest.approx(probability, abs=1e-3)


AS_OF = date(2026, 11, 23)


def simulate_shown(number: int, *, slope: float, intercept: float) -> list[ShownMatch]:
    """Return papers that are liked with the probability of a logistic."""
    random = np.random.default_rng(7)
    affinity = random.uniform(1.6, 12, number)
    probability = 1 / (1 + np.exp(-(slope * np.log1p(affinity) + intercept)))
    return [
        ShownMatch(float(a), bool(x))
        for a, x in zip(affinity, random.random(number) < probability, strict=True)
    ]


def test_fit_recovers_the_logistic() -> None:
    calibration = fit_calibration(simulate_shown(30_000, slope=1.5, intercept=-3.0), AS_OF)
    assert calibration is not None
    assert calibration.slope == pytest.approx(1.5, abs=0.15)
    assert calibration.intercept == pytest.approx(-3.0, abs=0.3)


def test_fit_is_none_with_too_few_papers_or_likes() -> None:
    assert fit_calibration(simulate_shown(MIN_SHOWN - 1, slope=3.0, intercept=0.0), AS_OF) is None
    assert fit_calibration([ShownMatch(3.0, n < MIN_LIKED - 1) for n in range(MIN_SHOWN)], AS_OF) is None


def test_fit_is_none_if_likes_do_not_depend_on_affinity() -> None:
    assert fit_calibration(simulate_shown(20_000, slope=-1.0, intercept=1.0), AS_OF) is None


def test_default_calibration_is_used_by_default() -> None:
    affinity = np.array([-1.0, 0.0, 2.0, 8.0], np.float32)
    assert np.all(np.diff(compute_relevance(affinity)) > 0)
    assert np.array_equal(compute_relevance(affinity), compute_relevance(affinity, DEFAULT_CALIBRATION))
    keener = Calibration(
        as_of=AS_OF, slope=DEFAULT_CALIBRATION.slope, intercept=DEFAULT_CALIBRATION.intercept + 1
    )
    assert np.all(compute_relevance(affinity, keener) > compute_relevance(affinity))


def test_fit_works_with_the_minimum_of_papers_and_likes() -> None:
    enough = [ShownMatch(1.0 + 9 * (n < MIN_LIKED), n < MIN_LIKED) for n in range(MIN_SHOWN)]
    calibration = fit_calibration(enough, AS_OF)
    assert calibration is not None
    assert calibration.as_of == AS_OF
    assert calibration.slope == round(calibration.slope, 3)
    assert calibration.intercept == round(calibration.intercept, 3)


@pytest.mark.parametrize(("number", "slope", "intercept"), [(2_500, 1.5, -3.0), (9_000, 3.5, -6.0)])
def test_fit_maximizes_the_likelihood_with_the_default_as_prior(
    number: int, slope: float, intercept: float
) -> None:
    matches = simulate_shown(number, slope=slope, intercept=intercept)
    compressed = np.log1p([match.affinity for match in matches])
    liked = np.array([match.was_liked for match in matches])
    mean = np.array([compressed.mean(), 1.0])
    precision = 200 / 4 * (np.outer(mean, mean) + np.eye(2) / 4)

    def likelihood(slope: float, intercept: float) -> float:
        logit = slope * compressed + intercept
        offset = np.array([slope - DEFAULT_CALIBRATION.slope, intercept - DEFAULT_CALIBRATION.intercept])
        return float(np.sum(liked * logit - np.logaddexp(0, logit)) - offset @ precision @ offset / 2)

    calibration = fit_calibration(matches, AS_OF)
    assert calibration is not None
    best = likelihood(calibration.slope, calibration.intercept)
    for step in (-0.01, 0.01):
        assert likelihood(calibration.slope + step, calibration.intercept) < best
        assert likelihood(calibration.slope, calibration.intercept + step) < best
