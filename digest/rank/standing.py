"""How far does a paper stand out among those its reader has not judged yet?"""

from collections.abc import Sequence

import numpy as np

from digest.rank.lexical import Floats

NO_SPREAD = 1e-6


def among_the_unjudged(affinity: Floats, judged: Sequence[int]) -> Floats:
    """The same affinities in standard deviations of the papers at other places than these.

    A paper the reader judged stays in the pool for days, and nothing is as near to it as itself: counted
    among the others it would widen their spread so far that none of them stands out any more.
    """
    if not judged or len(judged) >= affinity.size:
        return affinity
    left = float(np.delete(affinity, list(judged)).std())
    if left < NO_SPREAD:
        return affinity
    return np.asarray(affinity * np.float32(float(affinity.std()) / left), np.float32)
