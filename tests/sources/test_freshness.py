"""Tests of the judgement whether a batch of arXiv is fresh, and of the reasons to hold a day."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import FetchResult, FetchState, Health, Paper
from digest.sources.freshness import announcement_day, find_hold_reason, find_missed_day, judge_freshness
from tests.factories import NOW, make_paper

MONDAY, FRIDAY, SUNDAY = date(2026, 11, 23), date(2026, 11, 20), date(2026, 11, 22)
THANKSGIVING = date(2026, 11, 26)


def make_result(papers: Sequence[Paper] = (), *, unseen: int = 0, health: Health = Health.OK) -> FetchResult:
    return FetchResult(
        source="arxiv", scope="cs.CL", read_at=NOW, papers=tuple(papers), unseen=unseen, health=health
    )


BATCH = tuple(make_paper() for _ in range(10))
IDS = frozenset(p.id for p in BATCH)


def test_batch_with_an_unseen_paper_is_fresh() -> None:
    result = judge_freshness(make_result(BATCH, unseen=1), FetchState(), today=MONDAY)
    assert (result.health, result.day) == (Health.OK, MONDAY)
    assert judge_freshness(make_result(BATCH, unseen=1), FetchState(), today=SUNDAY).day == FRIDAY


def test_yesterday_s_batch_on_a_weekday_is_stale() -> None:
    result = judge_freshness(make_result(BATCH), FetchState(day=FRIDAY, ids=IDS), today=MONDAY)
    assert (result.health, result.day) == (Health.STALE, None)
    assert result.note == "All 10 papers were seen before: an old batch."


def test_old_batch_with_one_unseen_paper_is_stale() -> None:
    result = judge_freshness(make_result(BATCH, unseen=1), FetchState(day=FRIDAY, ids=IDS), today=MONDAY)
    assert (result.health, result.day) == (Health.STALE, None)
    assert (
        judge_freshness(make_result(BATCH, unseen=1), FetchState(day=MONDAY, ids=IDS), today=MONDAY).health
        is Health.OK
    )


def test_new_batch_of_known_papers_is_not_stale() -> None:
    state = FetchState(day=FRIDAY, ids=frozenset({"arxiv:2611.99999"}))
    assert judge_freshness(make_result(BATCH), state, today=MONDAY).health is Health.OK


def test_second_fetch_of_a_day_without_news_is_ok() -> None:
    result = judge_freshness(make_result(BATCH), FetchState(day=MONDAY, ids=IDS), today=MONDAY)
    assert (result.health, result.note) == (Health.OK, "Nothing new since the last reading.")


def test_new_batch_in_the_evening_belongs_to_the_next_day() -> None:
    for state in (FetchState(), FetchState(day=FRIDAY, ids=frozenset({"arxiv:2611.99999"}))):
        result = judge_freshness(make_result(BATCH, unseen=10), state, today=SUNDAY, evening_day=MONDAY)
        assert result.day == MONDAY
        again = judge_freshness(make_result(BATCH), FetchState(day=result.day, ids=IDS), today=MONDAY)
        assert (again.health, again.note) == (Health.OK, "Nothing new since the last reading.")


def test_late_batch_and_single_paper_in_the_evening_belong_to_today() -> None:
    tuesday = MONDAY + timedelta(days=1)
    late = judge_freshness(
        make_result(BATCH, unseen=10), FetchState(day=FRIDAY), today=MONDAY, evening_day=tuesday
    )
    stray = judge_freshness(
        make_result(BATCH, unseen=1), FetchState(day=MONDAY, ids=IDS), today=MONDAY, evening_day=tuesday
    )
    assert (late.day, stray.day) == (MONDAY, MONDAY)


@pytest.mark.parametrize(("day", "why"), [(SUNDAY, "weekend"), (THANKSGIVING, "holiday: Thanksgiving")])
def test_day_without_announcement_is_empty_with_a_reason(day: date, why: str) -> None:
    for papers in ((), BATCH):
        result = judge_freshness(make_result(papers), FetchState(), today=day)
        assert (result.health, result.note) == (Health.EMPTY, f"arXiv announced nothing today: {why}.")


def test_empty_feed_on_a_weekday_is_stale_unless_other_categories_have_papers() -> None:
    assert judge_freshness(make_result(), FetchState(), today=MONDAY).health is Health.STALE
    assert (
        judge_freshness(make_result(), FetchState(), today=MONDAY, papers_elsewhere=200).health is Health.OK
    )


@pytest.mark.parametrize("health", [Health.FAILED, Health.CHANGED, Health.TRUNCATED])
def test_unhealthy_result_is_returned_unchanged(health: Health) -> None:
    sick = make_result(BATCH, unseen=10, health=health)
    assert judge_freshness(sick, FetchState(), today=MONDAY) == sick


def test_find_missed_day() -> None:
    assert find_missed_day(FetchState(), today=MONDAY) is None
    assert find_missed_day(FetchState(day=FRIDAY), today=MONDAY) is None
    assert find_missed_day(FetchState(day=date(2026, 11, 18)), today=MONDAY) == date(2026, 11, 19)
    assert find_missed_day(FetchState(day=date(2026, 11, 19)), today=SUNDAY) == FRIDAY
    assert find_missed_day(FetchState(day=MONDAY), today=MONDAY) is None


@given(st.dates(date(2024, 1, 1), date(2030, 1, 1)))
def test_announcement_day_is_not_in_the_future_and_at_most_five_days_ago(today: date) -> None:
    assert timedelta(0) <= today - announcement_day(today) <= timedelta(days=5)


def test_ordinary_day_is_not_held() -> None:
    usual = {"cs.CL": FetchState(day=FRIDAY, usual=40.0)}
    assert find_hold_reason([make_result(BATCH, unseen=10)], usual, today=MONDAY) == ""
    assert find_hold_reason([], usual, today=MONDAY) == ""
    assert find_hold_reason([make_result()], usual, today=SUNDAY) == ""


def test_announcement_day_without_new_papers_is_held() -> None:
    usual = {"cs.CL": FetchState(usual=40.0, day=MONDAY - timedelta(days=3))}
    assert "nothing new" in find_hold_reason([make_result(BATCH)], usual, today=MONDAY)
    assert find_hold_reason([make_result(BATCH)], usual, today=MONDAY, gave_up=True) == ""
    assert find_hold_reason([make_result(BATCH)], {"cs.CL": FetchState(day=MONDAY)}, today=MONDAY) == ""


def test_failed_or_always_small_source_is_not_held() -> None:
    usual = {"cs.CL": FetchState(usual=40.0, day=MONDAY - timedelta(days=3))}
    assert find_hold_reason([make_result((), health=Health.FAILED)], usual, today=MONDAY) == ""
    assert find_hold_reason([make_result(BATCH)], {"cs.CL": FetchState(usual=2.0)}, today=MONDAY) == ""


def test_more_than_five_times_the_usual_is_held() -> None:
    flood = make_result(BATCH, unseen=201)
    usual = {"cs.CL": FetchState(usual=40.0)}
    assert find_hold_reason([flood], usual, today=MONDAY) == "201 new papers came in, where 40 are usual."
    assert find_hold_reason([flood], {}, today=MONDAY) == ""


def test_papers_of_missed_days_are_usual() -> None:
    away = {"cs.CL": FetchState(usual=40.0, day=MONDAY - timedelta(days=14))}
    assert find_hold_reason([make_result(BATCH, unseen=400)], away, today=MONDAY) == ""


def many(**changes: object) -> tuple[Paper, ...]:
    return tuple(replace(make_paper(), **changes) for _ in range(30))  # type: ignore[arg-type]


def test_papers_without_any_abstract_are_held() -> None:
    reason = find_hold_reason([make_result(many(abstract=""), unseen=30)], {}, today=MONDAY)
    assert reason == "None of the 30 papers has an abstract."


@pytest.mark.parametrize(("year", "where"), [(2027, "in the future"), (2012, "long past")])
def test_papers_with_wrong_dates_are_held(year: int, where: str) -> None:
    papers = many(published=datetime(year, 6, 1, tzinfo=UTC))
    before = {"cs.CL": FetchState(day=MONDAY - timedelta(days=3))}
    assert where in find_hold_reason([make_result(papers, unseen=30)], before, today=MONDAY)
    assert find_hold_reason([make_result(papers, unseen=30)], {}, today=MONDAY) == ""  # nothing to jump from
