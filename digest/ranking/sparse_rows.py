"""Matrices that are mostly zeros, by rows, and their products.

SciPy has the same, but its import takes 13 MiB and 0.1 s of CPU, more than these products in most runs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from digest.ranking.array_types import Doubles, Floats, Indices

# A column is common if more rows than this, and than this share of them, use it. Common columns are
# multiplied as a dense matrix, which is faster for them: for 500 to 6,000 rows of 180 words each, shares of
# 0.03 and 0.05 took as long as SciPy's product, 0.01 and 0.1 up to twice as long.
MIN_COMMON_ROWS, MIN_COMMON_SHARE = 10, 0.03
MIN_FILL = 0.03  # share of a dense matrix that is not zero, at least: less is multiplied faster without it
LONG_ROW = 32  # entries of a row on average, from which on each row is multiplied by itself
BLOCK_CELLS = 65_536  # numbers that are gathered at once: they stay in the processor's cache

Columns = np.ndarray[tuple[int, ...], np.dtype[np.int32]]


@dataclass(frozen=True, slots=True, eq=False)
class SparseRows:
    """A matrix as the values and columns of its entries, one row after the other (CSR).

    A column may come more than once in a row: then it means the sum.
    """

    values: Floats
    columns: Columns
    ends: Indices  # the entries of row r are those from ends[r] to ends[r + 1]
    width: int  # number of columns

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.ends) - 1

    def __matmul__(self, dense: Floats) -> Floats:
        """Return the product with a dense matrix."""
        dense, sizes = np.ascontiguousarray(dense, np.float32), np.diff(self.ends)
        product = np.zeros((len(self), dense.shape[1]), np.float32)
        if len(self.values) > LONG_ROW * len(self):
            for row, (start, end) in enumerate(pairwise(self.ends.tolist())):
                product[row] = self.values[start:end] @ dense[self.columns[start:end]]
            return product
        rows = max(1, BLOCK_CELLS // max(1, dense.shape[1]))
        for start in range(0, len(self), rows):
            block, own = product[start : start + rows], sizes[start : start + rows]
            # The first entries of all rows of the block, then the second ones, ...
            for place in range(int(own.max())):
                filled = np.flatnonzero(own > place)
                entries = self.ends[start + filled] + place
                part = dense[self.columns[entries]]
                part *= self.values[entries, None]
                if len(filled) == len(block):
                    block += part
                else:
                    block[filled] += part
        return product

    def multiply_vector(self, vector: Floats) -> Floats:
        """Return the product with a vector."""
        return self.sum_entries(self.values * vector[self.columns])

    def combine(self, rows: "SparseRows") -> "SparseRows":
        """Return the product with another sparse matrix, in which columns come more than once."""
        entries, sizes = rows.find_entries(self.columns)
        ends = np.append(0, np.cumsum(sizes))[self.ends]
        return SparseRows(
            np.repeat(self.values, sizes) * rows.values[entries], rows.columns[entries], ends, rows.width
        )

    @property
    def owners(self) -> Indices:
        """The row of each entry."""
        return np.repeat(np.arange(len(self)), np.diff(self.ends))

    def find_entries(self, rows: Indices | Columns) -> tuple[Indices, Indices]:
        """Return the positions of all entries of these rows, one row after the other, and their sizes."""
        starts, sizes = self.ends[rows], self.ends[rows + 1] - self.ends[rows]
        before = np.cumsum(sizes) - sizes
        return np.arange(int(sizes.sum())) + np.repeat(starts - before, sizes), sizes

    def take(self, rows: Indices | Sequence[int]) -> "SparseRows":
        """Return these rows, in this order."""
        entries, sizes = self.find_entries(np.asarray(rows, np.intp))
        ends = np.append(0, np.cumsum(sizes))
        return SparseRows(self.values[entries], self.columns[entries], ends, self.width)

    def slice(self, start: int, end: int) -> "SparseRows":
        """Return the rows from *start* to before *end*, without copying the entries."""
        entries = slice(self.ends[start], self.ends[end])
        ends = self.ends[start : end + 1] - self.ends[start]
        return SparseRows(self.values[entries], self.columns[entries], ends, self.width)

    def replace_values(self, values: Floats | Doubles) -> "SparseRows":
        """Return the matrix with other values of the same entries."""
        return replace(self, values=np.asarray(values, np.float32))

    def sum_entries(self, values: Floats) -> Floats:
        """Return the sum of the *values* of each row, one for each entry."""
        return np.asarray(np.bincount(self.owners, values, len(self)), np.float32)

    def sum_columns(self) -> Floats:
        """Return the sum of each column."""
        return np.asarray(np.bincount(self.columns, self.values, self.width), np.float32)

    def compute_lengths(self) -> Floats:
        """Return the length of each row, in which no column may come twice."""
        return np.sqrt(self.sum_entries(np.square(self.values)))

    def merge_columns(self) -> "SparseRows":
        """Return the same matrix with each column of a row once, in ascending order."""
        cells, places = np.unique(self.owners * self.width + self.columns, return_inverse=True)
        ends = np.searchsorted(cells, np.arange(len(self) + 1) * self.width)
        values = np.bincount(places, self.values, len(cells)).astype(np.float32)
        return SparseRows(values, (cells % max(self.width, 1)).astype(np.int32), ends, self.width)

    def transpose(self) -> "SparseRows":
        """Return the matrix with a row for each column."""
        order = np.argsort(self.columns, kind="stable")
        ends = np.append(0, np.cumsum(np.bincount(self.columns, minlength=self.width)))
        return SparseRows(self.values[order], self.owners[order].astype(np.int32), ends, len(self))

    def to_dense(self) -> Floats:
        """Return the matrix with all its zeros."""
        dense = np.zeros(len(self) * self.width, np.float32)
        np.add.at(dense, self.owners * self.width + self.columns, self.values)
        return dense.reshape(len(self), self.width)


class PostingLists:
    """Rows by column, for their scalar products with many others."""

    def __init__(self, rows: SparseRows) -> None:
        self.by_column = rows.transpose()
        self._size = len(rows)

    def multiply(self, others: SparseRows) -> Floats:
        """Return the scalar product of each of the *others* (a row) with each row (a column)."""
        rows, common = self._common
        is_sparse = np.count_nonzero(rows[others.columns] >= 0) < MIN_FILL * len(others) * len(common)
        if is_sparse:
            rows, common = np.full_like(rows, -1), common[:0]
        product = np.zeros((len(others), self._size), np.float32)
        dense = np.zeros((len(others), len(common)), np.float32)
        for start, end in self._split(others, np.where(rows < 0, np.diff(self.by_column.ends), 0)):
            block = others.slice(start, end)
            owners, own_rows = block.owners, rows[block.columns]
            entries = np.flatnonzero(own_rows >= 0)
            cells = owners[entries] * len(common) + own_rows[entries]
            np.add.at(dense[start:end].reshape(-1), cells, block.values[entries])
            entries = np.flatnonzero(own_rows < 0)
            positions, sizes = self.by_column.find_entries(block.columns[entries])
            cells = np.repeat(owners[entries] * self._size, sizes) + self.by_column.columns[positions]
            terms = np.repeat(block.values[entries], sizes) * self.by_column.values[positions]
            size = (end - start) * self._size
            product[start:end] = np.bincount(cells, terms, size).reshape(end - start, self._size)
        return product if is_sparse else product + dense @ common

    def _split(self, others: SparseRows, sizes: Indices) -> Iterator[tuple[int, int]]:
        """Yield ranges of rows with about BLOCK_CELLS products, at least one row each.

        *sizes* are the numbers of products of an entry in each column.
        """
        products = np.append(0, np.cumsum(sizes[others.columns]))[others.ends]
        products += np.arange(len(others) + 1) * self._size
        start = 0
        while start < len(others):
            end = max(start + 1, int(np.searchsorted(products, products[start] + BLOCK_CELLS)) - 1)
            yield start, end
            start = end

    @cached_property
    def _common(self) -> tuple[Columns, Floats]:
        """The row of each column in the dense matrix of common columns (-1 for rare ones), and the matrix."""
        sizes = np.diff(self.by_column.ends)
        common = np.flatnonzero(sizes > max(MIN_COMMON_ROWS, MIN_COMMON_SHARE * self._size))
        rows = np.full(len(sizes), -1, np.int32)
        rows[common] = np.arange(len(common))
        return rows, self.by_column.take(common).to_dense()
