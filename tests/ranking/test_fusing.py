"""Two rankings become one: what both put first comes first."""

from hypothesis import given
from hypothesis import strategies as st

from digest.ranking.fusing import fused
from digest.ranking.search_order import Match, both_ways, found_order
from tests.factories import NOW, paper

NAMES = st.permutations(range(8))


@given(first=NAMES, second=NAMES)
def test_nothing_that_both_put_behind_another_comes_before_it(first: list[int], second: list[int]) -> None:
    scores = fused(first, second)
    for one in first:
        for other in first:
            if first.index(one) < first.index(other) and second.index(one) < second.index(other):
                assert scores[one] > scores[other]


@given(first=NAMES, second=NAMES)
def test_scores_lie_between_nothing_and_one_whichever_ranking_comes_first(
    first: list[int], second: list[int]
) -> None:
    assert all(0 < score <= 1 for score in fused(first, second).values())
    assert fused(first, second) == fused(second, first)
    assert fused(first, first)[first[0]] == 1


def test_what_one_ranking_alone_names_gets_half_at_most() -> None:
    assert fused(["a"], ["b"]) == {"a": 0.5, "b": 0.5}


def test_of_papers_with_the_same_words_the_one_that_means_it_comes_first() -> None:
    bank, river, third = (
        Match(paper("Banks"), 0.8),
        Match(paper("Banks Too"), 0.79),
        Match(paper("Bank"), 0.5),
    )

    def order(*matches: Match, **nearness: float) -> list[str]:
        named = {match.paper.id: nearness[match.paper.title[-1]] for match in matches}
        return [match.paper.title for match in found_order(both_ways(matches, named), {}, NOW)]

    assert order(bank, river, s=0.1, o=0.9) == ["Banks", "Banks Too"]  # a draw: the words decide
    assert order(bank, river, third, s=-0.5, o=0.9, k=0.1)[0] == "Banks Too"


@given(
    held=st.integers(0, 12),
    near=st.integers(0, 12),
    cosines=st.lists(st.floats(-1, 1), min_size=24, max_size=24),
    unknown=st.sets(st.integers(0, 11)),
)
def test_what_holds_the_words_best_is_liker_than_anything_found_by_meaning_alone(
    held: int, near: int, cosines: list[float], unknown: set[int]
) -> None:
    papers = [paper(f"Number {number}") for number in range(held + near)]
    matches = [Match(each, 1 - place / 20) for place, each in enumerate(papers[:held])]
    nearness = {each.id: cosine for each, cosine in zip(papers, cosines, strict=False)}
    nearness = {known: cosine for place, (known, cosine) in enumerate(nearness.items())
                if place >= held or place not in unknown}  # fmt: skip
    both = both_ways(matches, nearness, papers)
    assert [each.paper for each in both] == papers
    assert [each.is_by_meaning for each in both] == [False] * held + [True] * near
    assert all(0 < each.likeness <= 1 for each in both)
    if held:
        assert all(both[0].likeness > each.likeness for each in both[held:])
    elif near:
        assert max(each.likeness for each in both) == 1


def test_a_paper_in_both_rankings_is_found_once_and_by_its_words() -> None:
    one = paper()
    assert both_ways([Match(one, 1.0)], {one.id: 0.9}, [one]) == [Match(one, 1.0)]
