"""Correction for hubs: spreads, neighbours and specificity."""

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from digest.models import LikedPaper, Paper, Profile
from digest.ranking.bm25 import MIN_BACKGROUND, NEIGHBOUR_WEIGHT, Corpus, count_terms
from digest.ranking.hubness import BLOCK_ROWS, MAX_SAMPLE, compute_spreads, subtract_hubness
from digest.ranking.ranker import Ranker
from digest.ranking.sparse_rows import SparseRows
from tests.factories import make_paper
from tests.ranking.test_sparse_rows import to_sparse_rows

WORDS = ("ocean", "sea", "waves", "money", "market", "auction", "graph", "kernel", "robot", "speech")
titles = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)


def make_unit_rows(random: np.random.Generator, count: int) -> SparseRows:
    rows = np.abs(random.standard_normal((count, 12))).astype(np.float32)
    return to_sparse_rows(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def make_background(*more: str) -> list[Paper]:
    """Return enough background papers to estimate the usual paper."""
    pairs = [f"{one} {other}" for one in WORDS for other in WORDS if one != other]
    return [make_paper(title, abstract="") for title in (*pairs, *pairs, *more)]


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_mean_spread_is_one(papers: int, earlier: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    result = compute_spreads(make_unit_rows(random, papers), make_unit_rows(random, earlier))
    assert np.isclose(result.mean(), 1, atol=1e-4)
    assert (result > 0).all()


@given(st.integers(2, 20), st.integers(0, 2**32 - 1))
def test_spreads_do_not_depend_on_the_order_of_papers(papers: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    rows, earlier = make_unit_rows(random, papers), make_unit_rows(random, 40)
    order = random.permutation(papers)
    assert np.allclose(
        compute_spreads(rows, earlier)[order], compute_spreads(rows.take(order), earlier), atol=1e-5
    )


def test_spreads_are_computed_in_blocks_from_a_sample() -> None:
    random = np.random.default_rng(1)
    rows, earlier = make_unit_rows(random, BLOCK_ROWS + 3), make_unit_rows(random, 2 * MAX_SAMPLE)
    own = (rows.to_dense() @ earlier.to_dense()[::2].T).std(axis=1)
    expected = np.sqrt(own**2 + own.mean() ** 2)
    assert np.allclose(compute_spreads(rows, earlier), expected / expected.mean(), atol=1e-4)


def test_spreads_are_one_without_background() -> None:
    empty = to_sparse_rows(np.zeros((0, 12), np.float32))
    rows = make_unit_rows(np.random.default_rng(1), 3)
    assert compute_spreads(rows, empty).tolist() == [1, 1, 1]
    assert compute_spreads(empty, rows).tolist() == []
    assert compute_spreads(to_sparse_rows(np.zeros((2, 12), np.float32)), rows).tolist() == [1, 1]


def test_subtract_hubness_removes_the_similarity_of_a_hub() -> None:
    similarity = np.array([[0, 0.3, 0.3], [0.3, 0, 0.2], [0.3, 0.2, 0]], np.float32)  # the first is a hub
    excess = subtract_hubness(similarity, np.array([0.3, 0.05, 0.05], np.float32), np.ones(3, np.float32))
    assert np.allclose(excess, np.array([[0, 0, 0], [0, 0, 0.1], [0, 0.1, 0]], np.float32))


def test_candidates_are_compared_in_blocks() -> None:
    random = Random(1)  # noqa: S311  invents titles, the same in every run
    papers = [count_terms(" ".join(random.choices(WORDS, k=5))) for _ in range(BLOCK_ROWS + 20)]
    corpus, identity = Corpus(papers), np.eye(len(papers), dtype=np.float32)
    similarity = corpus.compare_candidates(np.arange(len(papers)))
    assert np.allclose(similarity, similarity.T)
    assert not similarity.diagonal().any()
    shares = corpus.smooth(identity) - identity
    assert np.allclose(shares.sum(axis=1), NEIGHBOUR_WEIGHT)
    assert ((shares > 0) <= (similarity > 0)).all()
    assert not shares.diagonal().any()


def compute_norms(papers: list[str], earlier: int) -> list[float]:
    background = [count_terms(paper.title) for paper in make_background()[:earlier]]
    corpus = Corpus([count_terms(title) for title in papers], background)
    return [float(own) for own in corpus.compute_similarity(corpus.candidates).diagonal()]


def test_hub_gets_a_smaller_norm_only_with_enough_background() -> None:
    day = ["ocean money graph robot", "zeolite lattice anneal dopant"]
    hub, other = compute_norms(day, MIN_BACKGROUND)
    hub_alone, other_alone = compute_norms(day, MIN_BACKGROUND - 1)
    assert hub / other < 0.8 * hub_alone / other_alone


def test_specificity_falls_with_common_terms() -> None:
    background = [count_terms(paper.title) for paper in make_background()]
    corpus = Corpus([count_terms(title) for title in ("ocean money graph", "zeolite lattice")], background)
    common, rare, empty = corpus.compute_specificity(
        corpus.encode([count_terms(text) for text in ("ocean money", "zeolite", "")]).rows
    )
    assert common < rare < empty == 1


@given(st.lists(titles, min_size=2, max_size=12, unique=True), titles)
def test_ranking_with_background_is_finite_and_deterministic(day: list[str], liked: str) -> None:
    papers, profile = [make_paper(title, abstract="") for title in day], Profile(liked=(LikedPaper(liked),))
    once, again = (Ranker(papers, make_background()).rank([profile])[0].affinity for _ in range(2))
    assert np.isfinite(once).all()
    assert np.array_equal(once, again)
