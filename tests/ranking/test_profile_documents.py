"""Interests of a profile and the weights of their documents."""

import pytest

from digest.models import Facet, LikedPaper, Profile
from digest.ranking.profile_documents import (
    KEYWORDS_WEIGHT,
    MAX_LEARNT_WEIGHT,
    Document,
    Interest,
    build_disliked,
    build_interests,
)

LIKED = LikedPaper("Waves", "We measure the sea.", "arxiv:1")
WAVES = Document("Waves\nWe measure the sea.", 1.0, title="Waves")


def test_keywords_weigh_half_a_liked_paper_and_a_paragraph_as_much_as_one() -> None:
    profile = Profile(keywords=("ocean heat", " ", "tides"), text="I like the sea.", liked=(LIKED,))
    documents = (Document("ocean heat\ntides", KEYWORDS_WEIGHT), Document("I like the sea."), WAVES)
    assert build_interests(profile) == (Interest("", documents),)
    assert (KEYWORDS_WEIGHT, Document("").weight) == (0.5, 1.0)


def test_facets_follow_the_unnamed_interest_and_empty_ones_are_left_out() -> None:
    facets = (Facet("Sea", liked=(LIKED,)), Facet("Empty", text=" "), Facet("Money", text="Auctions"))
    named = (Interest("Sea", (WAVES,)), Interest("Money", (Document("Auctions"),)))
    assert build_interests(Profile(facets=facets)) == named
    assert build_interests(Profile(keywords=("speech",), facets=facets)) == (
        Interest("", (Document("speech", KEYWORDS_WEIGHT),)),
        *named,
    )


@pytest.mark.parametrize(
    ("strongest", "weight"),
    [(0.6, 0.6 * MAX_LEARNT_WEIGHT), (1.0, MAX_LEARNT_WEIGHT), (3.0, MAX_LEARNT_WEIGHT)],
)
def test_learnt_terms_weigh_as_the_strongest_up_to_a_limit(strongest: float, weight: float) -> None:
    learnt = (("ocean", strongest), ("sea", -0.3), ("heat", 0.2), ("sand", 0.0))
    [interest] = build_interests(Profile(learnt=learnt))
    assert interest == Interest("", (Document("ocean\nheat", weight, learnt=learnt),))
    assert interest.documents[0].compute_term_weights() == dict(learnt)


def test_negative_term_can_be_the_strongest() -> None:
    [interest] = build_interests(Profile(keywords=("ocean",), learnt=(("tides", -0.8), ("heat", 0.2))))
    assert [document.weight for document in interest.documents] == [
        KEYWORDS_WEIGHT,
        pytest.approx(0.8 * MAX_LEARNT_WEIGHT),
    ]


def test_disliked_papers_are_no_interest() -> None:
    assert build_interests(Profile(disliked=(LIKED,))) == ()
    assert build_disliked(Profile(disliked=(LIKED,))) == (WAVES,)
