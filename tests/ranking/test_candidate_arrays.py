"""Facts about the candidates that are the same for every reader."""

from dataclasses import replace
from datetime import timedelta

import pytest

from digest.models import Candidates, Heat, Paper
from digest.ranking.candidate_arrays import CandidateArrays
from digest.ranking.score import compute_attention
from tests.factories import NOW, make_paper


def build_arrays(*papers: Paper, **heat: Heat) -> CandidateArrays:
    return CandidateArrays(Candidates(papers, heat))


def make_heat(value: float, expected: float = 1) -> Heat:
    return Heat(value=value, expected=expected, votes=1)


def test_heat_order_is_by_heat_then_expected_votes_then_id() -> None:
    day = build_arrays(
        *(make_paper(id=name) for name in "dcba"),
        a=make_heat(1),
        b=make_heat(1),
        c=make_heat(1, expected=2),
        d=make_heat(2),
    )
    assert [day.candidates.papers[index].id for index in day.heat_order] == ["d", "c", "a", "b"]


def test_id_rank_does_not_depend_on_the_order_of_papers() -> None:
    day = build_arrays(make_paper(id="b"), make_paper(id="c"), make_paper(id="a"))
    assert day.id_rank.tolist() == [1, 2, 0]


def test_paper_without_measurement_is_as_hot_as_usual() -> None:
    first, second = build_arrays(make_paper(id="a"), make_paper(id="b"), b=make_heat(2)).heats
    assert (first.value, second.value) == (0, 2)


def test_attention_is_none_on_a_day_without_votes() -> None:
    assert build_arrays(make_paper(id="a"), a=Heat(value=3, expected=40)).attention is None
    day = build_arrays(make_paper(id="a"), make_paper(id="b"), a=make_heat(1.5))
    assert day.attention is not None
    assert day.attention.tolist() == [compute_attention(heat) for heat in day.heats]
    assert day.attention[0] == day.attention[1] + 1.5


def test_listed_paper_counts_as_discussed_only_without_any_votes() -> None:
    listed, unlisted = replace(make_paper(id="a"), listed=NOW.date()), make_paper(id="b")
    assert build_arrays(listed, unlisted).is_discussed.tolist() == [True, False]
    assert build_arrays(listed, unlisted, b=make_heat(0)).is_discussed.tolist() == [False, True]


@pytest.mark.parametrize(("hours", "is_new"), [(-1, False), (0, False), (1, True)])
def test_is_new_means_first_seen_after_the_last_digest(*, hours: int, is_new: bool) -> None:
    day = build_arrays(make_paper(first_seen=NOW + timedelta(hours=hours)))
    assert day.is_new([NOW, None]).tolist() == [[is_new], [True]]


def test_paper_that_was_never_stored_is_new_and_has_no_date() -> None:
    day = build_arrays(make_paper(first_seen=None), make_paper(first_seen=NOW - timedelta(days=2)))
    assert day.is_new([NOW - timedelta(days=1)]).tolist() == [[True, False]]
    assert day.first_seen_on == (None, NOW.date() - timedelta(days=2))
