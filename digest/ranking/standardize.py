"""How far does a paper stand out among those its reader has not judged yet, whatever stands out further?

A few papers can make most of a small day's spread: the only one that holds a rare word, or one that the
reader judged, for nothing is as near to it as itself. By that spread nothing else would stand out any more.
"""

from collections.abc import Sequence

import numpy as np

from digest.ranking.bm25 import Floats

NO_SPREAD = 1e-6
HELD = 0.1  # of the square of a day's spread may come from one paper that stands out
FARTHEST = 2.0  # standard deviations count whole, however few papers there are
MOST = 2.0  # times further than before papers stand out at most
ROUNDS = 3  # then what is held back holds for the spread that is left


def unstretched(rows: Floats) -> Floats:
    """The same heights (a row for each view) on a scale that no single paper stretches.

    A paper counts for a tenth of the spread at most. That takes one which stands out by `sqrt(papers / 10)`:
    3.2 among a hundred papers, 14 among two thousand, where few do. No order changes.
    """
    plain, held = _spreads(rows)
    return rows if held is plain else np.asarray(rows * (plain / held)[:, None], np.float32)


def among_the_unjudged(affinity: Floats, judged: Sequence[int]) -> Floats:
    """The same affinities by the spread of the papers at other places than these."""
    if not judged or len(judged) >= affinity.size:
        return affinity
    left = _spreads(np.delete(affinity, list(judged))[None])[1].item()
    if left < NO_SPREAD:
        return affinity
    return np.asarray(affinity * np.float32(_spreads(affinity[None])[1].item() / left), np.float32)


def _spreads(rows: Floats) -> tuple[Floats, Floats]:
    """The standard deviation of each row, and that with no paper counting for more than its share."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    plain = _deviations(centred)
    farthest = np.float32(max(FARTHEST, (HELD * rows.shape[1]) ** 0.5))
    high = np.flatnonzero(centred.max(axis=1) > farthest * np.maximum(plain, NO_SPREAD))
    if not high.size:
        return plain, plain
    centred, left = centred[high], plain[high]
    for _ in range(ROUNDS):
        left = np.maximum(_deviations(np.minimum(centred, (farthest * left)[:, None])), plain[high] / MOST)
    held = plain.copy()
    held[high] = left
    return plain, held


def _deviations(centred: Floats) -> Floats:
    """The root of the mean square of each row."""
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", centred, centred) / centred.shape[1]), np.float32)
