"""Is a reason the same, whether it is found alone or together with thousands of others?"""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from digest.models import LikedPaper, Profile
from digest.ranking import shared_terms
from digest.ranking.ranker import Ranker
from tests.factories import paper

WORDS = ("sheep", "sleep", "robots", "markets", "oceans", "proofs", "dreams", "wool")
PAPERS = [
    paper(f"{first} {second} {first}", abstract=f"About {second} and {third}.")
    for first in WORDS
    for second, third in pairwise(WORDS[1:])
    if first != second
]
PROFILES = st.lists(
    st.builds(
        Profile,
        keywords=st.lists(st.sampled_from(WORDS), max_size=3).map(tuple),
        liked=st.lists(
            st.sampled_from(PAPERS).map(lambda each: LikedPaper(title=each.title, abstract=each.abstract)),
            max_size=3,
        ).map(tuple),
    ),
    min_size=1,
    max_size=4,
)


@given(profiles=PROFILES)
def test_reasons_found_together_are_those_found_alone(profiles: list[Profile]) -> None:
    ranker = Ranker(PAPERS)
    every = range(len(PAPERS))
    together, alone = ranker.rank(profiles), ranker.rank(profiles)
    for ranking in together:
        ranking.note(every)
    for noted, asked in zip(together, alone, strict=True):
        assert [noted.reason(place) for place in every] == [asked.reason(place) for place in every]


def test_more_interests_than_one_table_holds_are_answered_in_several() -> None:
    profiles = [Profile(keywords=(word,)) for word in WORDS] * (shared_terms.BLOCK // 4)
    rankings = Ranker(PAPERS).rank(profiles)
    for ranking in rankings:
        ranking.note([0])
    assert {word for ranking in rankings for word in ranking.reason(0).terms} == {"sheep", "sleep", "robots"}
