"""Score of a paper for a reader: a calibrated probability of interest times attention on a log scale."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import numpy as np

from digest.models import Heat, Mix
from digest.ranking.array_types import Doubles, Floats

MIN_PROBABILITY = 0.25  # of a pick for a reader who chose the loose threshold
WANTED_PER_SHOWN = 4.9  # odds of wanting a paper for those of its relevance: affinity 1.6 becomes 0.4
MEDIAN_VOTES = 8.4  # median final votes of a listed paper, 2026-07
RELEVANT_PER_SAVED = 5.0  # a reader saves about one of so many relevant papers: a judgement, not measured
RELEVANCE_OFFSETS = {Mix.MINE: 0.05, Mix.BALANCED: 0.1, Mix.EVERYONE: 0.3}
"""Lambda: added to the relevance, so that a paper outside the reader's interests may count for its heat."""
MIN_LIKED, MIN_SHOWN = 200, 2_000  # papers needed before a fit replaces the default calibration
PRIOR_PAPERS = 200.0  # papers that the default calibration counts for in a fit
NEWTON_STEPS = 25  # it converges after about six
MIN_SLOPE = 0.2  # with a smaller one affinity would say nothing, so the data are not trusted

Float = TypeVar("Float", np.float32, np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A logistic model: the odds of being liked are exp(slope * compress_affinity(affinity) + intercept)."""

    as_of: date
    slope: float
    intercept: float


DEFAULT_CALIBRATION = Calibration(as_of=date(2026, 11, 23), slope=2.24, intercept=-5.76)


@dataclass(frozen=True, slots=True)
class ShownMatch:
    """A paper that a reader was sent, its affinity then, and whether the reader came to like it."""

    affinity: float
    was_liked: bool


def compute_score(heat: Heat | None, relevance: float, mix: Mix) -> float:
    """Return attention times relevance; the relevance alone if *heat* is None."""
    return relevance if heat is None else compute_attention(heat) * (relevance + RELEVANCE_OFFSETS[mix])


def compute_attention(heat: Heat) -> float:
    """Return the heat as doublings above no votes at all, at least 0."""
    return max(0.0, heat.value + math.log2(MEDIAN_VOTES + 1))


def compute_relevance(affinity: Floats, calibration: Calibration = DEFAULT_CALIBRATION) -> Floats:
    """Return the probability that each paper is worth showing to the reader."""
    logit = calibration.slope * compress_affinity(affinity) + calibration.intercept
    odds = RELEVANT_PER_SAVED * np.exp(logit)
    return np.asarray(odds / (1 + odds), np.float32)


def compute_want(relevance: Floats) -> Floats:
    """Return the probability that a reader wants a paper who gave no words of their own."""
    odds = WANTED_PER_SHOWN * relevance / np.maximum(1 - relevance, 1e-6)
    return np.asarray(odds / (1 + odds), np.float32)


def compress_affinity(
    affinity: np.ndarray[tuple[int, ...], np.dtype[Float]],
) -> np.ndarray[tuple[int, ...], np.dtype[Float]]:
    """Return affinity on the scale of the logistic: log(1 + affinity) above 0, unchanged below."""
    return np.log1p(np.maximum(affinity, 0)) + np.minimum(affinity, 0)


def fit_calibration(shown: Sequence[ShownMatch], as_of: date) -> Calibration | None:
    """Fit the logistic to these papers, with the default as prior.

    None if there are too few papers or likes, or if liking hardly depends on affinity.
    """
    if len(shown) < MIN_SHOWN or sum(match.was_liked for match in shown) < MIN_LIKED:
        return None
    compressed = compress_affinity(np.array([match.affinity for match in shown], np.float64))
    liked = np.array([match.was_liked for match in shown], np.float64)
    slope, intercept = _fit_logistic(np.column_stack([compressed, np.ones_like(compressed)]), liked)
    if slope < MIN_SLOPE:
        return None
    return Calibration(as_of=as_of, slope=round(slope, 3), intercept=round(intercept, 3))


def _fit_logistic(features: Doubles, liked: Doubles) -> tuple[float, float]:
    """Return slope and intercept by Newton's method; the prior counts for `PRIOR_PAPERS` at the mean pick."""
    prior = np.array([DEFAULT_CALIBRATION.slope, DEFAULT_CALIBRATION.intercept])
    mean = features.mean(axis=0)
    precision = PRIOR_PAPERS * (np.outer(mean, mean) + 0.25 * np.eye(2)) / 4
    weights = prior.copy()
    for _ in range(NEWTON_STEPS):
        probability = 1 / (1 + np.exp(-np.clip(features @ weights, -30, 30)))
        variance = (probability * (1 - probability))[:, None]
        hessian = (features * variance).T @ features + precision
        gradient = features.T @ (liked - probability) - precision @ (weights - prior)
        weights = weights + np.linalg.solve(hessian, gradient)
    return float(weights[0]), float(weights[1])
