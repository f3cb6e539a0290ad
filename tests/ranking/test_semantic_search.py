"""A topic has papers near it; nonsense has a nearest one too, and it does not count."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from digest.ranking.bm25 import Floats
from digest.ranking.semantic_search import CROWD, FLOOR, VERY, EmbeddingIndex

AROUND = EmbeddingIndex.of(
    ["sheep", "lambs", "stars"], np.array([(9, 1, 0), (9, 0.9, 0.1), (9, 0, 1)], np.float32)
)


def cosines(*given: float, of: int) -> Floats:
    return np.array([*given, *[0.0] * (of - len(given))], np.float32)


def crowd(of: int) -> EmbeddingIndex:
    return EmbeddingIndex.of(
        [str(number) for number in range(of)], np.eye(1, 2, dtype=np.float32).repeat(of, 0)
    )


def test_nearness_is_measured_away_from_what_all_texts_share() -> None:
    asked = AROUND.seen_from_here(np.array([(9, 1, -0.1)], np.float32))[0]
    sheep, lambs, stars = AROUND.nearness(asked)
    assert sheep > 0.9
    assert lambs > 0.8
    assert stars < 0
    assert [known for known, _ in AROUND.near(AROUND.nearness(asked), most=5)] == ["sheep", "lambs"]


def test_a_question_of_nothing_is_near_to_nothing() -> None:
    asked = AROUND.seen_from_here(np.zeros((1, 3), np.float32))[0]
    assert not list(AROUND.near(AROUND.nearness(asked), most=5))


def test_one_paper_of_many_that_is_near_by_chance_does_not_count_until_it_is_very_near() -> None:
    many = crowd(3 * CROWD)
    assert not list(many.near(cosines(0.4, 0.4, of=3 * CROWD), most=5))
    assert len(list(many.near(cosines(0.4, 0.4, 0.31, of=3 * CROWD), most=5))) == 3
    assert [known for known, _ in many.near(cosines(VERY + 0.1, 0.4, of=3 * CROWD), most=5)] == ["0"]


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=30), st.integers(1, 30))
def test_what_is_near_comes_nearest_first_above_the_floor(given: list[float], most: int) -> None:
    near = list(crowd(len(given)).near(cosines(*given, of=len(given)), most=most))
    assert [cosine for _, cosine in near] == sorted(
        (c for c in given if c >= np.float32(FLOOR)), reverse=True
    )[:most]


def unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths == 0, 1, lengths), np.float32)


def test_however_many_papers_there_are_each_is_measured_from_the_centre_of_all() -> None:
    vectors = np.asarray(np.random.default_rng(7).normal(2, 1, (10_000, 3)), np.float32)
    vectors[5] = 0
    straight = unit(vectors)
    around = straight - straight.mean(axis=0)
    around[5] = 0
    many = EmbeddingIndex.of([str(number) for number in range(10_000)], vectors.copy())
    assert np.allclose(many.rows, unit(around), atol=1e-4)
    assert np.allclose(many.seen_from_here(vectors[:9]), unit(around)[:9], atol=1e-4)
    assert many.rows.dtype == many.centre.dtype == np.float32


def test_of_few_papers_a_single_near_one_counts() -> None:
    assert [known for known, _ in crowd(500).near(cosines(0.0, 0.4, of=500), most=5)] == ["1"]
    assert [known for known, _ in crowd(CROWD + 1).near(cosines(0.0, 0.4, of=CROWD + 1), most=5)] == []


def test_equally_near_papers_stay_in_their_order() -> None:
    alike = cosines(*([0.5, 0.4] * 50), of=100)
    nearest = [int(known) for known, _ in crowd(100).near(alike, most=100)]
    assert nearest == [*range(0, 100, 2), *range(1, 100, 2)]
