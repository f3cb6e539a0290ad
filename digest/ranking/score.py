"""How do interest and heat become one score? A calibrated probability times attention on a log scale."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import numpy as np

from digest.models import Heat, Mix

LIKED, SHOWN = 200, 2_000  # papers, before a fit of ours replaces the shipped one
TRUST = 200.0  # papers that the shipped figures count for
ROUNDS = 25  # of Newton's method; it stands still after six or so
LEAST_SLOPE = 0.2  # below it affinity would say nothing, and the data are not to be believed
Numbers = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Exactness = TypeVar("Exactness", np.float32, np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The odds of being liked are exp(slope * height + intercept); height: see `height_of`."""

    as_of: date
    slope: float
    intercept: float


SHIPPED = Calibration(as_of=date(2026, 11, 23), slope=2.24, intercept=-5.76)


@dataclass(frozen=True, slots=True)
class ShownMatch:
    """A paper that a reader was sent, how far it stood out for them, and whether they came to like it."""

    affinity: float
    was_liked: bool


def fit_calibration(shown: Sequence[ShownMatch], as_of: date) -> Calibration | None:
    """The logistic of these papers, drawn a little towards the shipped one; None while they are too few."""
    if len(shown) < SHOWN or sum(each.was_liked for each in shown) < LIKED:
        return None
    height = height_of(np.array([each.affinity for each in shown], np.float64))
    liked = np.array([each.was_liked for each in shown], np.float64)
    slope, intercept = _newton(np.column_stack([height, np.ones_like(height)]), liked)
    if slope < LEAST_SLOPE:
        return None
    return Calibration(as_of=as_of, slope=round(slope, 3), intercept=round(intercept, 3))


def height_of(
    affinity: np.ndarray[tuple[int, ...], np.dtype[Exactness]],
) -> np.ndarray[tuple[int, ...], np.dtype[Exactness]]:
    """Affinity on the scale of the logistic: log(1 + affinity) above the usual paper, itself below."""
    return np.log1p(np.maximum(affinity, 0)) + np.minimum(affinity, 0)


def _newton(features: Numbers, liked: Numbers) -> tuple[float, float]:
    """The most likely weights, where the shipped ones count for `TRUST` papers at a usual pick."""
    shipped = np.array([SHIPPED.slope, SHIPPED.intercept])
    usual = features.mean(axis=0)
    pull = TRUST * (np.outer(usual, usual) + 0.25 * np.eye(2)) / 4
    weights = shipped.copy()
    for _ in range(ROUNDS):
        likely = 1 / (1 + np.exp(-np.clip(features @ weights, -30, 30)))
        curve = (features * (likely * (1 - likely))[:, None]).T @ features + pull
        weights = weights + np.linalg.solve(curve, features.T @ (liked - likely) - pull @ (weights - shipped))
    return float(weights[0]), float(weights[1])


OPENNESS = {Mix.MINE: 0.05, Mix.BALANCED: 0.1, Mix.EVERYONE: 0.3}
"""Lambda: what a paper outside the reader's interests may still count for."""
UNSAVED = 5.0  # a reader saves about one of so many papers worth showing: a judgement, not measured
USUAL_VOTES = 8.4  # M_hf: median final votes of a listed paper, 2026-07
Floats = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


def relevance(affinity: Floats, calibration: Calibration = SHIPPED) -> Floats:
    """The probability that a paper is worth showing a reader, from how far its affinity stands out."""
    odds = UNSAVED * np.exp(calibration.slope * height_of(affinity) + calibration.intercept)
    return np.asarray(odds / (1 + odds), np.float32)


def score(heat: Heat | None, relevance: float, mix: Mix) -> float:
    """Attention in doublings, times how likely the reader wants it; without heat the interest alone."""
    return relevance if heat is None else attention(heat) * (relevance + OPENNESS[mix])


def attention(heat: Heat) -> float:
    """What a paper's heat makes of its score: doublings above no votes at all, never less than none."""
    return max(0.0, heat.value + math.log2(USUAL_VOTES + 1))
