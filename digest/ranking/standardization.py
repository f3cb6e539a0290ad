"""Scale of affinities: how far a paper stands out, whatever a few other papers do to the day's spread.

A few papers can make most of a small day's spread: the only one with a rare word, or one that the reader
judged, because nothing is as similar to it as itself. By that spread no other paper would stand out.
"""

from collections.abc import Sequence

import numpy as np

from digest.ranking.array_types import Floats

MIN_SPREAD = 1e-6
MAX_VARIANCE_SHARE = 0.1  # of a day's variance that may come from one outstanding paper
MIN_OUTLIER = 2.0  # standard deviations; smaller values count in full, however few papers there are
MAX_STRETCH = 2.0  # factor by which affinities grow at most
CLIP_ROUNDS = 3  # clipping reduces the spread, which tightens the limit of the next round


def limit_outliers(scores: Floats) -> Floats:
    """Rescale standard scores (a row for each query) so that no single paper stretches the scale.

    A paper contributes at most a tenth of the variance. That limits scores above `sqrt(papers / 10)`: 3.2
    among a hundred papers, 14 among two thousand, where few reach it. The order never changes.
    """
    plain, clipped = _compute_spreads(scores)
    return scores if clipped is plain else np.asarray(scores * (plain / clipped)[:, None], np.float32)


def rescale_to_unjudged(affinity: Floats, judged: Sequence[int]) -> Floats:
    """Return the affinities rescaled to the spread of the papers that the reader has not judged."""
    if not judged or len(judged) >= affinity.size:
        return affinity
    spread = _compute_spreads(np.delete(affinity, list(judged))[None])[1].item()
    if spread < MIN_SPREAD:
        return affinity
    return np.asarray(affinity * np.float32(_compute_spreads(affinity[None])[1].item() / spread), np.float32)


def _compute_spreads(rows: Floats) -> tuple[Floats, Floats]:
    """Return the standard deviation of each row, and the same with outliers clipped.

    Both are the same object if there is nothing to clip.
    """
    centred = rows - rows.mean(axis=1, keepdims=True)
    plain = _compute_deviations(centred)
    limit = np.float32(max(MIN_OUTLIER, (MAX_VARIANCE_SHARE * rows.shape[1]) ** 0.5))
    outlying = np.flatnonzero(centred.max(axis=1) > limit * np.maximum(plain, MIN_SPREAD))
    if not outlying.size:
        return plain, plain
    centred, spread = centred[outlying], plain[outlying]
    for _ in range(CLIP_ROUNDS):
        deviations = _compute_deviations(np.minimum(centred, (limit * spread)[:, None]))
        spread = np.maximum(deviations, plain[outlying] / MAX_STRETCH)
    clipped = plain.copy()
    clipped[outlying] = spread
    return plain, clipped


def _compute_deviations(centred: Floats) -> Floats:
    """Return the root mean square of each row."""
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", centred, centred) / centred.shape[1]), np.float32)
