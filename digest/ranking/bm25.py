"""How much does a paper say what someone liked, in words? BM25 weights, and what is usual subtracted."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from digest.ranking.hubness import BLOCK, spreads, without_hubs
from digest.ranking.tokenizer import terms

SATURATION = 1.2  # BM25's k1: the third mention of a term says less than the first
LENGTH = 0.75  # BM25's b: how far long texts are held to say less with each word
RARITY = 1.25  # the power of the inverse document frequency
PAIRS = 0.85  # pairs of words are rarer than words without telling as much more
PIVOT = 0.7  # candidates are divided by their length to this power: 1 would favour short abstracts
ENOUGH_BACKGROUND = 100  # papers of earlier days from which the usual paper can be known
NEIGHBOURS, LENT = 10, 0.3  # a candidate borrows this share from the mean of so many nearest candidates

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
Halves = np.ndarray[tuple[int, ...], np.dtype[np.float16]]
Terms = Mapping[str, float]  # how often, or how strongly, each term is meant


def counted(text: str) -> Terms:
    """How often a text uses each of its terms."""
    return Counter(terms(text))


@dataclass(frozen=True, slots=True)
class Encoded:
    """Documents in all their terms: rows of unit length, what the columns are called, how rare each is."""

    rows: sparse.csr_array
    names: Sequence[str]
    rarity: Floats


class Lexicon:
    """The language of the day: which terms exist, how rare each is, and the candidates in these terms."""

    def __init__(self, papers: Sequence[Terms], background: Sequence[Terms] = ()) -> None:
        everything = [*papers, *background]
        self.places = _places(everything)
        counts = _table(everything, self.places)
        self._total = counts.shape[0]
        self._usual_length = float(counts.sum()) / max(self._total, 1) or 1.0
        self._rarity = self._rarities(
            np.bincount(counts.indices, minlength=len(self.places)).astype(np.float32)
        )
        weights = self._weights(counts, self._rarity)
        norms = _norms(weights)
        unit, size = _divided(weights, norms), len(papers)
        has_past = len(background) >= ENOUGH_BACKGROUND
        self.general = usual = _middle(unit[size:] if has_past else unit)  # the usual paper, by column
        spread = spreads(unit[:size], unit[size:]) if has_past else np.ones(size, np.float32)
        self.candidates = _divided(weights[:size], norms[:size] ** PIVOT * spread)
        known = min(1.0, self._total / ENOUGH_BACKGROUND)
        self.unrelated = float(usual @ usual)  # how similar two papers are that have nothing in common
        self.usual = np.asarray(known * (self.candidates @ usual), np.float32)
        self.alike, self._neighbours = _compared(unit[:size], unit[:size] @ usual, spread)

    def encode(self, documents: Sequence[Terms]) -> Encoded:
        """Documents as rows of unit length in terms of their own, whether today's papers use them or not."""
        places = _places(documents)
        known = np.array([self.places.get(term, -1) for term in places], np.intp)
        unheard = float(np.log1p((self._total + 0.5) / 0.5)) ** RARITY
        rarity = np.append(self._rarity, np.float32(unheard))[known]
        weights = self._weights(_table(documents, places), rarity)
        return Encoded(_divided(weights, _norms(weights)), tuple(places), rarity)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The terms in the order of their columns."""
        return tuple(self.places)

    @property
    def rarity(self) -> Floats:
        """How much more a rare term tells than a common one, by column."""
        return self._rarity

    def telling(self, rows: sparse.csr_array) -> Floats:
        """How much each of these documents tells: 1 with nothing usual in it, less the more there is.

        1 / sqrt(1 + what it has in common with the usual paper / what two unrelated papers have in common)
        """
        usual = np.maximum(rows @ self.general[: rows.shape[1]], 0) / max(self.unrelated, 1e-9)
        return np.asarray(1 / np.sqrt(1 + usual), np.float32)

    def smoothed(self, columns: Floats) -> Floats:
        """The same columns after every candidate borrowed a little from its nearest neighbours of the day."""
        return np.asarray(columns + LENT * (self._neighbours @ columns), np.float32)

    def _weights(self, counts: sparse.csr_array, rarity: Floats) -> sparse.csr_array:
        lengths = np.asarray(np.abs(counts).sum(axis=1)).ravel() / self._usual_length
        dampers = np.repeat(SATURATION * (1 - LENGTH + LENGTH * lengths), np.diff(counts.indptr))
        saturated = counts.data * (SATURATION + 1) / (np.abs(counts.data) + dampers)
        return _valued(counts, saturated * rarity[counts.indices])

    def _rarities(self, documents: Floats) -> Floats:
        pairs = np.fromiter((" " in term for term in self.places), np.bool_, len(self.places))
        rarity = np.log1p((self._total - documents + 0.5) / (documents + 0.5)) * np.where(pairs, PAIRS, 1)
        return np.asarray(rarity**RARITY, np.float32)


def _places(documents: Iterable[Iterable[str]]) -> dict[str, int]:
    places: dict[str, int] = {}
    for document in documents:
        for term in document:
            places.setdefault(term, len(places))
    return places


def _table(documents: Sequence[Terms], places: Mapping[str, int]) -> sparse.csr_array:
    columns = np.fromiter((places[term] for document in documents for term in document), np.int32)
    values = np.fromiter((times for document in documents for times in document.values()), np.float32)
    ends = np.cumsum([0, *map(len, documents)])
    return sparse.csr_array((values, columns, ends), shape=(len(documents), len(places)))


def _compared(unit: sparse.csr_array, general: Floats, spread: Floats) -> tuple[Halves, sparse.csr_array]:
    """How alike papers are, each to each, as cosines (none is like itself); and each one's nearest others.

    A block at a time: of ten thousand papers there are a hundred million pairs.
    """
    size, others = unit.shape[0], unit.T.tocsr()
    alike, nearest = np.zeros((size, size), np.float16), [_nearest(np.zeros((0, size), np.float32))]
    for start in range(0, size, BLOCK):
        rows = slice(start, start + BLOCK)
        near = np.asarray((unit[rows] @ others).toarray(), np.float32)
        np.fill_diagonal(near[:, rows], 0)
        alike[rows] = near
        nearest.append(_nearest(without_hubs(near, general, spread, rows) ** 2))
    return alike, sparse.csr_array(sparse.vstack(nearest))


def _nearest(near: Floats) -> sparse.csr_array:
    """The nearest papers (across) to each of some (down), their weights summing to one."""
    rows, size = near.shape
    if size <= NEIGHBOURS:
        return sparse.csr_array((rows, size), dtype=np.float32)
    columns = np.argpartition(-near, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    weights = np.take_along_axis(near, columns, axis=1)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), np.float32(1e-9))
    ends = np.arange(0, columns.size + 1, NEIGHBOURS)
    return sparse.csr_array((weights.ravel(), columns.ravel(), ends), shape=(rows, size))


def _middle(rows: sparse.csr_array) -> Floats:
    """The mean of some rows."""
    return np.asarray(rows.sum(axis=0), np.float32).ravel() / np.float32(max(rows.shape[0], 1))


def _valued(rows: sparse.csr_array, values: Floats) -> sparse.csr_array:
    return sparse.csr_array((values.astype(np.float32), rows.indices, rows.indptr), shape=rows.shape)


def _norms(rows: sparse.csr_array) -> Floats:
    return np.asarray(np.sqrt(np.asarray((rows * rows).sum(axis=1)).ravel()), np.float32)


def _divided(rows: sparse.csr_array, by: Floats) -> sparse.csr_array:
    return _valued(rows, rows.data / np.repeat(np.where(by > 0, by, 1), np.diff(rows.indptr)))
