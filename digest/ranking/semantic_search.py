"""Search by meaning: papers whose embeddings are near to that of a query, after centring.

Every query has a nearest paper, even nonsense. So a paper matches from a cosine of MIN_COSINE only if the
query is a topic of these papers, that is if one paper in PAPERS_PER_MATCH is that near; otherwise it needs a
cosine of MIN_COSINE_OFF_TOPIC.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from digest.ranking.array_types import Floats
from digest.ranking.embeddings import normalize_rows

MIN_COSINE, MIN_COSINE_OFF_TOPIC = 0.30, 0.50
PAPERS_PER_MATCH = 1000  # of invented words fewer than one paper in so many is near, of a topic more

_BLOCK_ROWS = 4096  # rows prepared at once, so that it takes no memory beside the vectors


@dataclass(frozen=True, slots=True)
class EmbeddingIndex:
    """Embeddings of papers as unit rows, centred on the mean of all."""

    row_by_id: Mapping[str, int]
    rows: Floats
    centre: Floats

    @classmethod
    def build(cls, ids: Sequence[str], vectors: Floats) -> Self:
        """Build the index of these papers. Overwrites *vectors*, which may be large, with its rows."""
        blocks = [vectors[start : start + _BLOCK_ROWS] for start in range(0, len(vectors), _BLOCK_ROWS)]
        for block in blocks:
            block[:] = normalize_rows(block)
        centre = np.asarray(vectors.mean(axis=0), np.float32)
        for block in blocks:
            block[:] = _centre_rows(block, centre)
        return cls({paper_id: row for row, paper_id in enumerate(ids)}, vectors, centre)

    def centre_vectors(self, vectors: Floats) -> Floats:
        """Return vectors of other texts as unit rows centred like those of the papers."""
        return _centre_rows(normalize_rows(vectors), self.centre)

    def compute_cosines(self, query: Floats) -> Floats:
        """Return the cosine of each paper with a centred query vector, -1 to 1."""
        return np.asarray(self.rows @ query, np.float32)

    def find_matches(self, cosines: Floats, *, limit: int) -> Iterator[tuple[str, float]]:
        """Yield the ids of papers that match with their cosines, the nearest first; none for nonsense."""
        candidates = np.flatnonzero(cosines >= _choose_threshold(cosines))
        ids = list(self.row_by_id)
        for row in candidates[np.argsort(-cosines[candidates], kind="stable")][:limit].tolist():
            yield ids[row], float(cosines[row])


def _centre_rows(rows: Floats, centre: Floats) -> Floats:
    """Return rows relative to the centre, of unit length; a row of zeros stays one of zeros."""
    return normalize_rows((rows - centre) * rows.any(axis=1, keepdims=True))


def _choose_threshold(cosines: Floats) -> float:
    """Return the cosine from which a paper matches a query with these cosines."""
    matches = np.count_nonzero(cosines >= MIN_COSINE)
    is_topic = matches and matches * PAPERS_PER_MATCH >= len(cosines)
    return MIN_COSINE if is_topic else MIN_COSINE_OFF_TOPIC
