"""Reasons are the same whether they are computed alone or together with thousands of others."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from digest.models import LikedPaper, Profile
from digest.ranking import shared_terms
from digest.ranking.ranker import Ranker
from tests.factories import make_paper

WORDS = ("sheep", "sleep", "robots", "markets", "oceans", "proofs", "dreams", "wool")
PAPERS = [
    make_paper(f"{first} {second} {first}", abstract=f"About {second} and {third}.")
    for first in WORDS
    for second, third in pairwise(WORDS[1:])
    if first != second
]
PROFILES = st.lists(
    st.builds(
        Profile,
        keywords=st.lists(st.sampled_from(WORDS), max_size=3).map(tuple),
        liked=st.lists(
            st.sampled_from(PAPERS).map(lambda paper: LikedPaper(title=paper.title, abstract=paper.abstract)),
            max_size=3,
        ).map(tuple),
    ),
    min_size=1,
    max_size=4,
)


@given(profiles=PROFILES)
def test_reasons_computed_together_equal_those_computed_alone(profiles: list[Profile]) -> None:
    ranker = Ranker(PAPERS)
    indices = range(len(PAPERS))
    for together, alone in zip(ranker.rank(profiles), ranker.rank(profiles), strict=True):
        assert together.build_reasons(indices) == [alone.build_reason(index) for index in indices]


def test_more_queries_than_one_block_are_answered() -> None:
    profiles = [Profile(keywords=(word,)) for word in WORDS] * (shared_terms.BLOCK_QUERIES // 4)
    [rankings] = Ranker(PAPERS).rank_chunks(profiles)
    readers = np.arange(len(profiles))
    reasons = rankings.build_reasons(readers, np.zeros_like(readers), [None] * len(profiles))
    assert {word for reason in reasons for word in reason.terms} == {"sheep", "sleep"}
