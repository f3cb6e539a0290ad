"""What makes a kept outline untrue, and what an outline holds of every interest."""

from dataclasses import replace

import numpy as np
import pytest

from digest.models import Facet, LikedPaper, Profile
from digest.ranking.bm25 import Lexicon, counted
from digest.ranking.profile_encoder import documents_of, fingerprint, outlined
from digest.ranking.profile_vectors import numbered, packed, unpacked
from tests.ranking.test_ranker import TOPICS, about, liking

TOLD = Profile(
    keywords=("ocean heat",),
    text="I like the sea.",
    liked=(LikedPaper("Waves", "We measure.", "arxiv:1"), LikedPaper("Tides")),
    disliked=(LikedPaper("Auctions"),),
    learnt=(("heat", 0.4), ("money", -0.2)),
    facets=(Facet("Sound", keywords=("speech",)), Facet("Shape", text="Proteins")),
)
CHANGED = {
    "a keyword": replace(TOLD, keywords=("ocean cold",)),
    "the paragraph": replace(TOLD, text="I like the seas."),
    "a liked paper's title": replace(TOLD, liked=(LikedPaper("Wave", "We measure."), LikedPaper("Tides"))),
    "a liked paper's abstract": replace(TOLD, liked=(LikedPaper("Waves", "We guess."), LikedPaper("Tides"))),
    "where a title ends": replace(TOLD, liked=(LikedPaper("Waves\nWe", "measure."), LikedPaper("Tides"))),
    "the order of liked papers": replace(TOLD, liked=TOLD.liked[::-1]),
    "one liked paper less": replace(TOLD, liked=TOLD.liked[1:]),
    "a disliked paper": replace(TOLD, disliked=(LikedPaper("Auction"),)),
    "liked for disliked": replace(TOLD, liked=(*TOLD.liked, *TOLD.disliked), disliked=()),
    "how strongly a term was learnt": replace(TOLD, learnt=(("heat", 0.4), ("money", -0.3))),
    "a facet's name": replace(TOLD, facets=(replace(TOLD.facets[0], name="Noise"), TOLD.facets[1])),
    "the order of facets": replace(TOLD, facets=TOLD.facets[::-1]),
    "a facet that is no more": replace(TOLD, facets=TOLD.facets[:1]),
}


@pytest.mark.parametrize("what", CHANGED)
def test_an_outline_is_made_anew_when_anything_changed_that_it_is_made_of(what: str) -> None:
    assert fingerprint(CHANGED[what]) != fingerprint(TOLD)


def test_an_outline_stays_true_when_only_other_wishes_change() -> None:
    others = replace(TOLD, authors=("Ada",), categories=("cs.LG",), muted=("sheep",), affiliations=("Here",))
    assert fingerprint(others) == fingerprint(TOLD)


def test_outlines_kept_by_earlier_versions_are_still_known_as_those_of_their_profiles() -> None:
    """When this fails every reader's outline is made again once, which takes long with a model."""
    assert fingerprint(TOLD) == 3652795632
    assert fingerprint(Profile()) == 1728062035


def test_half_a_character_pasted_by_a_reader_is_a_word_like_any_other() -> None:
    broken = Profile(keywords=("\ud800 waves",), facets=(Facet("\ud800", text="sea"),))
    assert fingerprint(broken) != fingerprint(Profile())
    assert len({*numbered(["\ud800", "\ud801", "waves"]).tolist()}) == 3


def test_what_is_made_is_to_the_last_digit_what_comes_back_from_the_store() -> None:
    lexicon = Lexicon([counted(about(topic, n)) for topic in TOPICS for n in range(5)])
    [made] = outlined([TOLD], lexicon)
    back = unpacked(packed(made))
    assert made.vectors.shape == (len(documents_of(TOLD)), 0)  # without a model
    assert back.vectors.shape == made.vectors.shape
    assert np.array_equal(back.strengths, made.strengths)
    assert np.array_equal(back.words, made.words)
    assert np.array_equal(back.sizes, made.sizes)


def test_every_interest_falls_apart_by_its_own_papers() -> None:
    lexicon = Lexicon([counted(about(topic, n)) for topic in TOPICS for n in range(30)])

    def likes(*topics: str) -> tuple[LikedPaper, ...]:
        return liking(*(about(topic, n) for topic in topics for n in range(31, 36))).liked

    reader = Profile(
        keywords=("quantum",),
        liked=likes("ocean", "speech"),
        facets=(
            Facet("Few", liked=likes("market")),
            Facet("Words", text="kernels"),
            Facet("Two", keywords=("graphs",), liked=likes("market", "protein")),
        ),
    )
    [outline] = outlined([reader], lexicon)
    first, few, words, two = outline.groups
    assert sorted(map(sorted, first)) == [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]
    assert few == words == ()
    assert sorted(map(sorted, two)) == [[1, 2, 3, 4, 5], [6, 7, 8, 9]]  # one is like neither
