"""Order of search results: match, recency, heat and the fusion of rankings."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import Heat, Paper
from digest.models.papers import Match
from digest.ranking.search_order import (
    HEAT_WEIGHT,
    RECENCY_HALF_LIFE,
    RECENCY_WEIGHT,
    compute_match_score,
    fuse_matches,
    fuse_rankings,
    sort_matches,
)
from tests.factories import NOW, make_paper

OLD = replace(make_paper("Old"), published=NOW - timedelta(days=3650), listed=None, first_seen=NOW)
FRESH = replace(make_paper("New"), published=NOW, listed=None)
HEAT = {OLD.id: Heat(value=6, expected=300)}


def sort_papers(matches: Sequence[Match], heat: Mapping[str, Heat]) -> list[Paper]:
    return [match.paper for match in sort_matches(matches, heat, NOW)]


def test_newer_of_equal_matches_comes_first() -> None:
    assert sort_papers([Match(OLD, 0.9), Match(FRESH, 0.9)], {}) == [FRESH, OLD]


def test_heat_lifts_a_paper_past_a_newer_slightly_better_match() -> None:
    middling = replace(FRESH, published=NOW - 3 * RECENCY_HALF_LIFE)
    assert sort_papers([Match(middling, 0.9), Match(OLD, 0.85)], HEAT) == [OLD, middling]


def test_much_better_match_stays_first() -> None:
    assert sort_papers([Match(FRESH, 0.4), Match(OLD, 1)], {FRESH.id: Heat(value=9, expected=1e4)})[0] is OLD


def test_paper_of_unknown_age_is_not_new() -> None:
    ageless = replace(OLD, published=None, first_seen=None)
    assert compute_match_score(Match(ageless, 0.5), {}, NOW) == 0.5


@given(st.floats(0, 1), st.floats(-30, 30), st.integers(-400, 40_000))
def test_recency_and_heat_are_bounded(similarity: float, value: float, days: int) -> None:
    aged = replace(FRESH, published=NOW - timedelta(days=days))
    score = compute_match_score(Match(aged, similarity), {aged.id: Heat(value=value, expected=1)}, NOW)
    assert similarity <= score <= similarity + RECENCY_WEIGHT + HEAT_WEIGHT


@given(st.lists(st.floats(0, 1), max_size=20))
def test_matches_of_one_age_without_heat_keep_their_order(similarity: list[float]) -> None:
    ranked = sorted(similarity, reverse=True)
    matches = [Match(replace(FRESH, id=f"doi:10.1000/{n}"), value) for n, value in enumerate(ranked)]
    assert sort_matches(matches, {}, NOW) == matches


@pytest.mark.parametrize("value", [-5.0, 0.0])
def test_negative_heat_does_not_lower_the_score(value: float) -> None:
    cool = {OLD.id: Heat(value=value, expected=1)}
    assert compute_match_score(Match(OLD, 1), cool, NOW) == compute_match_score(Match(OLD, 1), {}, NOW)


def test_recency_counts_from_the_earliest_known_time() -> None:
    """Published, listed (from midnight UTC) or first seen: a feed may date a paper late, or not at all."""
    listed = replace(OLD, published=None, first_seen=NOW, listed=(NOW - RECENCY_HALF_LIFE).date())
    since_midnight = NOW - datetime.combine(NOW.date(), time(), UTC)
    assert compute_match_score(Match(listed, 0), {}, NOW) == pytest.approx(
        RECENCY_WEIGHT * 0.5 ** (1 + since_midnight / RECENCY_HALF_LIFE)
    )
    seen = replace(listed, listed=None, first_seen=NOW - RECENCY_HALF_LIFE)
    assert compute_match_score(Match(seen, 0), {}, NOW) == pytest.approx(RECENCY_WEIGHT / 2)


RANKINGS = st.permutations(range(8))


@given(first=RANKINGS, second=RANKINGS)
def test_fusion_keeps_an_order_that_both_rankings_share(first: list[int], second: list[int]) -> None:
    scores = fuse_rankings(first, second)
    for one in first:
        for other in first:
            if first.index(one) < first.index(other) and second.index(one) < second.index(other):
                assert scores[one] > scores[other]


@given(first=RANKINGS, second=RANKINGS)
def test_fusion_is_symmetric_with_scores_up_to_one(first: list[int], second: list[int]) -> None:
    assert all(0 < score <= 1 for score in fuse_rankings(first, second).values())
    assert fuse_rankings(first, second) == fuse_rankings(second, first)
    assert fuse_rankings(first, first)[first[0]] == 1


def test_item_of_one_ranking_scores_half_at_most() -> None:
    assert fuse_rankings(["a"], ["b"]) == {"a": 0.5, "b": 0.5}


def test_meaning_decides_between_similar_matches_by_words() -> None:
    bank, river, third = (
        Match(make_paper("Banks"), 0.8),
        Match(make_paper("Banks Too"), 0.79),
        Match(make_paper("Bank"), 0.5),
    )

    def sort_titles(*matches: Match, **cosines: float) -> list[str]:
        by_id = {match.paper.id: cosines[match.paper.title[-1]] for match in matches}
        return [match.paper.title for match in sort_matches(fuse_matches(matches, by_id), {}, NOW)]

    assert sort_titles(bank, river, s=0.1, o=0.9) == ["Banks", "Banks Too"]  # a tie: the words decide
    assert sort_titles(bank, river, third, s=-0.5, o=0.9, k=0.1)[0] == "Banks Too"


@given(
    by_words=st.integers(0, 12),
    by_meaning=st.integers(0, 12),
    values=st.lists(st.floats(-1, 1), min_size=24, max_size=24),
    without_cosine=st.sets(st.integers(0, 11)),
)
def test_best_match_by_words_is_ahead_of_all_by_meaning_alone(
    by_words: int, by_meaning: int, values: list[float], without_cosine: set[int]
) -> None:
    papers = [make_paper(f"Number {number}") for number in range(by_words + by_meaning)]
    matches = [Match(paper, 1 - rank / 20) for rank, paper in enumerate(papers[:by_words])]
    cosines = {paper.id: cosine for paper, cosine in zip(papers, values, strict=False)}
    cosines = {paper_id: cosine for rank, (paper_id, cosine) in enumerate(cosines.items())
                if rank >= by_words or rank not in without_cosine}  # fmt: skip
    fused = fuse_matches(matches, cosines, papers)
    assert [match.paper for match in fused] == papers
    assert [match.is_semantic for match in fused] == [False] * by_words + [True] * by_meaning
    assert all(0 < match.similarity <= 1 for match in fused)
    if by_words:
        assert all(fused[0].similarity > match.similarity for match in fused[by_words:])
    elif by_meaning:
        assert max(match.similarity for match in fused) == 1


def test_paper_in_both_rankings_is_one_match_by_words() -> None:
    one = make_paper()
    assert fuse_matches([Match(one, 1.0)], {one.id: 0.9}, [one]) == [Match(one, 1.0)]
