"""Text embeddings of any model, centred and whitened with the papers of the day."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from digest.ranking.array_types import Floats

SHRINKAGE = 0.85  # before whitening, the share of each direction's variance replaced by the mean variance
NEAREST_COUNT, NEAREST_WEIGHT = 3, 0.3  # nearest documents of a second score, and its weight

AnyFloats = np.ndarray[tuple[int, ...], np.dtype[np.floating]]
Encoder = Callable[[Sequence[str]], Floats]


class EmbeddingModel(Protocol):
    """A model that turns texts into vectors. `digest.app` loads it; the ranking only calls it."""

    name: str  # with its version: vectors of models with different names are never compared
    weight: float  # relative to terms, which weigh 1, for a profile of hardly any terms
    is_calibrated: bool  # decisions about picks were fitted to its cosines

    def fit_encoder(self, texts: Sequence[str]) -> Encoder:
        """Return an encoder, which may use how common each word is in these texts."""
        ...


class StorableEmbeddingModel(EmbeddingModel, Protocol):
    """A model whose vectors can be stored; what it learns from texts is stored with them."""

    setting: str  # the value of the setting that loads it again

    def fit_state(self, texts: Sequence[str]) -> bytes:
        """Return what the model learns from these texts; empty if it needs none."""
        ...

    def restore_encoder(self, state: bytes) -> Encoder:
        """Return the encoder of a stored state, which always gives the same text the same vector."""
        ...


@dataclass(frozen=True, slots=True)
class EmbeddingSpace:
    """The candidates as whitened vectors of unit length, and the transformation for other vectors."""

    candidates: Floats
    weight: float
    encode: Encoder
    is_calibrated: bool  # its plain cosines are on the scale that decisions about picks were fitted to
    _vectors: Floats  # of the candidates, not whitened
    _centre: Floats
    _whitening: Floats

    def compute_similarity(self, vectors: Floats) -> Floats:
        """Return the cosine of each of these unit vectors (a row) with each candidate (a column)."""
        whitened = normalize_rows((vectors - self._centre) @ self._whitening)
        return np.asarray(whitened @ self.candidates.T, np.float32)

    def compare_vectors(self, vectors: Floats) -> Floats:
        """Return the plain cosine of each vector (a row) with each candidate (a column)."""
        return np.asarray(normalize_rows(vectors) @ self._vectors.T, np.float32)


def build_embedding_space(
    model: EmbeddingModel, papers: Sequence[str], background: Sequence[str]
) -> EmbeddingSpace:
    """Build the day's space: its centre and covariance are those of papers and background together."""
    texts = [*papers, *background]
    encode = model.fit_encoder(texts)
    vectors = normalize_rows(encode(texts))
    centre = np.asarray(vectors.mean(axis=0), np.float32)
    variances, directions = np.linalg.eigh(np.cov((vectors - centre).T).astype(np.float64))
    shrunk = (1 - SHRINKAGE) * np.maximum(variances, 0) + SHRINKAGE * max(float(variances.mean()), 1e-12)
    whitening = np.asarray(directions / np.sqrt(shrunk), np.float32)
    own = vectors[: len(papers)]
    return EmbeddingSpace(
        candidates=normalize_rows((own - centre) @ whitening),
        weight=model.weight,
        encode=encode,
        is_calibrated=model.is_calibrated,
        _vectors=own,
        _centre=centre,
        _whitening=whitening,
    )


def average_nearest(rows: Floats) -> Floats:
    """Return, for every candidate (a column), the mean of its largest similarities to documents (rows)."""
    if len(rows) <= NEAREST_COUNT:
        return np.asarray(rows.mean(axis=0), np.float32)
    largest = np.full((NEAREST_COUNT, rows.shape[1]), -np.inf, np.float32)
    for row in rows:  # inserted one at a time: sorting all documents for every paper takes ten times as long
        inserted = row
        for rank in range(NEAREST_COUNT):
            smaller = np.minimum(largest[rank], inserted)
            np.maximum(largest[rank], inserted, out=largest[rank])
            inserted = smaller
    return np.asarray(largest.mean(axis=0), np.float32)


def pack_vector(vector: Floats) -> bytes:
    """Return a vector as it is stored: in half precision, which does not change the ranking noticeably."""
    return vector.astype("<f2").tobytes()


def unpack_vector(stored: bytes) -> Floats:
    """Return a vector from its stored form."""
    return np.frombuffer(stored, "<f2").astype(np.float32)


def normalize_rows(rows: AnyFloats) -> Floats:
    """Return the rows scaled to unit length; a row of zeros stays as it is."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float32)
