"""Reasons name only what contributed to the score."""

import pytest

from digest.models import Facet, LikedPaper, Profile, ReasonKind
from digest.ranking.ranker import Ranker
from digest.ranking.reasons import MAX_TERMS
from tests.factories import make_paper
from tests.ranking.test_embeddings import Synonyms
from tests.ranking.test_hubness import make_background
from tests.ranking.test_ranker import make_papers
from tests.ranking.test_standardization import PAPERS, to_liked


def test_followed_category_is_the_reason_of_its_papers_only() -> None:
    [ranking] = Ranker(PAPERS).rank([Profile(categories=("cs.RO",))])
    robots, learning = ranking.build_reason(0), ranking.build_reason(1)
    assert (robots.because, robots.category) == (ReasonKind.CATEGORY, "cs.RO")
    assert (learning.because, learning.category) == (ReasonKind.NEW, "")


def test_at_most_three_terms_are_named() -> None:
    papers = [
        make_paper(title, abstract="") for title in ("Ocean; salt; tides; waves; heat", "Markets", "Speech")
    ]
    [ranking] = Ranker(papers).rank([Profile(keywords=("heat", "waves", "tides", "salt", "ocean"))])
    terms = ranking.build_reason(0).terms
    assert len(terms) == MAX_TERMS
    assert set(terms) < {"ocean", "salt", "tides", "waves", "heat"}


def test_largest_contribution_is_named_first() -> None:
    reader = Profile(keywords=("heat", "waves"))
    papers = make_papers(["Heat makes waves; the waves; our waves", "Speech", "Kernels", "Violins"])
    assert Ranker(papers).rank([reader])[0].build_reason(0).terms == ("waves", "heat")


def test_liked_paper_is_named_only_if_much_more_similar_than_an_unrelated_one() -> None:
    """All papers say "we study … methods"; the last two are about grasping robots, one of them is fast."""
    [ranking] = Ranker(PAPERS).rank([Profile(liked=(to_liked(PAPERS[0]),))])
    reasons = {PAPERS[index].title: ranking.build_reason(index) for index in (5, 4, 20)}
    assert {title: reason.liked_title for title, reason in reasons.items()} == {
        "Shallow video editing 5": "",
        "Deep grasping robots 4": "",
        "Fast grasping robots 20": "Fast grasping robots 0",
    }


def test_match_by_meaning_alone_names_the_facet_and_no_liked_paper() -> None:
    papers = [make_paper(title, abstract="") for title in ("market", "waves", "zeolite", "money")]
    sea = Profile(
        facets=(Facet("Sea", liked=(LikedPaper("ocean"),)), Facet("Trade", liked=(LikedPaper("sales"),)))
    )
    [ranking] = Ranker(papers, make_background(), model=Synonyms()).rank([sea])
    waves, unrelated = ranking.build_reason(1), ranking.build_reason(2)
    assert (waves.because, waves.facet, waves.liked_title) == (ReasonKind.FACET, "Sea", "")
    assert unrelated.liked_title == ""  # although no other paper has anything in common with it either


OTHER_TITLES = ["Violins", "Markets", "Kernels", "Zeolites"]


@pytest.mark.parametrize(
    ("keywords", "text", "expected"),
    [
        (("encrypted text",), "", ("encrypted text",)),
        (("encrypted text", "sheep"), "", ("encrypted text", "sheep")),
        (("generated music", "sheep"), "", ("sheep",)),
        (("generated music",), "", ()),
        (("generated music", "encrypted", "sheep"), "", ("encrypted", "sheep")),
        (("generated music", "sheep"), "what is generated", ("sheep",)),
    ],
)
def test_keyword_is_named_in_full_and_its_part_only_if_typed_alone(
    keywords: tuple[str, ...], text: str, expected: tuple[str, ...]
) -> None:
    papers = make_papers(["Text about sheep, now encrypted", *OTHER_TITLES])
    [ranking] = Ranker(papers).rank([Profile(keywords=keywords, text=text)])
    assert sorted(ranking.build_reason(0).terms) == sorted(expected)


def test_keyword_is_named_as_the_reader_typed_it() -> None:
    papers = make_papers(["Encrypted Texts of sheep", *OTHER_TITLES])
    [ranking] = Ranker(papers).rank([Profile(keywords=("encrypted text",))])
    assert ranking.build_reason(0).terms == ("encrypted text",)


def test_keywords_of_facets_are_named_in_full_too() -> None:
    papers = make_papers(["Text about sheep, now encrypted", *OTHER_TITLES])
    [ranking] = Ranker(papers).rank([Profile(facets=(Facet("Words", ("encrypted text",)),))])
    assert ranking.build_reason(0).terms == ("encrypted text",)
