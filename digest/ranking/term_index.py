"""Posting lists: similarity of many documents with all candidates in one matrix product."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from scipy import sparse

from digest.ranking.array_types import Floats, Indices
from digest.ranking.bm25 import Corpus
from digest.ranking.profile_vectors import ProfileVectors, TermIds, hash_terms

# A term is common if more papers than this, and than this share of them, use it. Common terms are multiplied
# as a dense matrix, which is faster for them. Measured on abstracts with 10,000 papers: a share of 0.03 took
# 870 us for a profile of 15 papers, 100 papers 1,080, no dense matrix 1,640.
MIN_COMMON_PAPERS, MIN_COMMON_SHARE = 100, 0.03
SLOTS_PER_TERM = 4  # of the table in which terms are found by id, at least: fewer make it slower

Columns = np.ndarray[tuple[int, ...], np.dtype[np.int32]]


class PostingLists:
    """The candidates by term. Columns are the terms of the corpus that candidates use."""

    def __init__(self, corpus: Corpus) -> None:
        self.width, self.candidates, self._by_term = (
            corpus.width,
            corpus.candidates,
            corpus.candidates_by_term,
        )
        self._idf = corpus.idf[: self.width]
        self._terms = corpus.terms[: self.width]

    def build_rows(self, profiles: Sequence[ProfileVectors]) -> sparse.csr_array:
        """Return the documents of these profiles, one after the other, as rows in today's columns and idf."""
        empty = np.zeros(0, np.uint32)
        term_ids = np.concatenate([empty, *(profile.term_ids for profile in profiles)])
        term_weights = np.concatenate([empty, *(profile.term_weights for profile in profiles)])
        term_counts = np.concatenate([empty, *(profile.term_counts for profile in profiles)]).astype(np.intp)
        columns = self._find_columns(term_ids)
        is_used = columns >= 0
        ends = np.append(0, np.cumsum(is_used))[np.append(0, np.cumsum(term_counts))]
        values = np.asarray(term_weights[is_used] * self._idf[columns[is_used]], np.float32)
        return sparse.csr_array((values, columns[is_used], ends), shape=(len(term_counts), self.width))

    def compute_similarity(self, rows: sparse.csr_array) -> Floats:
        """Return the similarity of each of these rows with each candidate (a column)."""
        common_papers, common_row = self._common_terms
        entries = common_row[rows.indices]
        is_common = entries >= 0
        owners = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        dense = np.zeros((rows.shape[0], len(common_papers)), np.float32)
        dense[owners[is_common], entries[is_common]] = rows.data[is_common]
        return np.asarray(dense @ common_papers + (rows @ self._rare_terms).toarray(), np.float32)

    def _find_columns(self, term_ids: TermIds) -> Columns:
        """Return the column of each term id, -1 for terms that no candidate uses."""
        slots, ids, next_column = self._hash_table
        columns: Columns = slots[term_ids & np.uint32(len(slots) - 1)]
        while len(collisions := np.flatnonzero((columns >= 0) & (ids[columns] != term_ids))):
            columns[collisions] = next_column[columns[collisions]]
        return columns

    @cached_property
    def _hash_table(self) -> tuple[Columns, TermIds, Columns]:
        """The first column of each slot, the term ids of all columns, the next column in the same slot."""
        ids = np.append(hash_terms(self._terms), np.uint32(0))
        size = 1 << (SLOTS_PER_TERM * len(ids)).bit_length()
        slots, next_column = np.full(size, -1, np.int32), np.full(len(ids), -1, np.int32)
        for column, slot in enumerate((ids[:-1] & np.uint32(size - 1)).tolist()):
            next_column[column], slots[slot] = slots[slot], column
        return slots, ids, next_column

    @cached_property
    def _common_terms(self) -> tuple[Floats, Indices]:
        """The common terms as a dense matrix, and the row of each column in it (-1 for rare terms)."""
        threshold = max(MIN_COMMON_PAPERS, MIN_COMMON_SHARE * self.candidates.shape[0])
        common = np.flatnonzero(np.diff(self._by_term.indptr) > threshold)
        row = np.full(self.width, -1, np.intp)
        row[common] = np.arange(len(common))
        return np.asarray(self._by_term[common].toarray(), np.float32), row

    @cached_property
    def _rare_terms(self) -> sparse.csr_array:
        """The posting lists of all other terms; those of common terms are empty."""
        sizes, is_common = np.diff(self._by_term.indptr), self._common_terms[1] >= 0
        is_rare_entry = np.repeat(~is_common, sizes)
        ends = np.append(0, np.cumsum(np.where(is_common, 0, sizes)))
        return sparse.csr_array(
            (self._by_term.data[is_rare_entry], self._by_term.indices[is_rare_entry], ends),
            shape=self._by_term.shape,
        )
