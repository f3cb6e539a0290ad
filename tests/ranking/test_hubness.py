"""Papers that are near to every taste are known, and held to what is usual for them."""

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from digest.models import LikedPaper, Paper, Profile
from digest.ranking.bm25 import ENOUGH_BACKGROUND, LENT, Lexicon, counted
from digest.ranking.hubness import BLOCK, SAMPLE, spreads, without_hubs
from digest.ranking.ranker import Ranker
from tests.factories import paper

WORDS = ("ocean", "sea", "waves", "money", "market", "auction", "graph", "kernel", "robot", "speech")
titles = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)


def unit_rows(chance: np.random.Generator, count: int) -> sparse.csr_array:
    rows = np.abs(chance.standard_normal((count, 12))).astype(np.float32)
    return sparse.csr_array(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def past(*more: str) -> list[Paper]:
    """Enough earlier papers to know what is usual."""
    pairs = [f"{one} {other}" for one in WORDS for other in WORDS if one != other]
    return [paper(title, abstract="") for title in (*pairs, *pairs, *more)]


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_a_usual_paper_has_a_spread_of_one(papers: int, earlier: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    found = spreads(unit_rows(chance, papers), unit_rows(chance, earlier))
    assert np.isclose(found.mean(), 1, atol=1e-4)
    assert (found > 0).all()


@given(st.integers(2, 20), st.integers(0, 2**32 - 1))
def test_a_spread_is_the_papers_own_wherever_it_stands(papers: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    rows, earlier = unit_rows(chance, papers), unit_rows(chance, 40)
    order = chance.permutation(papers)
    assert np.allclose(spreads(rows, earlier)[order], spreads(rows[order], earlier), atol=1e-5)


def test_many_papers_are_compared_piece_by_piece_with_some_of_many() -> None:
    chance = np.random.default_rng(1)
    rows, earlier = unit_rows(chance, BLOCK + 3), unit_rows(chance, 2 * SAMPLE)
    own = (rows @ earlier[::2].T).toarray().std(axis=1)
    expected = np.sqrt(own**2 + own.mean() ** 2)
    assert np.allclose(spreads(rows, earlier), expected / expected.mean(), atol=1e-4)


def test_without_a_past_no_paper_is_a_hub() -> None:
    nothing = sparse.csr_array((0, 12), dtype=np.float32)
    rows = unit_rows(np.random.default_rng(1), 3)
    assert spreads(rows, nothing).tolist() == [1, 1, 1]
    assert spreads(nothing, rows).tolist() == []
    assert spreads(sparse.csr_array((2, 12), dtype=np.float32), rows).tolist() == [1, 1]


def test_what_is_alike_to_everything_is_no_neighbour() -> None:
    alike = np.array([[0, 0.3, 0.3], [0.3, 0, 0.2], [0.3, 0.2, 0]], np.float32)  # the first is a hub
    more = without_hubs(alike, np.array([0.3, 0.05, 0.05], np.float32), np.ones(3, np.float32))
    assert np.allclose(more, np.array([[0, 0, 0], [0, 0, 0.1], [0, 0.1, 0]], np.float32))


def test_many_papers_are_compared_with_each_other_piece_by_piece() -> None:
    chance = Random(1)  # noqa: S311  invents titles, the same in every run
    papers = [counted(" ".join(chance.choices(WORDS, k=5))) for _ in range(BLOCK + 20)]
    lexicon, every = Lexicon(papers), np.eye(len(papers), dtype=np.float32)
    assert np.array_equal(lexicon.alike, lexicon.alike.T)
    assert not lexicon.alike.diagonal().any()
    lent = lexicon.smoothed(every) - every
    assert np.allclose(lent.sum(axis=1), LENT)
    assert ((lent > 0) <= (lexicon.alike > 0)).all()
    assert not lent.diagonal().any()


def lengths(papers: list[str], earlier: int) -> list[float]:
    known = [counted(each.title) for each in past()[:earlier]]
    rows = Lexicon([counted(title) for title in papers], known).candidates
    return [float(each) for each in np.sqrt(np.asarray((rows * rows).sum(axis=1)).ravel())]


def test_a_hub_weighs_less_beside_a_past_and_few_papers_are_none() -> None:
    day = ["ocean money graph robot", "zeolite lattice anneal dopant"]
    hub, hermit = lengths(day, ENOUGH_BACKGROUND)
    hub_alone, hermit_alone = lengths(day, ENOUGH_BACKGROUND - 1)
    assert hub / hermit < 0.8 * hub_alone / hermit_alone


def test_a_document_tells_less_the_more_usual_it_is() -> None:
    known = [counted(each.title) for each in past()]
    lexicon = Lexicon([counted(title) for title in ("ocean money graph", "zeolite lattice")], known)
    usual, rare, nothing = lexicon.telling(
        lexicon.encode([counted(text) for text in ("ocean money", "zeolite", "")]).rows
    )
    assert usual < rare < nothing == 1


@given(st.lists(titles, min_size=2, max_size=12, unique=True), titles)
def test_a_day_with_a_past_ranks_finitely_and_alike_twice(day: list[str], liked: str) -> None:
    papers, profile = [paper(title, abstract="") for title in day], Profile(liked=(LikedPaper(liked),))
    once, again = (Ranker(papers, past()).rank([profile])[0].affinity for _ in range(2))
    assert np.isfinite(once).all()
    assert np.array_equal(once, again)
