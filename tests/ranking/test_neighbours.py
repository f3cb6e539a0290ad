"""Tests of the nearest others of papers, and of keeping them between runs."""

from typing import Any

import numpy as np
import pytest

from digest.ranking import neighbours
from digest.ranking.array_types import Floats
from digest.ranking.neighbours import (
    KEPT_COUNT,
    NEIGHBOUR_COUNT,
    Neighbours,
    compute_keys,
    find_neighbours,
    to_weights,
    weigh_neighbours,
)
from digest.ranking.sparse_rows import PostingLists, SparseRows
from tests.ranking.test_sparse_rows import to_sparse_rows

SIZE = 120
TEXTS = [f"Paper {number}" for number in range(SIZE)]


def make_unit(size: int = SIZE) -> SparseRows:
    """Return papers of eight terms each."""
    rng = np.random.default_rng(1)
    rows = np.zeros((size, 60), np.float32)
    for row in rows:
        row[rng.choice(60, 8, replace=False)] = rng.random(8)
    return to_sparse_rows(rows / np.linalg.norm(rows, axis=1, keepdims=True))


UNIT = make_unit()


def find(papers: list[int], known: Neighbours | None = None) -> Neighbours:
    """Return the neighbours of these papers among each other."""
    size = len(papers)
    usual, spreads = np.full(size, 0.02, np.float32), np.ones(size, np.float32)
    keys = compute_keys([TEXTS[number] for number in papers])
    unit = UNIT.take(papers)
    return find_neighbours(unit, PostingLists(unit), usual, spreads, keys=keys, known=known)


def weigh(papers: list[int], known: Neighbours | None = None) -> Floats:
    return to_weights(find(papers, known)).to_dense()


EVERY = list(range(SIZE))


def test_neighbours_found_for_many_papers_weigh_as_those_of_few() -> None:
    usual, spreads = np.full(SIZE, 0.02, np.float32), np.ones(SIZE, np.float32)
    weights = weigh_neighbours(UNIT, PostingLists(UNIT), usual, spreads).to_dense()
    assert np.allclose(weigh(EVERY), weights, atol=1e-6)
    assert np.allclose(weights.sum(axis=1), 1, atol=1e-5)


def test_the_nearest_of_many_papers_are_those_with_the_greatest_excess() -> None:
    unit, size = make_unit(1_500), 1_500
    usual, spreads = np.full(size, 0.02, np.float32), np.ones(size, np.float32)
    similarity = unit.to_dense() @ unit.to_dense().T
    np.fill_diagonal(similarity, 0)

    found = find_neighbours(unit, PostingLists(unit), usual, spreads, keys=np.arange(size, dtype=np.uint64))

    greatest = -np.sort(-np.maximum(similarity - 0.04, 0), axis=1)[:, :KEPT_COUNT]
    assert np.allclose(-np.sort(-found.excess, axis=1), greatest, atol=1e-5)
    nearest = np.take_along_axis(similarity, found.nearest, axis=1)
    assert np.allclose(nearest - 0.04, found.excess, atol=1e-5)


@pytest.mark.parametrize("known_papers", [EVERY, EVERY[::-1], EVERY[:100], EVERY[20:]])
def test_what_is_known_is_as_good_as_comparing_anew(known_papers: list[int]) -> None:
    assert np.allclose(weigh(EVERY, find(known_papers)), weigh(EVERY), atol=1e-6)


def test_papers_that_are_known_are_not_compared_again(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []
    known, compare = find(EVERY[:100]), neighbours._compare

    def record(*given: Any) -> Floats:
        compared.extend(given[2].tolist())
        return compare(*given)

    monkeypatch.setattr(neighbours, "_compare", record)
    find(EVERY, known)
    assert compared == EVERY[100:]
    find(EVERY[:100], known)
    assert compared == EVERY[100:], "none is new"
    find(EVERY, find(EVERY[:50]))
    assert compared[20 + 50 :] == EVERY, "most are new: all are compared anew"


def test_papers_that_left_are_no_neighbours_and_the_next_ones_count() -> None:
    found = find(EVERY[10:], find(EVERY))
    assert found.nearest.max() < SIZE - 10
    weights = to_weights(found).to_dense()
    anew = weigh(EVERY[10:])
    assert ((weights > 0) == (anew > 0)).mean() > 0.99, "twenty are kept, of which ten count"
    assert not weights.diagonal().any()


def test_a_paper_is_not_its_own_neighbour_if_its_text_comes_twice() -> None:
    twice = [*EVERY, 0]
    weights = weigh(twice, find(twice))
    assert not weights.diagonal().any()
    assert np.isfinite(weights).all()


def test_neighbours_are_read_as_they_were_written() -> None:
    found = find(EVERY)
    again = Neighbours.from_text(found.to_text())
    assert again is not None
    for name in ("keys", "nearest", "excess"):
        assert np.array_equal(getattr(again, name), getattr(found, name))
    assert found.nearest.shape == (SIZE, KEPT_COUNT)
    assert NEIGHBOUR_COUNT < KEPT_COUNT


@pytest.mark.parametrize("damage", ["", "x", "é", "====", "cut", "longer", "changed"])
def test_damaged_neighbours_are_not_used(damage: str) -> None:
    text = find(EVERY).to_text()
    changed = text[:400] + ("A" if text[400] != "A" else "B") + text[401:]
    texts = {"cut": text[:-4], "longer": text + "AAAA", "changed": changed}
    assert Neighbours.from_text(texts.get(damage, damage)) is None


@pytest.mark.parametrize("size", [NEIGHBOUR_COUNT + 1, 640, 641, 700, 2_000])
def test_the_nearest_of_any_number_of_papers_are_those_with_the_largest_excess(size: int) -> None:
    unit = make_unit(size)
    usual, spreads = np.full(size, 0.02, np.float32), np.ones(size, np.float32)
    weights = weigh_neighbours(unit, PostingLists(unit), usual, spreads).to_dense()
    dense = unit.to_dense()
    excess = np.maximum(dense @ dense.T - 0.04, 0)
    np.fill_diagonal(excess, 0)
    for row in (0, size // 2, size - 1):
        largest = np.sort(excess[row])[-NEIGHBOUR_COUNT:]
        found = np.sort(excess[row, weights[row] > 0])
        assert np.allclose(found, largest[largest > 0], atol=1e-5)
