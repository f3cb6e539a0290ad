"""Weights of terms, embeddings and disliked papers in the comparison with a profile."""

from collections.abc import Sequence

import pytest

from digest.models import LikedPaper, Paper, Profile
from digest.ranking.array_types import Floats
from digest.ranking.bm25 import count_terms
from digest.ranking.ranker import Ranker
from digest.ranking.similarity import HALF_WEIGHT_TERMS
from tests.factories import make_paper
from tests.ranking.test_embeddings import Synonyms
from tests.ranking.test_hubness import WORDS, make_background
from tests.ranking.test_ranker import TOPICS, make_liking_profile, make_papers, make_title

TOPICAL = make_papers([make_title(topic, n) for topic in TOPICS for n in range(5)])
MODEL_ALONE = 1e6  # the weight of a model beside which terms do not count


def compute_affinity(
    papers: Sequence[Paper], profile: Profile, *, weight: float | None = None, earlier: Sequence[Paper] = ()
) -> Floats:
    """Return the affinity of papers; without embeddings if *weight* is None."""
    model = Synonyms()
    model.weight = weight or 0.0
    [ranking] = Ranker(papers, earlier, None if weight is None else model).rank([profile])
    return ranking.affinity


def with_disliked(profile: Profile, *titles: str) -> Profile:
    return Profile(
        keywords=profile.keywords, liked=profile.liked, disliked=tuple(LikedPaper(title) for title in titles)
    )


def test_identical_papers_have_zero_affinity() -> None:
    papers = make_papers(["ocean heat"] * 4)
    assert not compute_affinity(papers, Profile(keywords=("ocean",))).any()
    assert not compute_affinity(papers, Profile(keywords=("ocean",)), weight=1.0).any()


def test_disliked_paper_cancels_one_of_four_liked_ones() -> None:
    papers = make_papers(
        ["ocean tides", "protein folding", "market auction", "speech accents", "violin strings"]
    )
    likes = make_liking_profile("ocean tides", "protein folding", "market auction", "speech accents")
    for titles in (("ocean tides",), ("ocean tides", "ocean tides")):
        ocean, protein, *_, violins = compute_affinity(papers, with_disliked(likes, *titles))
        assert ocean == pytest.approx(violins, abs=1e-4)
        assert protein > 0 > violins


def test_disliked_paper_counts_equally_against_keywords_and_liked_papers() -> None:
    papers = [make_paper(title, abstract="") for title in ("waves", "market waves", "money", "violins")]
    typed, liked = (
        compute_affinity(papers, with_disliked(wanted, "auction"), weight=MODEL_ALONE)
        for wanted in (Profile(keywords=("sea",)), make_liking_profile("sea"))
    )
    assert typed == pytest.approx(liked, abs=1e-3)


@pytest.mark.parametrize("words", [1, 150, 600])
def test_embeddings_count_half_with_300_terms(words: int) -> None:
    reader = Profile(keywords=(" ".join(("ocean", *(f"word{n}x" for n in range(1, words)))),))
    embedding_weight = HALF_WEIGHT_TERMS / (HALF_WEIGHT_TERMS + len(count_terms(reader.keywords[0])))
    papers = make_papers(
        [f"{title} ocean" for title in ("waves", "pebbles", "auction", "market", "violins violins")]
    )
    by_terms, by_embedding = (
        compute_affinity(papers, reader, weight=weight) for weight in (None, MODEL_ALONE)
    )
    both = by_terms + embedding_weight * by_embedding
    assert compute_affinity(papers, reader, weight=1.0) == pytest.approx(
        (both - both.mean()) / both.std(), abs=1e-3
    )


def test_two_liked_papers_count_beside_seven_others() -> None:
    papers = make_papers(["waves", "money waves", "money", "violins", "strings", "wood"])
    sea = ("ocean", "sea", "ocean sea", "ocean ocean", "sea sea", "salty sea", "blue ocean")
    waves, _, money, *others = compute_affinity(
        papers, make_liking_profile(*sea, "auction", "market"), weight=MODEL_ALONE
    )
    unrelated = max(others)
    assert waves > money > unrelated
    assert money - unrelated < (waves - unrelated) / 10  # noticed, but much less


def test_hub_with_more_shared_terms_has_lower_affinity() -> None:
    papers = make_papers(
        ["ocean money graph robot kernel", "ocean zeolite lattice anneal", "violins", "strings"]
    )
    hub, other, *_ = compute_affinity(papers, make_liking_profile("ocean graph"), earlier=make_background())
    assert other > hub > 0


def test_specific_liked_paper_counts_more() -> None:
    papers = make_papers(["zeolite violins", "dopant violins", " ".join(WORDS), "strings"])
    likes = make_liking_profile(" ".join((*WORDS, "zeolite")), "dopant lattice anneal quench")
    common, rare, *_ = compute_affinity(papers, likes, earlier=make_background())
    assert rare > common > 0
