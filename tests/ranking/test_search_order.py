"""The words decide what is found; of what matches alike, the new and the talked-about comes first."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import Heat, Paper
from digest.models.papers import Match
from digest.ranking.search_order import FADES, HOT, NEW, both_ways, found, found_order, fused
from tests.factories import NOW, paper

OLD = replace(paper("Old"), published=NOW - timedelta(days=3650), listed=None, first_seen=NOW)
FRESH = replace(paper("New"), published=NOW, listed=None)
HEATED = {OLD.id: Heat(value=6, expected=300)}


def order(matches: Sequence[Match], heat: Mapping[str, Heat]) -> list[Paper]:
    return [match.paper for match in found_order(matches, heat, NOW)]


def test_of_equal_matches_the_newer_comes_first() -> None:
    assert order([Match(OLD, 0.9), Match(FRESH, 0.9)], {}) == [FRESH, OLD]


def test_heat_lifts_a_paper_past_a_newer_one_that_matches_a_little_better() -> None:
    middling = replace(FRESH, published=NOW - 3 * FADES)
    assert order([Match(middling, 0.9), Match(OLD, 0.85)], HEATED) == [OLD, middling]


def test_a_far_better_match_stands_whatever_is_new_and_hot() -> None:
    assert order([Match(FRESH, 0.4), Match(OLD, 1)], {FRESH.id: Heat(value=9, expected=1e4)})[0] is OLD


def test_a_paper_of_unknown_age_is_not_new() -> None:
    ageless = replace(OLD, published=None, first_seen=None)
    assert found(Match(ageless, 0.5), {}, NOW) == 0.5


@given(st.floats(0, 1), st.floats(-30, 30), st.integers(-400, 40_000))
def test_nothing_adds_more_than_being_new_and_hot_can(likeness: float, value: float, days: int) -> None:
    aged = replace(FRESH, published=NOW - timedelta(days=days))
    worth = found(Match(aged, likeness), {aged.id: Heat(value=value, expected=1)}, NOW)
    assert likeness <= worth <= likeness + NEW + HOT


@given(st.lists(st.floats(0, 1), max_size=20))
def test_without_heat_papers_of_one_age_stay_in_the_order_of_their_match(likeness: list[float]) -> None:
    ranked = sorted(likeness, reverse=True)
    matches = [Match(replace(FRESH, id=f"doi:10.1000/{n}"), each) for n, each in enumerate(ranked)]
    assert found_order(matches, {}, NOW) == matches


@pytest.mark.parametrize("value", [-5.0, 0.0])
def test_a_paper_cooler_than_usual_loses_nothing(value: float) -> None:
    cool = {OLD.id: Heat(value=value, expected=1)}
    assert found(Match(OLD, 1), cool, NOW) == found(Match(OLD, 1), {}, NOW)


def test_a_paper_is_as_new_as_the_earliest_day_it_is_known_from() -> None:
    """Published, listed (from midnight UTC on) or first seen: a feed may date a paper late, or not at all."""
    listed = replace(OLD, published=None, first_seen=NOW, listed=(NOW - FADES).date())
    since_midnight = NOW - datetime.combine(NOW.date(), time(), UTC)
    assert found(Match(listed, 0), {}, NOW) == pytest.approx(NEW * 0.5 ** (1 + since_midnight / FADES))
    seen = replace(listed, listed=None, first_seen=NOW - FADES)
    assert found(Match(seen, 0), {}, NOW) == pytest.approx(NEW / 2)


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
