"""Profile vectors rank as the profile itself, also after they were stored."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from digest.models import Facet, LikedPaper, Profile
from digest.ranking.profile_vectors import (
    FORMAT_VERSION,
    ProfileVectors,
    hash_terms,
    pack_profile,
    unpack_profile,
)
from digest.ranking.ranker import Ranker
from tests.factories import make_paper
from tests.ranking.test_embeddings import Synonyms

WORDS = ("ocean", "sea", "waves", "money", "market", "auction", "graph", "kernel", "robot", "speech")
titles = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
liked_papers = st.lists(titles.map(LikedPaper), max_size=8).map(tuple)
profiles = st.builds(
    Profile,
    keywords=st.lists(st.sampled_from(WORDS), max_size=2).map(tuple),
    liked=liked_papers,
    disliked=st.lists(titles.map(LikedPaper), max_size=2).map(tuple),
    learnt=st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from((-0.4, 0.6))), max_size=2).map(tuple),
    facets=st.lists(st.builds(Facet, st.sampled_from(("a", "b")), liked=liked_papers), max_size=2).map(tuple),
)


def build_ranker() -> Ranker:
    papers = [
        make_paper(f"{one} {other} study", abstract="") for one in WORDS for other in WORDS if one < other
    ]
    return Ranker(papers, model=Synonyms())


RANKER = build_ranker()


@given(st.lists(profiles, min_size=1, max_size=5))
def test_stored_vectors_rank_as_the_profiles_do(readers: list[Profile]) -> None:
    stored = [unpack_profile(pack_profile(vectors)) for vectors in RANKER.encode_profiles(readers)]
    for computed, restored in zip(RANKER.rank(readers), RANKER.rank(readers, stored), strict=True):
        assert np.allclose(computed.affinity, restored.affinity, atol=0.02)
        assert np.allclose(computed.probability, restored.probability, atol=0.02)
        assert computed.is_personal == restored.is_personal


@given(st.lists(profiles, min_size=2, max_size=6))
def test_ranking_does_not_depend_on_other_readers_in_the_chunk(readers: list[Profile]) -> None:
    [alone] = RANKER.rank(readers[:1])
    assert np.allclose(alone.affinity, RANKER.rank(readers)[0].affinity, atol=1e-4)


@given(st.lists(profiles, min_size=2, max_size=4))
def test_missing_vectors_are_computed(readers: list[Profile]) -> None:
    partial: list[ProfileVectors | None] = [None, *RANKER.encode_profiles(readers[1:])]
    for computed, mixed in zip(RANKER.rank(readers), RANKER.rank(readers, partial), strict=True):
        assert np.allclose(computed.affinity, mixed.affinity, atol=1e-4)


def test_groups_are_restored() -> None:
    vectors = ProfileVectors(
        term_counts=np.zeros(7, np.int32),
        term_ids=hash_terms(()),
        term_weights=np.zeros(0, np.float32),
        topics=np.ones((7, 3), np.float32),
        embeddings=np.ones((7, 2), np.float32),
        groups=(((3, 0, 1), (5, 4, 6)), ()),
    )
    restored = unpack_profile(pack_profile(vectors))
    assert restored.groups == vectors.groups
    assert (restored.topics.shape, restored.embeddings.shape) == ((7, 3), (7, 2))


def test_hash_terms_never_changes() -> None:
    assert hash_terms(["ocean", "ocean heat"]).tolist() == [1814253598, 2071796654]


def test_vectors_are_the_same_as_in_earlier_versions() -> None:
    """If this fails, stored vectors no longer rank as computed ones: raise FORMAT_VERSION."""
    [vectors] = RANKER.encode_profiles(
        [Profile(keywords=("Oceans' waves",), liked=(LikedPaper("The self-driving sea", "It waves."),))]
    )
    total = round(float(vectors.term_weights.sum()), 2)
    summary = (FORMAT_VERSION, vectors.term_counts.tolist(), int(vectors.term_ids.sum()), total)
    assert summary == (3, [3, 6], 17674157271, 1.11)
