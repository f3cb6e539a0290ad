"""How are the places of a mail shared? Fairly among interests, and not among papers that say the same."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from digest.ranking.bm25 import Floats

NARROW = 0.15  # mean likeness of the best papers from which a reader's interest is narrow
VARIETY = 0.3  # how much unlikeness then counts beside the order (MMR)


def shared(best: Sequence[int], facets: Sequence[str], *, room: int) -> list[int]:
    """The first papers of each interest up to its share, then the best of the rest; in the given order."""
    share = max(1, room // (len(set(facets)) or 1))
    count: Counter[str] = Counter()
    chosen: list[int] = []
    for place, facet in zip(best, facets, strict=True):
        if count[facet] < share and len(chosen) < room:
            chosen.append(place)
            count[facet] += 1
    rest = [place for place in best if place not in chosen]
    kept = {*chosen, *rest[: room - len(chosen)]}
    return [place for place in best if place in kept]


def various(chosen: Sequence[int], best: Sequence[int], alike: Floats, *, room: int) -> list[int]:
    """The chosen papers; for a narrow reader instead a run through the best that avoids repeating itself."""
    first = min(len(best), room)
    if first < 2 or _likeness(alike[:first, :first]) < NARROW:
        return list(chosen)
    left, taken = list(range(len(best))), [0]
    left.remove(0)
    while left and len(taken) < first:
        loss = {at: (1 - VARIETY) * at / len(best) + VARIETY * float(alike[at, taken].max()) for at in left}
        following = min(left, key=lambda at: (loss[at], at))
        taken.append(following)
        left.remove(following)
    return [best[at] for at in taken]


def _likeness(alike: Floats) -> float:
    size = len(alike)
    return float((alike.sum() - np.trace(alike)) / (size * (size - 1)))
