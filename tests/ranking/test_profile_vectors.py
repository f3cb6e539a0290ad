"""A profile in numbers ranks as the profile itself, on the day it was made and after it was stored."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from digest.models import Facet, LikedPaper, Profile
from digest.ranking.profile_vectors import FORM, ProfileVectors, numbered, packed, unpacked
from digest.ranking.ranker import Ranker
from tests.factories import paper
from tests.ranking.test_embeddings import Synonyms

WORDS = ("ocean", "sea", "waves", "money", "market", "auction", "graph", "kernel", "robot", "speech")
titles = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
likings = st.lists(titles.map(LikedPaper), max_size=8).map(tuple)
profiles = st.builds(
    Profile,
    keywords=st.lists(st.sampled_from(WORDS), max_size=2).map(tuple),
    liked=likings,
    disliked=st.lists(titles.map(LikedPaper), max_size=2).map(tuple),
    learnt=st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from((-0.4, 0.6))), max_size=2).map(tuple),
    facets=st.lists(st.builds(Facet, st.sampled_from(("a", "b")), liked=likings), max_size=2).map(tuple),
)


def day() -> Ranker:
    papers = [paper(f"{one} {other} study", abstract="") for one in WORDS for other in WORDS if one < other]
    return Ranker(papers, vectors=Synonyms())


DAY = day()


@given(st.lists(profiles, min_size=1, max_size=5))
def test_outlines_made_before_rank_as_the_profiles_do(readers: list[Profile]) -> None:
    stored = [unpacked(packed(outline)) for outline in DAY.outlined(readers)]
    for plain, kept in zip(DAY.rank(readers), DAY.rank(readers, stored), strict=True):
        assert np.allclose(plain.affinity, kept.affinity, atol=0.02)
        assert plain.is_personal == kept.is_personal


@given(st.lists(profiles, min_size=2, max_size=6))
def test_who_else_is_in_the_chunk_changes_nothing(readers: list[Profile]) -> None:
    [alone] = DAY.rank(readers[:1])
    assert np.allclose(alone.affinity, DAY.rank(readers)[0].affinity, atol=1e-4)


@given(st.lists(profiles, min_size=2, max_size=4))
def test_only_the_missing_outlines_are_made(readers: list[Profile]) -> None:
    given: list[ProfileVectors | None] = [None, *DAY.outlined(readers[1:])]
    for plain, mixed in zip(DAY.rank(readers), DAY.rank(readers, given), strict=True):
        assert np.allclose(plain.affinity, mixed.affinity, atol=1e-4)


def test_groups_come_back_as_they_were() -> None:
    nothing = np.zeros(0, np.float32)
    given = ProfileVectors(
        sizes=np.zeros(7, np.int32),
        words=numbered(()),
        strengths=nothing,
        vectors=np.ones((7, 2), np.float32),
        groups=(((3, 0, 1), (5, 4, 6)), ()),
    )
    back = unpacked(packed(given))
    assert back.groups == given.groups
    assert back.vectors.shape == (7, 2)


def test_a_term_has_one_number_for_ever() -> None:
    assert numbered(["ocean", "ocean heat"]).tolist() == [1814253598, 2071796654]


def test_outlines_kept_by_earlier_versions_still_mean_the_same() -> None:
    """When this fails, what is kept no longer ranks as what would be made: raise FORM, and say so here."""
    [made] = DAY.outlined(
        [Profile(keywords=("Oceans' waves",), liked=(LikedPaper("The self-driving sea", "It waves."),))]
    )
    said = (FORM, made.sizes.tolist(), int(made.words.sum()), round(float(made.strengths.sum()), 2))
    assert said == (1, [3, 6], 17674157271, 1.11)
