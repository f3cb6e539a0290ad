"""What do papers mean beyond their words? Vectors from any model, centred and whitened for the day."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from digest.ranking.bm25 import Floats

SHRINK = 0.85  # how much of every direction's spread is taken to be alike before whitening
NEAREST, NEAR = 3, 0.3  # the second channel: mean of the nearest documents, and its weight

AnyFloats = np.ndarray[tuple[int, ...], np.dtype[np.floating]]
Encode = Callable[[Sequence[str]], Floats]


class Embedding(Protocol):
    """A model that turns texts into vectors; the edge loads it, this room only calls it."""

    name: str  # with its version: vectors of different names are never compared
    weight: float  # beside the words, which weigh 1, for a reader who gave hardly any

    def fitted(self, texts: Sequence[str]) -> Encode:
        """An encoder that may know how usual each word of these texts is."""
        ...


class Embedder(Embedding, Protocol):
    """An embedding whose vectors can be kept: what it learns of the language is kept beside them."""

    setting: str  # by which it is loaded again

    def learn(self, texts: Sequence[str]) -> bytes:
        """What it needs to know of these texts to read others alike; empty if it knows its language."""
        ...

    def encoder(self, learnt: bytes) -> Encode:
        """An encoder that knows this, and gives the same text the same vector for ever."""
        ...


@dataclass(frozen=True, slots=True)
class Space:
    """The candidates as whitened vectors of unit length, and how to bring other vectors there."""

    candidates: Floats
    weight: float
    embed: Encode
    _centre: Floats
    _whiten: Floats

    def similar(self, vectors: Floats) -> Floats:
        """How near each of these vectors of texts (down) is to each candidate (across)."""
        there = unit((vectors - self._centre) @ self._whiten)
        return np.asarray(there @ self.candidates.T, np.float32)


def space(embedding: Embedding, papers: Sequence[str], background: Sequence[str]) -> Space:
    """The day's space: its centre and spread come from the papers of the day and of earlier days."""
    known = [*papers, *background]
    encode = embedding.fitted(known)
    vectors = unit(encode(known))
    centre = np.asarray(vectors.mean(axis=0), np.float32)
    strength, directions = np.linalg.eigh(np.cov((vectors - centre).T).astype(np.float64))
    even = (1 - SHRINK) * np.maximum(strength, 0) + SHRINK * max(float(strength.mean()), 1e-12)
    whiten = np.asarray(directions / np.sqrt(even), np.float32)
    candidates = unit((vectors[: len(papers)] - centre) @ whiten)
    return Space(candidates, embedding.weight, encode, centre, whiten)


def nearest(rows: Floats) -> Floats:
    """For every candidate (across) the mean of its nearest documents (down)."""
    if len(rows) <= NEAREST:
        return np.asarray(rows.mean(axis=0), np.float32)
    best = np.full((NEAREST, rows.shape[1]), -np.inf, np.float32)
    for row in rows:  # a document at a time: to sort all of them for every paper takes ten times as long
        pushed = row
        for place in range(NEAREST):
            lower = np.minimum(best[place], pushed)
            np.maximum(best[place], pushed, out=best[place])
            pushed = lower
    return np.asarray(best.mean(axis=0), np.float32)


def packed(vector: Floats) -> bytes:
    """A vector as the store keeps it: half precision, which loses nothing that ranking would notice."""
    return vector.astype("<f2").tobytes()


def unpacked(stored: bytes) -> Floats:
    """A vector as it came out of the store."""
    return np.frombuffer(stored, "<f2").astype(np.float32)


def unit(rows: AnyFloats) -> Floats:
    """The rows with a length of one; a row of nothing stays so."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float32)
