"""BM25 term weights of a day's papers, and what is needed to centre similarities on the usual paper."""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock

import numpy as np

from digest.ranking.array_types import Floats, Indices
from digest.ranking.hubness import compute_spreads
from digest.ranking.neighbours import (
    ANEW_UP_TO,
    BLOCK_CELLS,
    Keys,
    Neighbours,
    find_neighbours,
    to_weights,
    weigh_neighbours,
)
from digest.ranking.sparse_rows import PostingLists, SparseRows
from digest.ranking.tokenizer import extract_terms

K1 = 1.2  # of BM25: the third mention of a term adds less than the first
B = 0.75  # of BM25: how strongly a term counts less in a long text
IDF_POWER = 1.25  # exponent of the inverse document frequency
PAIR_IDF_FACTOR = 0.85  # word pairs are rarer than words without being that much more specific
NORM_POWER = 0.7  # candidates are divided by their norm to this power: 1 would favour short abstracts
USUAL_SIMILARITY = 0.0075  # of two papers of a field, measured with 800 earlier abstracts; for the first days
MIN_BACKGROUND = 100  # papers of earlier days from which the usual paper can be estimated
MAX_COSINES = 16_000_000  # cosines of two papers that are kept: all, up to 4,000 papers
MIN_COSINE_ROWS = 64  # papers that are compared with all others at once, however many there are
NEIGHBOUR_WEIGHT = 0.3  # of the mean score of a candidate's nearest others

TermWeights = Mapping[str, float]  # how often a document uses each term, or how strongly it means it


def count_terms(text: str) -> TermWeights:
    """Return how often a text uses each of its terms."""
    return Counter(extract_terms(text))


@dataclass(frozen=True, slots=True)
class EncodedDocuments:
    """Documents as a sparse matrix with rows of unit length."""

    rows: SparseRows
    terms: Sequence[str]  # by column
    idf: Floats  # by column


class Corpus:
    """The candidates of a day and earlier papers as background: term columns, idf and candidate vectors.

    `candidates` are rows of unit length, over the columns of the terms that they use.
    With *keys* of the papers' texts, the nearest others of more than ANEW_UP_TO papers are those in *known*
    as far as they go, and are kept as `neighbours` for the next time.
    """

    def __init__(
        self,
        papers: Iterable[TermWeights],
        background: Iterable[TermWeights] = (),
        *,
        keys: Keys | None = None,
        known: Neighbours | None = None,
    ) -> None:
        # Read one at a time: the counts of all documents take four times the memory of the matrix.
        counts, self.columns, size = _build_count_matrix(papers, background)
        self._size = len(counts)
        self._mean_length = float(counts.values.sum()) / max(self._size, 1) or 1.0
        self.idf = self._compute_idf(np.bincount(counts.columns, minlength=len(self.columns)))
        weights = self._weigh(counts, self.idf)
        norms = weights.compute_lengths()
        unit = _divide_rows(weights, norms)
        own, background_rows = unit.slice(0, size), unit.slice(size, self._size)
        has_background = self._size - size >= MIN_BACKGROUND
        usual = background_rows if has_background else unit
        self.centroid = centroid = usual.sum_columns() / np.float32(max(len(usual), 1))
        spreads = compute_spreads(own, background_rows) if has_background else np.ones(size, np.float32)
        confidence = min(1.0, self._size / MIN_BACKGROUND)
        self.mean_similarity = float(centroid @ centroid)  # of two papers that have nothing in common
        # Terms of candidates are numbered before those that only background papers use.
        width = int(own.columns.max(initial=-1)) + 1
        self.candidates = SparseRows(own.values.copy(), own.columns.copy(), own.ends, width)
        self._posting_lists = PostingLists(self.candidates)
        self._own_similarity = norms[:size] ** (1 - NORM_POWER) / spreads  # of each paper to itself
        centroid_similarity = own.multiply_vector(centroid)
        expected = centroid_similarity
        if not has_background:  # then each paper is one of those that the centroid is made from
            expected = centroid_similarity - np.float32(1 / max(self._size, 1))
        self.expected_similarity = np.asarray(confidence * self._own_similarity * expected, np.float32)
        compared = self.candidates, self._posting_lists, centroid_similarity, spreads
        self.neighbours: Neighbours | None = None
        if size <= ANEW_UP_TO:
            self._neighbours = weigh_neighbours(*compared)
        else:
            keys = np.arange(size, dtype=np.uint64) if keys is None else keys
            self.neighbours = find_neighbours(*compared, keys=keys, known=known)
            self._neighbours = to_weights(self.neighbours)
        # Added to smoothed, centred similarities, it centres them on usual papers instead of on the day.
        beyond_usual = (
            0 if has_background else self.expected_similarity - USUAL_SIMILARITY * self._own_similarity
        )
        self.usual_offset = self.smooth(np.full((1, size), beyond_usual, np.float32).T).ravel()

    def encode(self, documents: Sequence[TermWeights]) -> EncodedDocuments:
        """Return documents as unit rows over their own terms, whether or not today's papers use them."""
        counts, own_columns, _ = _build_count_matrix(documents)
        columns = np.array([self.columns.get(term, -1) for term in own_columns], np.intp)
        unseen_idf = float(np.log1p((self._size + 0.5) / 0.5)) ** IDF_POWER
        idf = np.append(self.idf, np.float32(unseen_idf))[columns]
        weights = self._weigh(counts, idf)
        unit = _divide_rows(weights, weights.compute_lengths())
        return EncodedDocuments(unit, tuple(own_columns), idf)

    @cached_property
    def terms(self) -> tuple[str, ...]:
        """The terms in the order of their columns."""
        return tuple(self.columns)

    @cached_property
    def _cosines(self) -> "_Cosines":
        return _Cosines(self.candidates, self._posting_lists)

    def compute_similarity(self, rows: SparseRows) -> Floats:
        """Return the similarity of each of these rows with each candidate (a column).

        It is the scalar product with a candidate divided by its norm to the power NORM_POWER and its spread.
        """
        return self._posting_lists.multiply(rows) * self._own_similarity

    def compute_specificity(self, rows: SparseRows) -> Floats:
        """Return a weight for each document: 1 if it shares nothing with the usual paper, else less.

        1 / sqrt(1 + similarity to the centroid / mean similarity of two papers)
        """
        ratio = np.maximum(rows.multiply_vector(self.centroid), 0) / max(self.mean_similarity, 1e-9)
        return np.asarray(1 / np.sqrt(1 + ratio), np.float32)

    def compare_candidates(self, indices: Indices) -> Floats:
        """Return the cosine of each two papers of each row of *indices*, 0 for a paper with itself."""
        return self._cosines.get_all(np.asarray(indices, np.intp))

    def smooth(self, scores: Floats) -> Floats:
        """Return scores (a row for each candidate) with a share of those of its nearest neighbours added."""
        return np.asarray(scores + NEIGHBOUR_WEIGHT * (self._neighbours @ scores), np.float32)

    def _weigh(self, counts: SparseRows, idf: Floats) -> SparseRows:
        lengths = counts.sum_entries(np.abs(counts.values)) / np.float32(self._mean_length)
        damping = (K1 * (1 - B + B * lengths))[counts.owners]
        saturated = counts.values * (K1 + 1) / (np.abs(counts.values) + damping)
        return counts.replace_values(saturated * idf[counts.columns])

    def _compute_idf(self, document_counts: Indices) -> Floats:
        is_pair = np.fromiter((" " in term for term in self.columns), np.bool_, len(self.columns))
        idf = np.log1p((self._size - document_counts + 0.5) / (document_counts + 0.5))
        return np.asarray((idf * np.where(is_pair, PAIR_IDF_FACTOR, 1)) ** IDF_POWER, np.float32)


