"""Ranking with each field of a profile, with several interests, and on small days."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from digest.models import Facet, LikedPaper, Paper, Profile
from digest.ranking.follow_boosts import CATEGORY_BOOST, CATEGORY_ONLY_BOOST
from digest.ranking.interest_groups import TOP_COUNT
from digest.ranking.ranker import MAX_CHUNK_DOCUMENTS, Ranker
from digest.ranking.score import Calibration, compute_relevance
from tests.factories import NOW, make_paper
from tests.ranking.test_embeddings import Synonyms
from tests.ranking.test_hubness import make_background
from tests.ranking.test_ranker import TOPICS, make_liking_profile, make_papers, make_title

TOPICAL = make_papers([make_title(topic, n) for topic in TOPICS for n in range(5)])
TWO_TOPICS = [make_title(topic, n) for topic in ("ocean", "speech") for n in range(31, 36)]


def get_affinities(papers: Sequence[Paper], profile: Profile, earlier: Sequence[Paper] = ()) -> list[float]:
    [ranking] = Ranker(papers, earlier).rank([profile])
    return [float(value) for value in ranking.affinity]


def test_term_common_in_background_papers_counts_less() -> None:
    papers, both = make_papers(["ocean", "zeolite", "violins"]), Profile(keywords=("ocean", "zeolite"))
    alone, with_background = get_affinities(papers, both), get_affinities(papers, both, make_background())
    assert alone[0] == pytest.approx(alone[1])
    assert with_background[0] < with_background[1]


@pytest.mark.parametrize(
    ("profile", "is_personal"),
    [
        (Profile(), False),
        (Profile(muted=("ocean",)), False),
        (Profile(keywords=("ocean",)), True),
        (Profile(authors=("Nobody Here",)), True),
        (Profile(categories=("cs.RO",)), True),
        (Profile(affiliations=("Nowhere",)), True),
    ],
)
def test_ranking_is_personal_if_the_profile_asks_for_anything(*, profile: Profile, is_personal: bool) -> None:
    [ranking] = Ranker(TOPICAL).rank([profile])
    assert ranking.is_personal is is_personal


@pytest.mark.parametrize(
    ("profile", "adds"),
    [
        (Profile(), CATEGORY_ONLY_BOOST),
        (Profile(disliked=(LikedPaper("ocean"),)), CATEGORY_ONLY_BOOST),
        (Profile(learnt=(("ocean", -0.4),)), CATEGORY_ONLY_BOOST),
        (Profile(learnt=(("ocean", 0.4),)), CATEGORY_BOOST),
        (Profile(keywords=("ocean",)), CATEGORY_BOOST),
        (Profile(text="ocean"), CATEGORY_BOOST),
        (Profile(facets=(Facet("Sea", keywords=("ocean",)),)), CATEGORY_BOOST),
        (make_liking_profile("ocean tides"), CATEGORY_BOOST),
    ],
)
def test_category_counts_more_only_for_a_profile_without_text(profile: Profile, adds: float) -> None:
    vision = make_paper("market auction", categories=("cs.CV",), abstract="")
    before, after = (
        get_affinities([*TOPICAL, vision], replace(profile, categories=followed))
        for followed in ((), ("cs.CV",))
    )
    assert after[:-1] == pytest.approx(before[:-1])
    assert after[-1] - before[-1] == pytest.approx(adds, abs=1e-4)


def test_liked_paper_is_above_everything_followed() -> None:
    followed = make_paper("quantum kernels", authors=("Ada Loveless",), categories=("cs.CV",), abstract="")
    profile = Profile(
        keywords=("quantum kernels",),
        authors=("Ada Loveless",),
        categories=("cs.CV",),
        affiliations=("Here",),
    )
    profile = replace(profile, liked=(LikedPaper(TOPICAL[0].title, TOPICAL[0].abstract),))
    here = replace(followed, organization="Here")
    *_, best = sorted(get_affinities([*TOPICAL, here], profile)[1:])
    assert get_affinities([*TOPICAL, here], profile)[0] > best


def test_calibration_determines_relevance() -> None:
    ours = Calibration(as_of=NOW.date(), slope=0.5, intercept=-4.0)
    [ranking] = Ranker(TOPICAL, calibration=ours).rank([Profile(keywords=("ocean",))])
    assert np.array_equal(ranking.relevance, compute_relevance(ranking.affinity, ours))
    assert not np.array_equal(ranking.relevance, compute_relevance(ranking.affinity))


def test_each_interest_is_named() -> None:
    facets = tuple(Facet(topic.title(), keywords=(topic,)) for topic in ("ocean", "protein", "market"))
    [ranking] = Ranker(TOPICAL).rank([Profile(facets=facets)])
    assert ranking.chunk.get_interest_names(0, [0, 5, 10]) == ["Ocean", "Protein", "Market"]


def test_profile_without_text_has_no_interest_name_but_a_followed_author() -> None:
    [ranking] = Ranker([*TOPICAL, make_paper(authors=("Zoë Ångström",))]).rank(
        [Profile(authors=("Zoe Angstrom",))]
    )
    assert ranking.chunk.get_interest_names(0, [0, 1]) == ["", ""]
    assert ranking.build_reason(len(TOPICAL)).author == "Zoë Ångström"


def test_papers_of_a_group_are_named_after_it() -> None:
    """With two interests that are each split, every group has its own papers behind the top ten."""
    papers = make_papers([make_title(topic, n) for topic in TOPICS for n in range(30)])
    other = [make_title(topic, n) for topic in ("market", "protein") for n in range(31, 36)]
    named = [
        Facet("A", liked=make_liking_profile(*TWO_TOPICS).liked),
        Facet("B", liked=make_liking_profile(*other).liked),
    ]
    for facets in (named[:1], named[1:], named, named[::-1]):
        [ranking] = Ranker(papers).rank([Profile(facets=tuple(facets))])
        interests = zip(papers, ranking.chunk.get_interest_names(0, range(len(papers))), strict=True)
        by_group = {paper.title.split()[0]: name.split()[0] for paper, name in interests if " " in name}
        assert len(by_group) == 2 * len(facets)
        assert all(topic == name for topic, name in by_group.items())


def test_day_of_ten_papers_has_no_quota() -> None:
    papers = make_papers(
        [make_title(topic, n) for topic in ("ocean", "speech") for n in range(TOP_COUNT // 2)]
    )
    assert np.isfinite(get_affinities(papers, make_liking_profile(*TWO_TOPICS))).all()


@pytest.mark.parametrize("size", [1, 2])
def test_smallest_days_are_ranked_with_a_model(size: int) -> None:
    papers = [make_paper(title, abstract="") for title in ("waves", "market")][:size]
    [ranking] = Ranker(papers, model=Synonyms()).rank([make_liking_profile("ocean")])
    assert np.isfinite(ranking.affinity).all()
    assert int(ranking.affinity.argmax()) == 0
    assert (ranking.affinity[0] > 0) == (size > 1)


def test_several_chunks_of_readers_keep_their_order() -> None:
    readers = [Profile(keywords=((*TOPICS,)[n % 4],)) for n in range(MAX_CHUNK_DOCUMENTS // 3 + 5)]
    rankings = Ranker(TOPICAL).rank(readers)
    assert [int(ranking.affinity.argmax()) // 5 for ranking in rankings] == [
        n % 4 for n in range(len(readers))
    ]
    assert all(ranking.papers == tuple(TOPICAL) for ranking in rankings)


def test_judged_paper_is_recognized_under_another_id() -> None:
    here = replace(TOPICAL[0], id="arxiv:2611.00000")
    elsewhere, same = (
        Profile(keywords=("ocean",), disliked=(LikedPaper(here.title, here.abstract, name),))
        for name in ("doi:10/elsewhere", here.id)
    )
    assert get_affinities(TOPICAL, elsewhere) == get_affinities(TOPICAL, same)
    assert get_affinities(TOPICAL, elsewhere) != get_affinities(
        TOPICAL, replace(same, disliked=(LikedPaper("ocean"),))
    )
