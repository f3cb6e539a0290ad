"""How do interest and heat become one score? A calibrated probability times attention on a log scale."""

import math

import numpy as np

from digest.models import Heat, Mix
from digest.ranking.calibration import SHIPPED, Calibration, height_of

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
