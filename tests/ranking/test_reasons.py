"""A reason names only what truly weighed: a few of the paper's own words, a near liked paper, or a choice."""

import pytest

from digest.models import Facet, LikedPaper, Profile, ReasonKind
from digest.ranking.ranker import Ranker
from digest.ranking.reasons import MOST_TERMS
from tests.factories import paper
from tests.ranking.test_embeddings import Synonyms
from tests.ranking.test_hubness import past
from tests.ranking.test_ranker import pool
from tests.ranking.test_standardize import PAPERS, judged


def test_a_followed_category_is_the_reason_of_its_papers_and_of_no_others() -> None:
    [ranking] = Ranker(PAPERS).rank([Profile(categories=("cs.RO",))])
    robots, learning = ranking.reason(0), ranking.reason(1)
    assert (robots.because, robots.category) == (ReasonKind.CATEGORY, "cs.RO")
    assert (learning.because, learning.category) == (ReasonKind.NEW, "")


def test_a_few_words_are_told_however_many_weighed() -> None:
    papers = [paper(title, abstract="") for title in ("Ocean; salt; tides; waves; heat", "Markets", "Speech")]
    [ranking] = Ranker(papers).rank([Profile(keywords=("heat", "waves", "tides", "salt", "ocean"))])
    told = ranking.reason(0).terms
    assert len(told) == MOST_TERMS
    assert set(told) < {"Ocean", "salt", "tides", "waves", "heat"}


def test_the_word_that_weighed_most_is_told_first_wherever_the_paper_says_it() -> None:
    reader = Profile(keywords=("heat", "waves"))
    rarer = pool(["Heat makes waves", "Heat of speech", "Kernels", "Violins"])
    oftener = pool(["Heat makes waves; the waves; our waves", "Speech", "Kernels", "Violins"])
    for papers in (rarer, oftener):
        assert Ranker(papers).rank([reader])[0].reason(0).terms == ("waves", "heat")


def test_a_liked_paper_is_named_only_where_it_is_much_nearer_than_any_paper_would_be() -> None:
    """All of these papers say "we study … methods"; the last two are about robots that grasp, one is fast."""
    [ranking] = Ranker(PAPERS).rank([Profile(liked=(judged(PAPERS[0]),))])
    reasons = {PAPERS[place].title: ranking.reason(place) for place in (5, 4, 20)}
    assert {title: reason.liked_title for title, reason in reasons.items()} == {
        "Shallow video editing 5": "",
        "Deep grasping robots 4": "",
        "Fast grasping robots 20": "Fast grasping robots 0",
    }


def test_a_paper_met_in_meaning_alone_is_there_for_the_interest_and_names_no_liked_paper() -> None:
    papers = [paper(title, abstract="") for title in ("market", "waves", "zeolite", "money")]
    sea = Profile(
        facets=(Facet("Sea", liked=(LikedPaper("ocean"),)), Facet("Trade", liked=(LikedPaper("sales"),)))
    )
    [ranking] = Ranker(papers, past(), vectors=Synonyms()).rank([sea])
    waves, foreign = ranking.reason(1), ranking.reason(2)
    assert (waves.because, waves.facet, waves.liked_title) == (ReasonKind.FACET, "Sea", "")
    assert foreign.liked_title == ""  # though it has nothing in common with any paper either


OTHERS = ["Violins", "Markets", "Kernels", "Zeolites"]


@pytest.mark.parametrize(
    ("keywords", "text", "told"),
    [
        (("generated text",), "", ("generated text",)),
        (("generated text", "sheep"), "", ("generated text", "sheep")),
        (("generated music", "sheep"), "", ("sheep",)),
        (("generated music",), "", ("generated",)),
        (("generated music", "generated", "sheep"), "", ("generated", "sheep")),
        (("generated music", "sheep"), "what is generated", ("generated", "sheep")),
    ],
)
def test_a_keyword_is_named_in_full_and_its_part_only_if_typed_alone_or_if_nothing_else_is_there(
    keywords: tuple[str, ...], text: str, told: tuple[str, ...]
) -> None:
    papers = pool(["Text about sheep; now generated", *OTHERS])
    [ranking] = Ranker(papers).rank([Profile(keywords=keywords, text=text)])
    assert sorted(ranking.reason(0).terms) == sorted(told)


def test_what_the_paper_writes_as_neighbours_is_named_as_the_paper_writes_it() -> None:
    papers = pool(["Generated Texts of sheep", *OTHERS])
    [ranking] = Ranker(papers).rank([Profile(keywords=("generated text",))])
    assert ranking.reason(0).terms == ("Generated Texts",)


def test_the_keywords_of_facets_are_named_in_full_too() -> None:
    papers = pool(["Text about sheep; now generated", *OTHERS])
    [ranking] = Ranker(papers).rank([Profile(facets=(Facet("Words", ("generated text",)),))])
    assert ranking.reason(0).terms == ("generated text",)
