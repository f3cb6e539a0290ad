"""Encoding of profiles: the fingerprint, and the groups of every interest."""

from dataclasses import replace

import numpy as np
import pytest

from digest.models import Facet, LikedPaper, Profile
from digest.ranking.bm25 import Corpus, count_terms
from digest.ranking.profile_documents import build_documents, build_interests
from digest.ranking.profile_encoder import compute_fingerprint, encode_profiles
from digest.ranking.profile_vectors import hash_terms, pack_profile, unpack_profile
from tests.ranking.test_ranker import TOPICS, make_liking_profile, make_title

PROFILE = Profile(
    keywords=("ocean heat",),
    text="I like the sea.",
    liked=(LikedPaper("Waves", "We measure.", "arxiv:1"), LikedPaper("Tides")),
    disliked=(LikedPaper("Auctions"),),
    learnt=(("heat", 0.4), ("money", -0.2)),
    facets=(Facet("Sound", keywords=("speech",)), Facet("Shape", text="Proteins")),
)
CHANGED = {
    "a keyword": replace(PROFILE, keywords=("ocean cold",)),
    "the paragraph": replace(PROFILE, text="I like the seas."),
    "a liked paper's title": replace(PROFILE, liked=(LikedPaper("Wave", "We measure."), LikedPaper("Tides"))),
    "a liked paper's abstract": replace(
        PROFILE, liked=(LikedPaper("Waves", "We guess."), LikedPaper("Tides"))
    ),
    "where a title ends": replace(PROFILE, liked=(LikedPaper("Waves\nWe", "measure."), LikedPaper("Tides"))),
    "the order of liked papers": replace(PROFILE, liked=PROFILE.liked[::-1]),
    "one liked paper less": replace(PROFILE, liked=PROFILE.liked[1:]),
    "a disliked paper": replace(PROFILE, disliked=(LikedPaper("Auction"),)),
    "liked for disliked": replace(PROFILE, liked=(*PROFILE.liked, *PROFILE.disliked), disliked=()),
    "the weight of a learnt term": replace(PROFILE, learnt=(("heat", 0.4), ("money", -0.3))),
    "a facet's name": replace(PROFILE, facets=(replace(PROFILE.facets[0], name="Noise"), PROFILE.facets[1])),
    "the order of facets": replace(PROFILE, facets=PROFILE.facets[::-1]),
    "a facet that is no more": replace(PROFILE, facets=PROFILE.facets[:1]),
}


@pytest.mark.parametrize("change", CHANGED)
def test_fingerprint_changes_with_everything_that_is_encoded(change: str) -> None:
    assert compute_fingerprint(CHANGED[change]) != compute_fingerprint(PROFILE)


def test_fingerprint_ignores_fields_that_are_not_encoded() -> None:
    others = replace(
        PROFILE, authors=("Ada",), categories=("cs.LG",), muted=("sheep",), affiliations=("Here",)
    )
    assert compute_fingerprint(others) == compute_fingerprint(PROFILE)


def test_fingerprint_is_the_same_as_in_earlier_versions() -> None:
    """If this fails, the vectors of every reader are computed again once, which takes long with a model."""
    assert compute_fingerprint(PROFILE) == 3652795632
    assert compute_fingerprint(Profile()) == 1728062035


def test_unpaired_surrogate_is_encoded_like_any_other_character() -> None:
    broken = Profile(keywords=("\ud800 waves",), facets=(Facet("\ud800", text="sea"),))
    assert compute_fingerprint(broken) != compute_fingerprint(Profile())
    assert len({*hash_terms(["\ud800", "\ud801", "waves"]).tolist()}) == 3


def test_stored_vectors_equal_computed_ones() -> None:
    corpus = Corpus([count_terms(make_title(topic, n)) for topic in TOPICS for n in range(5)])
    [computed] = encode_profiles([PROFILE], corpus)
    restored = unpack_profile(pack_profile(computed))
    assert computed.embeddings.shape == (
        len(build_documents(PROFILE, build_interests(PROFILE))),
        0,
    )  # without a model
    assert restored.embeddings.shape == computed.embeddings.shape
    assert np.array_equal(restored.term_weights, computed.term_weights)
    assert np.array_equal(restored.term_ids, computed.term_ids)
    assert np.array_equal(restored.term_counts, computed.term_counts)


def test_each_interest_is_split_by_its_own_papers() -> None:
    corpus = Corpus([count_terms(make_title(topic, n)) for topic in TOPICS for n in range(30)])

    def likes(*topics: str) -> tuple[LikedPaper, ...]:
        return make_liking_profile(*(make_title(topic, n) for topic in topics for n in range(31, 36))).liked

    reader = Profile(
        keywords=("quantum",),
        liked=likes("ocean", "speech"),
        facets=(
            Facet("Few", liked=likes("market")),
            Facet("Words", text="kernels"),
            Facet("Two", keywords=("graphs",), liked=likes("market", "protein")),
        ),
    )
    [vectors] = encode_profiles([reader], corpus)
    first, few, text, two = vectors.groups
    assert sorted(map(sorted, first)) == [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]
    assert few == text == ()
    assert sorted(map(sorted, two)) == [[1, 2, 3, 4, 5], [6, 7, 8, 9]]  # one is similar to neither
