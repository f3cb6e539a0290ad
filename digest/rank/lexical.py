"""How near is a paper to what someone liked, in words? BM25-weighted terms, two channels, numpy and scipy."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from scipy import sparse

from digest.rank.text import terms

SATURATION = 1.2  # BM25's k1: the third mention of a term says less than the first
LENGTH = 0.75  # BM25's b: how far long texts are held to say less with each word
RARITY = 1.25  # the power of the inverse document frequency
PIVOT = 0.7  # candidates are divided by their length to this power: 1 would favour short abstracts

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


class Lexicon:
    """The language of the day: which terms exist, how rare each is, and the candidates in these terms."""

    def __init__(self, papers: Sequence[str], background: Sequence[str] = ()) -> None:
        self._places: dict[str, int] = {}
        self._known: dict[str, sparse.csr_array] = {}
        counts = self._counts([*papers, *background], grow=True)
        documents = np.bincount(counts.indices, minlength=len(self._places))
        total = counts.shape[0]
        self._rarity = np.log1p((total - documents + 0.5) / (documents + 0.5)).astype(np.float32) ** RARITY
        self._usual_length = max(float(counts.sum()) / max(total, 1), 1.0)
        weights = self._weights(counts[: len(papers)])
        self.candidates = _divided(weights, _norms(weights) ** PIVOT)

    @property
    def vocabulary(self) -> dict[str, int]:
        """Each term beside its column."""
        return self._places

    def encode(self, texts: Sequence[str]) -> sparse.csr_array:
        """Texts as rows of unit length in the day's terms; terms nobody used today do not count."""
        weights = self._weights(self._counts(texts, grow=False))
        return _divided(weights, _norms(weights))

    def _counts(self, texts: Iterable[str], *, grow: bool) -> sparse.csr_array:
        ends, columns, values = [0], [], []
        for text in texts:
            for term, times in Counter(terms(text)).items():
                place = self._places.setdefault(term, len(self._places)) if grow else self._places.get(term)
                if place is not None:
                    columns.append(place)
                    values.append(times)
            ends.append(len(columns))
        shape = (len(ends) - 1, len(self._places))
        return sparse.csr_array(
            (np.array(values, np.float32), np.array(columns, np.int32), ends), shape=shape
        )

    def _weights(self, counts: sparse.csr_array) -> sparse.csr_array:
        lengths = np.asarray(counts.sum(axis=1)).ravel() / self._usual_length
        dampers = np.repeat(SATURATION * (1 - LENGTH + LENGTH * lengths), np.diff(counts.indptr))
        saturated = counts.data * (SATURATION + 1) / (counts.data + dampers)
        values = (saturated * self._rarity[counts.indices]).astype(np.float32)
        return sparse.csr_array((values, counts.indices, counts.indptr), shape=counts.shape)


def _norms(rows: sparse.csr_array) -> Floats:
    return np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel()).astype(np.float32)


def _divided(rows: sparse.csr_array, by: Floats) -> sparse.csr_array:
    safe = np.where(by > 0, by, 1)
    values = rows.data / np.repeat(safe, np.diff(rows.indptr))
    return sparse.csr_array((values.astype(np.float32), rows.indices, rows.indptr), shape=rows.shape)
