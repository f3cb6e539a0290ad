"""BM25 weights, idf, specificity and neighbours of a corpus."""

import sys
from concurrent.futures import ThreadPoolExecutor
from math import log1p, sqrt

import numpy as np
import pytest

from digest.ranking import bm25
from digest.ranking.bm25 import (
    IDF_POWER,
    K1,
    MIN_BACKGROUND,
    NEIGHBOUR_WEIGHT,
    PAIR_IDF_FACTOR,
    B,
    Corpus,
    TermWeights,
    count_terms,
)
from digest.ranking.hubness import subtract_hubness
from digest.ranking.neighbours import NEIGHBOUR_COUNT
from tests.ranking.test_ranker import TOPICS, make_title
from tests.ranking.test_sparse_rows import to_sparse_rows


def get_weights(corpus: Corpus, index: int) -> dict[str, float]:
    """A candidate's weights by term."""
    dense = corpus.candidates.to_dense()[index]
    return {term: float(dense[column]) for term, column in corpus.columns.items() if dense[column]}


@pytest.mark.parametrize("others", [0, 10, 100])
def test_term_weight_saturates_and_falls_with_text_length(others: int) -> None:
    """BM25: a term used n times counts n (k + 1) / (n + k (1 - b + b length / mean length))."""
    usual = {"ocean": 3.0, "tides": 1.0}
    corpus = Corpus([{**usual, "violins": others} if others else usual, *([usual] if others else [])])
    weights = get_weights(corpus, 0)
    damping = K1 * (1 - B + B * (4 + others) / (4 + others / 2))
    assert weights["ocean"] / weights["tides"] == pytest.approx(3 * (1 + damping) / (3 + damping), rel=1e-3)
    assert 1 < weights["ocean"] / weights["tides"] < 3


def test_idf_grows_with_rarity_and_is_lower_for_pairs() -> None:
    """BM25's idf, with our exponent: log(1 + (papers - users + 1/2) / (users + 1/2))."""
    corpus = Corpus([{"ocean": 1, "ocean heat": 1}, {"ocean": 5, "tides": 1}, {"tides": 1}, {"violins": 1}])
    idf = dict(zip(corpus.terms, corpus.idf.tolist(), strict=True))
    once, twice = log1p((4 - 1 + 0.5) / 1.5), log1p((4 - 2 + 0.5) / 2.5)
    expected = {"ocean": twice, "ocean heat": PAIR_IDF_FACTOR * once, "tides": twice, "violins": once}
    assert idf == pytest.approx({term: value**IDF_POWER for term, value in expected.items()}, rel=1e-5)


def test_encoded_documents_have_unit_length() -> None:
    corpus = Corpus([{"ocean": 1, f"word {n}": 1} for n in range(200)])
    rows = corpus.encode([{"ocean": 1}, {"zeolite": 9, "violins": 1}, {}]).rows
    assert rows.compute_lengths().tolist() == pytest.approx([1, 1, 0])


def test_centroid_comes_from_background_if_there_is_enough() -> None:
    today: list[TermWeights] = [{"zeolite": 1, "ocean": 1}] * 5
    earlier: list[TermWeights] = [{"ocean": 1, f"word {n}": 1} for n in range(MIN_BACKGROUND)]
    enough, too_few = Corpus(today, earlier), Corpus(today, earlier[:-1])
    assert enough.compute_specificity(enough.encode([{"zeolite": 1}]).rows)[0] == pytest.approx(1)
    assert too_few.compute_specificity(too_few.encode([{"zeolite": 1}]).rows)[0] < 1 / 2


def test_specificity_of_the_centroid_is_one_by_root_two() -> None:
    corpus = Corpus([count_terms(make_title(topic, n)) for topic in TOPICS for n in range(5)])
    centroid = to_sparse_rows(corpus.centroid[None, :])
    assert corpus.compute_specificity(centroid).tolist() == pytest.approx([1 / sqrt(2)])


def test_mean_similarity_of_a_single_paper_is_one() -> None:
    assert Corpus([{"ocean": 1, "tides": 2}]).mean_similarity == pytest.approx(1)


def test_smooth_weighs_neighbours_by_squared_similarity() -> None:
    corpus = Corpus([count_terms(make_title(topic, n)) for topic in TOPICS for n in range(5)])
    similarity, identity = corpus.compare_candidates(np.arange(20)), np.eye(20, dtype=np.float32)
    excess = subtract_hubness(similarity, (similarity + identity).mean(axis=1), np.ones(20, np.float32)) ** 2
    shares = (corpus.smooth(identity) - identity) / NEIGHBOUR_WEIGHT
    assert np.count_nonzero(excess, axis=1).max() <= NEIGHBOUR_COUNT
    assert np.allclose(shares, excess / excess.sum(axis=1, keepdims=True), atol=0.02)


def test_cosines_are_right_when_threads_ask_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bm25, "MIN_COSINE_ROWS", 8)
    monkeypatch.setattr(bm25, "MAX_COSINES", 1)
    texts = [count_terms(make_title(topic, n)) for topic in TOPICS for n in range(10)]
    pools = [np.array([start, start + 3, start + 6, start + 9]) for start in range(len(texts) - 9)]
    expected = [Corpus(texts).compare_candidates(pool) for pool in pools]
    corpus = Corpus(texts)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as executor:
            found = [*executor.map(corpus.compare_candidates, pools * 20)]
    finally:
        sys.setswitchinterval(interval)
    for cosines, right in zip(found, expected * 20, strict=True):
        assert np.allclose(cosines, right, atol=1e-6)
