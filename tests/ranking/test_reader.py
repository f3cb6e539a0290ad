"""What becomes of everything a reader may tell: words, likes, facets, people, and a day that is small."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from digest.models import Facet, LikedPaper, Paper, Profile
from digest.ranking.followed import CATEGORY, CATEGORY_ALONE
from digest.ranking.interest_groups import FIRST
from digest.ranking.ranker import CHUNK, Ranker
from digest.ranking.score import Calibration, relevance
from tests.factories import NOW, paper
from tests.ranking.test_embeddings import Synonyms
from tests.ranking.test_hubness import past
from tests.ranking.test_ranker import TOPICS, about, liking, pool

TOPICAL = pool([about(topic, n) for topic in TOPICS for n in range(5)])
FALLEN_APART = [about(topic, n) for topic in ("ocean", "speech") for n in range(31, 36)]


def heights(papers: Sequence[Paper], profile: Profile, earlier: Sequence[Paper] = ()) -> list[float]:
    [ranking] = Ranker(papers, earlier).rank([profile])
    return [float(each) for each in ranking.affinity]


def test_a_word_that_every_earlier_paper_used_tells_less_than_one_that_none_did() -> None:
    papers, both = pool(["ocean", "zeolite", "violins"]), Profile(keywords=("ocean", "zeolite"))
    alone, beside = heights(papers, both), heights(papers, both, past())
    assert alone[0] == pytest.approx(alone[1])
    assert beside[0] < beside[1]


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
def test_a_mail_is_personal_as_soon_as_anything_wanted_was_told(
    *, profile: Profile, is_personal: bool
) -> None:
    [ranking] = Ranker(TOPICAL).rank([profile])
    assert ranking.is_personal is is_personal


@pytest.mark.parametrize(
    ("profile", "adds"),
    [
        (Profile(), CATEGORY_ALONE),
        (Profile(disliked=(LikedPaper("ocean"),)), CATEGORY_ALONE),
        (Profile(learnt=(("ocean", -0.4),)), CATEGORY_ALONE),
        (Profile(learnt=(("ocean", 0.4),)), CATEGORY),
        (Profile(keywords=("ocean",)), CATEGORY),
        (Profile(text="ocean"), CATEGORY),
        (Profile(facets=(Facet("Sea", keywords=("ocean",)),)), CATEGORY),
        (liking("ocean tides"), CATEGORY),
    ],
)
def test_a_category_counts_in_full_only_for_who_asked_for_nothing_in_words(
    profile: Profile, adds: float
) -> None:
    vision = paper("market auction", categories=("cs.CV",), abstract="")
    before, after = (
        heights([*TOPICAL, vision], replace(profile, categories=followed)) for followed in ((), ("cs.CV",))
    )
    assert after[:-1] == pytest.approx(before[:-1])
    assert after[-1] - before[-1] == pytest.approx(adds, abs=1e-4)


def test_a_liked_paper_stands_out_further_than_all_that_is_followed_together() -> None:
    followed = paper("quantum kernels", authors=("Ada Loveless",), categories=("cs.CV",), abstract="")
    wants = Profile(
        keywords=("quantum kernels",),
        authors=("Ada Loveless",),
        categories=("cs.CV",),
        affiliations=("Here",),
    )
    wants = replace(wants, liked=(LikedPaper(TOPICAL[0].title, TOPICAL[0].abstract),))
    here = replace(followed, organization="Here")
    *_, best = sorted(heights([*TOPICAL, here], wants)[1:])
    assert heights([*TOPICAL, here], wants)[0] > best


def test_an_own_calibration_says_how_likely_a_nearness_is() -> None:
    ours = Calibration(as_of=NOW.date(), slope=0.5, intercept=-4.0)
    [ranking] = Ranker(TOPICAL, calibration=ours).rank([Profile(keywords=("ocean",))])
    assert np.array_equal(ranking.relevance, relevance(ranking.affinity, ours))
    assert not np.array_equal(ranking.relevance, relevance(ranking.affinity))


def test_three_interests_are_each_told_by_their_own_name() -> None:
    facets = tuple(Facet(topic.title(), keywords=(topic,)) for topic in ("ocean", "protein", "market"))
    [ranking] = Ranker(TOPICAL).rank([Profile(facets=facets)])
    assert ranking.facets([0, 5, 10]) == ["Ocean", "Protein", "Market"]


def test_a_reader_without_words_has_no_interest_to_name_and_still_a_followed_author() -> None:
    [ranking] = Ranker([*TOPICAL, paper(authors=("Zoë Ångström",))]).rank(
        [Profile(authors=("Zoe Angstrom",))]
    )
    ranking.note([0, len(TOPICAL)])
    assert ranking.facets([0, 1]) == ["", ""]
    assert ranking.reason(len(TOPICAL)).author == "Zoë Ångström"


def test_what_a_part_of_an_interest_brings_is_told_by_the_papers_of_that_part() -> None:
    """Two interests that each fall apart; behind the nearest ten every part has its own papers."""
    papers = pool([about(topic, n) for topic in TOPICS for n in range(30)])
    other = [about(topic, n) for topic in ("market", "protein") for n in range(31, 36)]
    named = [Facet("A", liked=liking(*FALLEN_APART).liked), Facet("B", liked=liking(*other).liked)]
    for facets in (named[:1], named[1:], named, named[::-1]):
        [ranking] = Ranker(papers).rank([Profile(facets=tuple(facets))])
        told = zip(papers, ranking.facets(range(len(papers))), strict=True)
        by_part = {each.title.split()[0]: name.split()[0] for each, name in told if " " in name}
        assert len(by_part) == 2 * len(facets)
        assert all(topic == name for topic, name in by_part.items())


def test_a_day_of_ten_papers_has_nothing_to_share_out_behind_the_first_ten() -> None:
    papers = pool([about(topic, n) for topic in ("ocean", "speech") for n in range(FIRST // 2)])
    assert np.isfinite(heights(papers, liking(*FALLEN_APART))).all()


@pytest.mark.parametrize("size", [1, 2])
def test_the_smallest_days_are_ranked_with_a_model_too(size: int) -> None:
    papers = [paper(title, abstract="") for title in ("waves", "market")][:size]
    [ranking] = Ranker(papers, vectors=Synonyms()).rank([liking("ocean")])
    assert np.isfinite(ranking.affinity).all()
    assert int(ranking.affinity.argmax()) == 0
    assert (ranking.affinity[0] > 0) == (size > 1)


def test_more_readers_than_are_compared_at_once_each_get_their_own_view_in_their_order() -> None:
    readers = [Profile(keywords=((*TOPICS,)[n % 4],)) for n in range(CHUNK // 3 + 5)]
    rankings = Ranker(TOPICAL).rank(readers)
    assert [int(each.affinity.argmax()) // 5 for each in rankings] == [n % 4 for n in range(len(readers))]
    assert all(ranking.papers == tuple(TOPICAL) for ranking in rankings)


def test_a_judged_paper_that_came_under_another_id_is_still_the_one_that_was_judged() -> None:
    here = replace(TOPICAL[0], id="arxiv:2611.00000")
    elsewhere, same = (
        Profile(keywords=("ocean",), disliked=(LikedPaper(here.title, here.abstract, name),))
        for name in ("doi:10/elsewhere", here.id)
    )
    assert heights(TOPICAL, elsewhere) == heights(TOPICAL, same)
    assert heights(TOPICAL, elsewhere) != heights(TOPICAL, replace(same, disliked=(LikedPaper("ocean"),)))
