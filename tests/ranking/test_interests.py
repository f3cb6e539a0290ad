"""A profile is read as separate interests: what was typed, written, liked, learnt, each with its weight."""

import pytest

from digest.models import Facet, LikedPaper, Profile
from digest.ranking.interests import KEYWORDS, LEARNT, Document, Interest, dislikes, interests

LIKED = LikedPaper("Waves", "We measure the sea.", "arxiv:1")
WAVES = Document("Waves\nWe measure the sea.", 1.0, title="Waves")


def test_typed_words_weigh_half_of_a_liked_paper_and_a_written_paragraph_as_much() -> None:
    told = Profile(keywords=("ocean heat", " ", "tides"), text="I like the sea.", liked=(LIKED,))
    documents = (Document("ocean heat\ntides", KEYWORDS), Document("I like the sea."), WAVES)
    assert interests(told) == (Interest("", documents),)
    assert (KEYWORDS, Document("").weight) == (0.5, 1.0)


def test_named_facets_stand_apart_behind_what_has_no_name_and_empty_ones_not_at_all() -> None:
    facets = (Facet("Sea", liked=(LIKED,)), Facet("Empty", text=" "), Facet("Money", text="Auctions"))
    named = (Interest("Sea", (WAVES,)), Interest("Money", (Document("Auctions"),)))
    assert interests(Profile(facets=facets)) == named
    assert interests(Profile(keywords=("speech",), facets=facets)) == (
        Interest("", (Document("speech", KEYWORDS),)),
        *named,
    )


@pytest.mark.parametrize(("strongest", "weight"), [(0.6, 0.6 * LEARNT), (1.0, LEARNT), (3.0, LEARNT)])
def test_what_was_learnt_weighs_as_its_strongest_term_and_never_more_than_typed_words(
    strongest: float, weight: float
) -> None:
    learnt = (("ocean", strongest), ("sea", -0.3), ("heat", 0.2), ("sand", 0.0))
    [interest] = interests(Profile(learnt=learnt))
    assert interest == Interest("", (Document("ocean\nheat", weight, strengths=learnt),))
    assert interest.documents[0].terms() == dict(learnt)


def test_a_strong_aversion_is_learnt_as_strongly() -> None:
    [interest] = interests(Profile(keywords=("ocean",), learnt=(("tides", -0.8), ("heat", 0.2))))
    assert [each.weight for each in interest.documents] == [KEYWORDS, pytest.approx(0.8 * LEARNT)]


def test_disliked_papers_are_no_interest() -> None:
    assert interests(Profile(disliked=(LIKED,))) == ()
    assert dislikes(Profile(disliked=(LIKED,))) == (WAVES,)
