"""The columns of terms, found by their ids: readers' documents as rows over the terms of the day."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from digest.ranking.bm25 import Corpus
from digest.ranking.profile_vectors import ProfileVectors, TermIds, hash_terms
from digest.ranking.sparse_rows import Columns, SparseRows

SLOTS_PER_TERM = 4  # of the table in which terms are found by id, at least: fewer make it slower


class TermIndex:
    """The terms of a corpus that candidates use."""

    def __init__(self, corpus: Corpus) -> None:
        self._width = corpus.candidates.width
        self._idf = corpus.idf[: self._width]
        self._terms = corpus.terms[: self._width]

    def build_rows(self, profiles: Sequence[ProfileVectors]) -> SparseRows:
        """Return the documents of these profiles, one after the other, as rows in today's columns and idf."""
        empty = np.zeros(0, np.uint32)
        term_ids = np.concatenate([empty, *(profile.term_ids for profile in profiles)])
        term_weights = np.concatenate([empty, *(profile.term_weights for profile in profiles)])
        term_counts = np.concatenate([empty, *(profile.term_counts for profile in profiles)]).astype(np.intp)
        columns = self._find_columns(term_ids)
        is_used = columns >= 0
        ends = np.append(0, np.cumsum(is_used))[np.append(0, np.cumsum(term_counts))]
        values = np.asarray(term_weights[is_used] * self._idf[columns[is_used]], np.float32)
        return SparseRows(values, columns[is_used], ends, self._width)

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
