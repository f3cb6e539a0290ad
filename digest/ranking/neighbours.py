"""The nearest others of each paper of a day, from which its scores are smoothed.

Of more than ANEW_UP_TO papers, what was found is kept between runs: only papers that are new to the pool are
compared with all. An earlier comparison stands for as long as both papers are in the pool, although the
weights of terms change a little from day to day.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from digest.ranking.array_types import Floats, Indices
from digest.ranking.hubness import subtract_hubness
from digest.ranking.sparse_rows import PostingLists, SparseRows

ANEW_UP_TO = 10_000  # papers that are compared each time anew
BLOCK_CELLS = 1_000_000  # pairs of papers compared at once: bounds the memory
NEIGHBOUR_COUNT = 10  # the nearest papers that count
KEPT_COUNT = 20  # those kept between runs, as some of them leave the pool
PART_COLUMNS = 32  # of a row, whose maxima are compared first
MAX_NEW_SHARE = 0.5  # of the papers; with more of them all are compared anew
_CHECKSUM_BYTES = 16
_COLUMNS: tuple[tuple[str, int], ...] = (("<u8", 1), ("<i4", KEPT_COUNT), ("<f4", KEPT_COUNT))
_BYTES_PER_PAPER = sum(np.dtype(kind).itemsize * count for kind, count in _COLUMNS)

Keys = np.ndarray[tuple[int, ...], np.dtype[np.uint64]]


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The nearest others of many papers: a row for each paper."""

    keys: Keys  # of the papers, by their texts
    nearest: Indices  # rows of the nearest others; -1 where there are fewer
    excess: Floats  # how much more similar each is than papers in general; 0 where there is none

    def to_text(self) -> str:
        """Return them as text, with a checksum first."""
        arrays = (self.keys, self.nearest, self.excess)
        body = b"".join(
            np.asarray(array, kind).tobytes() for array, (kind, _) in zip(arrays, _COLUMNS, strict=True)
        )
        return b64encode(blake2b(body, digest_size=_CHECKSUM_BYTES).digest() + body).decode()

    @classmethod
    def from_text(cls, text: str) -> "Neighbours | None":
        """Return what `to_text` wrote; None if it is empty, damaged or of another format."""
        try:
            stored = b64decode(text, validate=True)
        except ValueError:
            return None
        checksum, body = stored[:_CHECKSUM_BYTES], stored[_CHECKSUM_BYTES:]
        size, rest = divmod(len(body), _BYTES_PER_PAPER)
        if rest or not size or blake2b(body, digest_size=_CHECKSUM_BYTES).digest() != checksum:
            return None
        arrays: list[Any] = []
        start = 0
        for kind, count in _COLUMNS:
            arrays.append(np.frombuffer(body, kind, size * count, start))
            start += arrays[-1].nbytes
        keys, nearest, excess = arrays
        return cls(keys, nearest.reshape(size, KEPT_COUNT), excess.reshape(size, KEPT_COUNT))


def compute_keys(texts: Sequence[str]) -> Keys:
    """Return a key for each text, the same for the same text."""
    hashes = b"".join(blake2b(text.encode(errors="replace"), digest_size=8).digest() for text in texts)
    return np.frombuffer(hashes, "<u8")