class _Cosines:
    """Cosines of papers with all others, computed when a paper is first asked for and kept."""

    def __init__(self, papers: SparseRows, posting_lists: PostingLists) -> None:
        self._papers, self._posting_lists = papers, posting_lists
        size = len(papers)
        rows = min(size, max(MAX_COSINES // max(size, 1), MIN_COSINE_ROWS))
        self._rows = np.zeros((rows, size), np.float32)
        self._row_of, self._used = self._forget()
        self._lock = Lock()  # pages are made in several threads

    def get_all(self, indices: Indices) -> Floats:
        """Return the cosine of each two papers of each row of *indices*."""
        with self._lock:
            return self._get_all(indices)

    def _get_all(self, indices: Indices) -> Floats:
        most = max(1, len(self._rows) // max(indices.shape[-1], 1))  # rows whose papers certainly fit
        if indices.ndim > 1 and len(indices) > most and len(self._rows) < len(self._row_of):
            parts = [self._get_all(indices[start : start + most]) for start in range(0, len(indices), most)]
            return np.concatenate(parts)
        new = np.unique(indices[self._row_of[indices] < 0])
        if self._used + len(new) > len(self._rows):
            self._row_of, self._used = self._forget()
            new = np.unique(indices)
        rows = np.arange(self._used, self._used + len(new))
        block_rows = max(1, BLOCK_CELLS // max(len(self._row_of), 1))
        for start in range(0, len(new), block_rows):
            part = slice(start, start + block_rows)
            self._rows[rows[part]] = self._posting_lists.multiply(self._papers.take(new[part]))
        self._rows[rows, new] = 0
        self._row_of[new], self._used = rows, self._used + len(new)
        cosines: Floats = self._rows[self._row_of[indices][..., :, None], indices[..., None, :]]
        return cosines

    def _forget(self) -> tuple[Indices, int]:
        """Return the row of each paper and how many rows are used: none."""
        return np.full(len(self._papers), -1, np.intp), 0


def _build_count_matrix(
    documents: Iterable[TermWeights], further: Iterable[TermWeights] = ()
) -> tuple[SparseRows, dict[str, int], int]:
    """Return the counts of all documents (rows), the column of each term, and how many are not *further*.

    Terms are numbered as they come, those of *documents* before those that only *further* ones use.
    """
    columns: dict[str, int] = {}
    indices, counts, ends = array("i"), array("f"), array("q", [0])
    sizes = []
    for part in (documents, further):
        for document in part:
            indices.fromlist([columns.setdefault(term, len(columns)) for term in document])
            counts.fromlist([*document.values()])
            ends.append(len(indices))
        sizes.append(len(ends) - 1)
    entries = np.frombuffer(counts, np.float32), np.frombuffer(indices, np.int32)
    return SparseRows(*entries, np.array(ends), len(columns)), columns, sizes[0]


def _divide_rows(rows: SparseRows, divisors: Floats) -> SparseRows:
    """Divide each row by its divisor; a divisor of 0 leaves the row as it is."""
    return rows.replace_values(rows.values / np.where(divisors > 0, divisors, 1)[rows.owners])
