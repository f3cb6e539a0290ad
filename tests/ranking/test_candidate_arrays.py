"""A day's facts are the same for every reader: what is hot, what is new, and what decides between equals."""

from dataclasses import replace
from datetime import timedelta

import pytest

from digest.models import Candidates, Heat, Paper
from digest.ranking.candidate_arrays import CandidateArrays
from digest.ranking.score import attention
from tests.factories import NOW, paper


def columns(*papers: Paper, **heat: Heat) -> CandidateArrays:
    return CandidateArrays(Candidates(papers, heat))


def voted(value: float, expected: float = 1) -> Heat:
    return Heat(value=value, expected=expected, votes=1)


def test_the_hottest_lead_the_list_then_the_most_promising_then_the_first_by_id() -> None:
    day = columns(
        *(paper(id=name) for name in "dcba"), a=voted(1), b=voted(1), c=voted(1, expected=2), d=voted(2)
    )
    assert [day.candidates.papers[place].id for place in day.by_heat] == ["d", "c", "a", "b"]
    assert day.hottest.tolist() == [0, 1, 3, 2]


def test_the_alphabet_is_that_of_the_ids_in_whatever_order_papers_come() -> None:
    assert columns(paper(id="b"), paper(id="c"), paper(id="a")).alphabet.tolist() == [1, 2, 0]


def test_what_nobody_measured_is_as_hot_as_usual() -> None:
    first, second = columns(paper(id="a"), paper(id="b"), b=voted(2)).heats
    assert (first.value, second.value) == (0, 2)


def test_a_day_without_votes_leaves_the_order_to_interest_alone() -> None:
    assert columns(paper(id="a"), a=Heat(value=3, expected=40)).attention is None
    day = columns(paper(id="a"), paper(id="b"), a=voted(1.5))
    assert day.attention is not None
    assert day.attention.tolist() == [attention(heat) for heat in day.heats]
    assert day.attention[0] == day.attention[1] + 1.5


def test_a_listed_paper_counts_as_talked_about_only_while_no_votes_are_read() -> None:
    listed, unlisted = replace(paper(id="a"), listed=NOW.date()), paper(id="b")
    assert columns(listed, unlisted).is_talked_about.tolist() == [True, False]
    assert columns(listed, unlisted, b=voted(0)).is_talked_about.tolist() == [False, True]


@pytest.mark.parametrize(("hours", "is_new"), [(-1, False), (0, False), (1, True)])
def test_new_is_what_came_after_the_last_digest_and_not_what_it_already_knew(
    *, hours: int, is_new: bool
) -> None:
    day = columns(paper(first_seen=NOW + timedelta(hours=hours)))
    assert day.is_new(NOW).tolist() == [is_new]
    assert day.is_new(None).tolist() == [True]


def test_a_paper_that_no_store_has_seen_is_new_and_was_kept_since_no_day() -> None:
    day = columns(paper(first_seen=None), paper(first_seen=NOW - timedelta(days=2)))
    assert day.is_new(NOW - timedelta(days=1)).tolist() == [True, False]
    assert day.seen_on == (None, NOW.date() - timedelta(days=2))
