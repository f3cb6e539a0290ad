"""Which papers are near in meaning to a question? By the angle of their vectors, away from what all share.

A question always has a nearest paper, and nonsense has one too. So a paper counts as near from FLOOR on, and
only where the question is a topic of these papers, one in CROWD of them being near; or where it is VERY near.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from digest.ranking.bm25 import Floats
from digest.ranking.embeddings import unit

FLOOR, VERY = 0.30, 0.50  # cosines
CROWD = 1000  # to invented words fewer than one paper in so many is near, to a topic more
_BLOCK = 4096  # rows that are made ready at once, so that it needs no memory beside the vectors


@dataclass(frozen=True, slots=True)
class EmbeddingIndex:
    """Papers by what they mean: a row of unit length each, measured from the centre of all."""

    places: Mapping[str, int]  # of each paper's id among the rows
    rows: Floats
    centre: Floats

    @classmethod
    def of(cls, ids: Sequence[str], vectors: Floats) -> Self:
        """The papers with these vectors, which become the rows in place: there may be many of them."""
        blocks = [vectors[start : start + _BLOCK] for start in range(0, len(vectors), _BLOCK)]
        for block in blocks:
            block[:] = unit(block)
        centre = np.asarray(vectors.mean(axis=0), np.float32)
        for block in blocks:
            block[:] = _from(centre, block)
        return cls({known: place for place, known in enumerate(ids)}, vectors, centre)

    def seen_from_here(self, vectors: Floats) -> Floats:
        """Vectors of other texts as rows like ours."""
        return _from(self.centre, unit(vectors))

    def nearness(self, question: Floats) -> Floats:
        """The cosine of every paper with a question seen from here, -1 to 1."""
        return np.asarray(self.rows @ question, np.float32)

    def near(self, nearness: Floats, *, most: int) -> Iterator[tuple[str, float]]:
        """The papers that are truly near with their cosines, the nearest first; of nonsense none."""
        floor = _floor(nearness)
        chosen = np.flatnonzero(nearness >= floor)
        ids = list(self.places)
        for place in chosen[np.argsort(-nearness[chosen], kind="stable")][:most].tolist():
            yield ids[place], float(nearness[place])


def _from(centre: Floats, rows: Floats) -> Floats:
    """Rows as they are seen from a centre; a row of nothing means nothing from there either."""
    return unit((rows - centre) * rows.any(axis=1, keepdims=True))


def _floor(nearness: Floats) -> float:
    """From which cosine on a paper counts as near to a question that is as near to all as this."""
    near = np.count_nonzero(nearness >= FLOOR)
    return FLOOR if near and near * CROWD >= len(nearness) else VERY
