"""Search by meaning: centred cosines, and thresholds that reject nonsense."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from digest.ranking.array_types import Floats
from digest.ranking.semantic_search import MIN_COSINE, MIN_COSINE_OFF_TOPIC, PAPERS_PER_MATCH, EmbeddingIndex

INDEX = EmbeddingIndex.build(
    ["sheep", "lambs", "stars"], np.array([(9, 1, 0), (9, 0.9, 0.1), (9, 0, 1)], np.float32)
)


def make_cosines(*values: float, size: int) -> Floats:
    return np.array([*values, *[0.0] * (size - len(values))], np.float32)


def make_index(size: int) -> EmbeddingIndex:
    return EmbeddingIndex.build(
        [str(number) for number in range(size)], np.eye(1, 2, dtype=np.float32).repeat(size, 0)
    )


def test_cosines_are_centred() -> None:
    query = INDEX.centre_vectors(np.array([(9, 1, -0.1)], np.float32))[0]
    sheep, lambs, stars = INDEX.compute_cosines(query)
    assert sheep > 0.9
    assert lambs > 0.8
    assert stars < 0
    assert [paper_id for paper_id, _ in INDEX.find_matches(INDEX.compute_cosines(query), limit=5)] == [
        "sheep",
        "lambs",
    ]


def test_zero_query_matches_nothing() -> None:
    query = INDEX.centre_vectors(np.zeros((1, 3), np.float32))[0]
    assert not list(INDEX.find_matches(INDEX.compute_cosines(query), limit=5))


def test_single_match_among_many_needs_a_higher_cosine() -> None:
    many = make_index(3 * PAPERS_PER_MATCH)
    assert not list(many.find_matches(make_cosines(0.4, 0.4, size=3 * PAPERS_PER_MATCH), limit=5))
    assert len(list(many.find_matches(make_cosines(0.4, 0.4, 0.31, size=3 * PAPERS_PER_MATCH), limit=5))) == 3
    assert [
        paper_id
        for paper_id, _ in many.find_matches(
            make_cosines(MIN_COSINE_OFF_TOPIC + 0.1, 0.4, size=3 * PAPERS_PER_MATCH), limit=5
        )
    ] == ["0"]


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=30), st.integers(1, 30))
def test_matches_are_sorted_above_the_threshold(values: list[float], limit: int) -> None:
    matches = list(make_index(len(values)).find_matches(make_cosines(*values, size=len(values)), limit=limit))
    assert [cosine for _, cosine in matches] == sorted(
        (c for c in values if c >= np.float32(MIN_COSINE)), reverse=True
    )[:limit]


def normalize(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths == 0, 1, lengths), np.float32)


def test_index_of_many_blocks_is_centred_on_all_papers() -> None:
    vectors = np.asarray(np.random.default_rng(7).normal(2, 1, (10_000, 3)), np.float32)
    vectors[5] = 0
    rows = normalize(vectors)
    centred = rows - rows.mean(axis=0)
    centred[5] = 0
    many = EmbeddingIndex.build([str(number) for number in range(10_000)], vectors.copy())
    assert np.allclose(many.rows, normalize(centred), atol=1e-4)
    assert np.allclose(many.centre_vectors(vectors[:9]), normalize(centred)[:9], atol=1e-4)
    assert many.rows.dtype == many.centre.dtype == np.float32


def test_single_match_among_few_papers_counts() -> None:
    assert [
        paper_id for paper_id, _ in make_index(500).find_matches(make_cosines(0.0, 0.4, size=500), limit=5)
    ] == ["1"]
    assert [
        paper_id
        for paper_id, _ in make_index(PAPERS_PER_MATCH + 1).find_matches(
            make_cosines(0.0, 0.4, size=PAPERS_PER_MATCH + 1), limit=5
        )
    ] == []


def test_ties_keep_their_order() -> None:
    equal = make_cosines(*([0.5, 0.4] * 50), size=100)
    nearest = [int(paper_id) for paper_id, _ in make_index(100).find_matches(equal, limit=100)]
    assert nearest == [*range(0, 100, 2), *range(1, 100, 2)]
