"""Sparse matrices give what dense ones give."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from digest.ranking.array_types import Floats
from digest.ranking.sparse_rows import BLOCK_CELLS, LONG_ROW, MIN_COMMON_ROWS, PostingLists, SparseRows

WIDTH = 7
values = st.sampled_from([0, 0, 0, 1, -2, 0.5])
matrices = st.integers(0, 9).flatmap(lambda size: arrays(np.float32, (size, WIDTH), elements=values))


def to_sparse_rows(dense: Floats) -> SparseRows:
    """Return a matrix without its zeros."""
    owners, columns = np.nonzero(dense)
    ends = np.searchsorted(owners, np.arange(len(dense) + 1))
    return SparseRows(dense[owners, columns], columns.astype(np.int32), ends, dense.shape[1])


def make_dense(rows: int, width: int, share: float) -> Floats:
    """Return a matrix in which this share of the numbers is not zero."""
    random = np.random.default_rng(rows)
    return np.asarray(random.random((rows, width)) * (random.random((rows, width)) < share), np.float32)


@given(matrices)
def test_sums_and_forms_equal_those_of_the_dense_matrix(dense: Floats) -> None:
    rows = to_sparse_rows(dense)

    assert np.array_equal(rows.to_dense(), dense)
    assert np.array_equal(rows.transpose().to_dense(), dense.T)
    assert np.array_equal(rows.merge_columns().to_dense(), dense)
    assert np.array_equal(rows.sum_entries(rows.values), dense.sum(axis=1))
    assert np.array_equal(rows.sum_columns(), dense.sum(axis=0))
    assert np.allclose(rows.compute_lengths(), np.linalg.norm(dense, axis=1))


@given(matrices, st.data())
def test_rows_are_taken_in_any_order_and_more_than_once(dense: Floats, data: st.DataObject) -> None:
    rows = to_sparse_rows(dense)
    wanted = data.draw(st.lists(st.integers(0, len(dense) - 1), max_size=12) if len(dense) else st.just([]))
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(dense))] * 2)))

    assert np.array_equal(rows.take(wanted).to_dense(), dense[np.array(wanted, np.intp)])
    assert np.array_equal(rows.slice(start, end).to_dense(), dense[start:end])


@given(matrices, arrays(np.float32, (WIDTH, 3), elements=values))
def test_products_with_dense_matrices_equal_those_of_the_dense_matrix(dense: Floats, other: Floats) -> None:
    rows = to_sparse_rows(dense)

    assert np.allclose(rows @ other, dense @ other)
    assert np.allclose(rows.multiply_vector(other[:, 0]), dense @ other[:, 0])


@given(matrices, matrices)
def test_scalar_products_equal_those_of_dense_matrices(dense: Floats, others: Floats) -> None:
    product = PostingLists(to_sparse_rows(dense)).multiply(to_sparse_rows(others))

    assert np.allclose(product, others @ dense.T)


@given(arrays(np.float32, (4, WIDTH), elements=values), arrays(np.float32, (5, 4), elements=values))
def test_columns_that_come_more_than_once_mean_their_sum(dense: Floats, weights: Floats) -> None:
    combined = to_sparse_rows(weights).combine(to_sparse_rows(dense))
    expected = weights @ dense

    assert np.allclose(combined.to_dense(), expected)
    assert np.allclose(combined @ np.eye(WIDTH, dtype=np.float32), expected)
    identity = PostingLists(to_sparse_rows(np.eye(WIDTH, dtype=np.float32)))
    assert np.allclose(identity.multiply(combined), expected)
    merged = combined.merge_columns()
    assert np.allclose(merged.to_dense(), expected)
    assert len(merged.columns) == len({*zip(merged.owners.tolist(), merged.columns.tolist(), strict=True)})


@pytest.mark.parametrize("share", [2 * LONG_ROW / 300, LONG_ROW / 600])
def test_products_do_not_depend_on_the_length_of_rows_or_the_size_of_blocks(share: float) -> None:
    dense, other = make_dense(900, 300, share), make_dense(300, BLOCK_CELLS // 400, 0.9)

    assert np.allclose(to_sparse_rows(dense) @ other, dense @ other, rtol=1e-4)


def test_scalar_products_do_not_depend_on_how_common_a_column_is() -> None:
    """Several blocks, columns that are multiplied as a dense matrix and others, and rows without any."""
    dense, others = make_dense(700, 400, 0.02), make_dense(300, 400, 0.1)
    dense[:, :5] = 0.25
    others[100:120] = 0
    counts = np.count_nonzero(dense, axis=0)
    assert counts.min() < MIN_COMMON_ROWS < 0.03 * 700 < counts.max()

    product = PostingLists(to_sparse_rows(dense)).multiply(to_sparse_rows(others))

    assert np.allclose(product, others @ dense.T, atol=1e-5)
