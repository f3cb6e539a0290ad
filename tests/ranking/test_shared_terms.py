"""Reasons are the same whether they are computed alone or together with thousands of others."""

from itertools import pairwise

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
    together, alone = ranker.rank(profiles), ranker.rank(profiles)
    for ranking in together:
        ranking.prepare_reasons(indices)
    for prepared, single in zip(together, alone, strict=True):
        assert [prepared.build_reason(index) for index in indices] == [
            single.build_reason(index) for index in indices
        ]


def test_more_queries_than_one_block_are_answered() -> None:
    profiles = [Profile(keywords=(word,)) for word in WORDS] * (shared_terms.BLOCK_QUERIES // 4)
    rankings = Ranker(PAPERS).rank(profiles)
    for ranking in rankings:
        ranking.prepare_reasons([0])
    assert {word for ranking in rankings for word in ranking.build_reason(0).terms} == {
        "sheep",
        "sleep",
    }