def weigh_neighbours(
    unit: SparseRows, posting_lists: PostingLists, centroid_similarity: Floats, spreads: Floats
) -> SparseRows:
    """Return the weights of each paper's nearest others among at most ANEW_UP_TO; they sum to one.

    *unit* has a row of unit length for each paper, *posting_lists* the same by term. A block at a time: only
    the nearest are kept, so that memory grows as the number of papers does.
    """
    size, (columns, weights) = len(unit), _keep_largest(np.zeros((0, len(unit)), np.float32))
    neighbours = [(columns, weights)]
    block_rows = max(1, BLOCK_CELLS // max(size, 1))
    for start in range(0, size, block_rows):
        rows = np.arange(start, min(start + block_rows, size))
        block = _compare(unit.take(rows), posting_lists, rows, centroid_similarity, spreads)
        neighbours.append(_keep_largest(block**2))
    return _to_rows(*(np.concatenate(part) for part in zip(*neighbours, strict=True)))


def find_neighbours(  # noqa: PLR0913  the papers, and what is known of them
    unit: SparseRows,
    posting_lists: PostingLists,
    centroid_similarity: Floats,
    spreads: Floats,
    *,
    keys: Keys,
    known: Neighbours | None = None,
) -> Neighbours:
    """Return the nearest others of many papers; those in *known* are compared only with the new ones."""
    size = len(keys)
    found, is_new = _recall(keys, known)
    new = np.flatnonzero(is_new)
    block_rows = max(1, BLOCK_CELLS // max(size, 1))
    for start in range(0, len(new), block_rows):
        rows = new[start : start + block_rows]
        block = _compare(unit.take(rows), posting_lists, rows, centroid_similarity, spreads)
        found.nearest[rows], found.excess[rows] = _select_largest(
            np.broadcast_to(np.arange(size), block.shape), block
        )
        if len(new) < size:
            _offer(found, rows, np.where(is_new, np.float32(0), block))
    return found


def to_weights(found: Neighbours) -> SparseRows:
    """Return the weights of each paper's nearest others; they sum to one."""
    places, weights = _keep_largest(found.excess**2)
    return _to_rows(np.maximum(np.take_along_axis(found.nearest, places, axis=1), 0), weights)


def _compare(
    rows: SparseRows,
    posting_lists: PostingLists,
    indices: Indices,
    centroid_similarity: Floats,
    spreads: Floats,
) -> Floats:
    """Return how much more similar these papers are to each paper than papers in general; 0 to themselves."""
    block = posting_lists.multiply(rows)
    block[np.arange(len(indices)), indices] = 0
    return subtract_hubness(block, centroid_similarity, spreads, indices)


def _recall(keys: Keys, known: Neighbours | None) -> tuple[Neighbours, Any]:
    """Return the known neighbours that are in the pool, by its rows, and which papers are new to it."""
    nearest: Indices = np.full((len(keys), KEPT_COUNT), -1, np.intp)
    excess = np.zeros((len(keys), KEPT_COUNT), np.float32)
    found, is_new = Neighbours(keys, nearest, excess), np.ones(len(keys), np.bool_)
    if known is None:
        return found, is_new
    position = _find_positions(keys, known.keys)
    if (position < 0).mean() > MAX_NEW_SHARE:
        return found, is_new
    old = np.flatnonzero(position >= 0)
    former, row_of = known.nearest[position[old]], _find_positions(known.keys, keys)
    is_former = (former >= 0) & (former < len(row_of))
    rows = np.where(is_former, row_of[np.where(is_former, former, 0)], -1)
    rows[rows == old[:, None]] = -1  # another paper with the same text
    nearest[old] = rows
    excess[old] = np.where(rows >= 0, known.excess[position[old]], 0)
    return found, position < 0


def _offer(found: Neighbours, papers: Indices, block: Floats) -> None:
    """Take these papers (rows of *block*) among the nearest of the other papers (columns) where they are."""
    tenth = -np.partition(-found.excess, NEIGHBOUR_COUNT - 1, axis=1)[:, NEIGHBOUR_COUNT - 1]
    owners = np.flatnonzero((block > tenth).any(axis=0))
    offered = np.ascontiguousarray(block[:, owners].T)
    nearest = np.hstack([found.nearest[owners], np.broadcast_to(papers, offered.shape)])
    found.nearest[owners], found.excess[owners] = _select_largest(
        nearest, np.hstack([found.excess[owners], offered])
    )


def _select_largest(papers: Indices, excess: Floats) -> tuple[Indices, Floats]:
    """Return the KEPT_COUNT papers of each row with the largest excess, and their excess."""
    columns = _find_largest(excess, KEPT_COUNT)
    largest = np.take_along_axis(excess, columns, axis=1)
    return np.where(largest > 0, np.take_along_axis(papers, columns, axis=1), -1), largest


def _find_positions(wanted: Keys, among: Keys) -> Indices:
    """Return where each wanted key is among others; -1 if it is not."""
    order = np.argsort(among, kind="stable")
    places = np.minimum(np.searchsorted(among, wanted, sorter=order), len(among) - 1)
    return np.where(among[order[places]] == wanted, order[places], -1)


def _find_largest(values: Floats, count: int) -> Indices:
    """Return the columns of the *count* largest values of each row; none may be negative.

    They are in the *count* parts of the row with the largest maxima, so only these are partitioned.
    """
    rows, size = values.shape
    if rows and size > 2 * count * PART_COLUMNS:
        padded = np.pad(values, ((0, 0), (0, -size % PART_COLUMNS)), constant_values=-1)
        parts = padded.reshape(rows, -1, PART_COLUMNS)
        best = np.argpartition(-parts.max(axis=2), count - 1, axis=1)[:, :count]
        columns = (best[:, :, None] * PART_COLUMNS + np.arange(PART_COLUMNS)).reshape(rows, -1)
        inside = np.take_along_axis(parts, best[:, :, None], axis=1).reshape(rows, -1)
        return np.take_along_axis(columns, _find_largest(inside, count), axis=1)
    return np.argpartition(-values, count - 1, axis=1)[:, :count]


def _keep_largest(weights: Floats) -> tuple[Indices, Floats]:
    """Return, for each paper (a row), the columns of the largest weights to others, which sum to one."""
    rows, size = weights.shape
    if size <= NEIGHBOUR_COUNT:
        return np.zeros((rows, 0), np.intp), np.zeros((rows, 0), np.float32)
    columns = _find_largest(weights, NEIGHBOUR_COUNT)
    largest = np.take_along_axis(weights, columns, axis=1)
    largest /= np.maximum(largest.sum(axis=1, keepdims=True), np.float32(1e-9))
    return columns, largest


def _to_rows(columns: Indices, weights: Floats) -> SparseRows:
    """Return a square matrix with the same number of entries in each row."""
    size, count = columns.shape
    return SparseRows(weights.ravel(), columns.ravel().astype(np.int32), np.arange(size + 1) * count, size)
