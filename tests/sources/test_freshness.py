"""Is this batch the day's news? Claims about judgement, without any network."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import FetchResult, FetchState, Health, Paper
from digest.sources.freshness import announcement_day, judge, missed_since, reason_to_hold
from tests.factories import NOW, paper

MONDAY, FRIDAY, SUNDAY = date(2026, 11, 23), date(2026, 11, 20), date(2026, 11, 22)
THANKSGIVING = date(2026, 11, 26)


def reading(papers: Sequence[Paper] = (), *, unseen: int = 0, health: Health = Health.OK) -> FetchResult:
    return FetchResult(
        source="arxiv", scope="cs.CL", read_at=NOW, papers=tuple(papers), unseen=unseen, health=health
    )


BATCH = tuple(paper() for _ in range(10))
IDS = frozenset(p.id for p in BATCH)


def test_a_batch_with_something_unseen_is_the_news_of_its_day() -> None:
    judged = judge(reading(BATCH, unseen=1), FetchState(), today=MONDAY)
    assert (judged.health, judged.day) == (Health.OK, MONDAY)
    assert judge(reading(BATCH, unseen=1), FetchState(), today=SUNDAY).day == FRIDAY


def test_yesterday_s_batch_on_a_weekday_is_stale() -> None:
    judged = judge(reading(BATCH), FetchState(day=FRIDAY, ids=IDS), today=MONDAY)
    assert (judged.health, judged.day) == (Health.STALE, None)
    assert judged.note == "All 10 papers were seen before: an old batch."


def test_an_old_batch_stays_old_though_a_stray_paper_in_it_was_unseen() -> None:
    judged = judge(reading(BATCH, unseen=1), FetchState(day=FRIDAY, ids=IDS), today=MONDAY)
    assert (judged.health, judged.day) == (Health.STALE, None)
    assert judge(reading(BATCH, unseen=1), FetchState(day=MONDAY, ids=IDS), today=MONDAY).health is Health.OK


def test_a_batch_of_nothing_but_known_papers_is_not_stale_when_it_is_another_batch() -> None:
    memory = FetchState(day=FRIDAY, ids=frozenset({"arxiv:2611.99999"}))
    assert judge(reading(BATCH), memory, today=MONDAY).health is Health.OK


def test_a_second_reading_of_the_day_is_well_with_nothing_new() -> None:
    judged = judge(reading(BATCH), FetchState(day=MONDAY, ids=IDS), today=MONDAY)
    assert (judged.health, judged.note) == (Health.OK, "Nothing new since the last reading.")


def test_a_new_batch_in_the_evening_is_the_news_of_the_day_to_come() -> None:
    for memory in (FetchState(), FetchState(day=FRIDAY, ids=frozenset({"arxiv:2611.99999"}))):
        judged = judge(reading(BATCH, unseen=10), memory, today=SUNDAY, tonight=MONDAY)
        assert judged.day == MONDAY
        again = judge(reading(BATCH), FetchState(day=judged.day, ids=IDS), today=MONDAY)
        assert (again.health, again.note) == (Health.OK, "Nothing new since the last reading.")


def test_a_late_batch_in_the_evening_is_still_today_s_and_so_is_a_stray_paper() -> None:
    tuesday = MONDAY + timedelta(days=1)
    late = judge(reading(BATCH, unseen=10), FetchState(day=FRIDAY), today=MONDAY, tonight=tuesday)
    stray = judge(reading(BATCH, unseen=1), FetchState(day=MONDAY, ids=IDS), today=MONDAY, tonight=tuesday)
    assert (late.day, stray.day) == (MONDAY, MONDAY)


@pytest.mark.parametrize(("day", "why"), [(SUNDAY, "weekend"), (THANKSGIVING, "holiday: Thanksgiving")])
def test_on_a_day_without_announcement_nothing_is_amiss_and_the_reason_is_told(day: date, why: str) -> None:
    for papers in ((), BATCH):
        judged = judge(reading(papers), FetchState(), today=day)
        assert (judged.health, judged.note) == (Health.EMPTY, f"arXiv announced nothing today: {why}.")


def test_an_empty_feed_on_a_weekday_is_stale_unless_the_neighbours_have_papers() -> None:
    assert judge(reading(), FetchState(), today=MONDAY).health is Health.STALE
    assert judge(reading(), FetchState(), today=MONDAY, others=200).health is Health.OK


@pytest.mark.parametrize("health", [Health.FAILED, Health.CHANGED, Health.TRUNCATED])
def test_what_is_already_known_to_be_sick_stays_so(health: Health) -> None:
    sick = reading(BATCH, unseen=10, health=health)
    assert judge(sick, FetchState(), today=MONDAY) == sick


def test_days_we_were_not_there_are_noticed() -> None:
    assert missed_since(FetchState(), today=MONDAY) is None
    assert missed_since(FetchState(day=FRIDAY), today=MONDAY) is None
    assert missed_since(FetchState(day=date(2026, 11, 18)), today=MONDAY) == date(2026, 11, 19)
    assert missed_since(FetchState(day=date(2026, 11, 19)), today=SUNDAY) == FRIDAY
    assert missed_since(FetchState(day=MONDAY), today=MONDAY) is None


@given(st.dates(date(2024, 1, 1), date(2030, 1, 1)))
def test_the_day_of_announcement_is_never_in_the_future_and_at_most_a_few_days_ago(today: date) -> None:
    assert timedelta(0) <= today - announcement_day(today) <= timedelta(days=5)


def test_an_ordinary_day_is_not_held() -> None:
    usual = {"cs.CL": FetchState(day=FRIDAY, usual=40.0)}
    assert reason_to_hold([reading(BATCH, unseen=10)], usual, today=MONDAY) == ""
    assert reason_to_hold([], usual, today=MONDAY) == ""
    assert reason_to_hold([reading()], usual, today=SUNDAY) == ""


def test_nothing_on_a_day_of_announcement_is_held_until_something_comes() -> None:
    usual = {"cs.CL": FetchState(usual=40.0, day=MONDAY - timedelta(days=3))}
    assert "nothing new" in reason_to_hold([reading(BATCH)], usual, today=MONDAY)
    assert reason_to_hold([reading(BATCH)], usual, today=MONDAY, gave_up=True) == ""
    assert reason_to_hold([reading(BATCH)], {"cs.CL": FetchState(day=MONDAY)}, today=MONDAY) == ""


def test_a_source_that_is_dead_or_always_small_holds_nobodys_mail() -> None:
    usual = {"cs.CL": FetchState(usual=40.0, day=MONDAY - timedelta(days=3))}
    assert reason_to_hold([reading((), health=Health.FAILED)], usual, today=MONDAY) == ""
    assert reason_to_hold([reading(BATCH)], {"cs.CL": FetchState(usual=2.0)}, today=MONDAY) == ""


def test_five_times_the_usual_is_held() -> None:
    flood = reading(BATCH, unseen=201)
    usual = {"cs.CL": FetchState(usual=40.0)}
    assert reason_to_hold([flood], usual, today=MONDAY) == "201 new papers came in, where 40 are usual."
    assert reason_to_hold([flood], {}, today=MONDAY) == ""


def test_what_piled_up_while_nobody_was_there_is_usual() -> None:
    away = {"cs.CL": FetchState(usual=40.0, day=MONDAY - timedelta(days=14))}
    assert reason_to_hold([reading(BATCH, unseen=400)], away, today=MONDAY) == ""


def many(**changes: object) -> tuple[Paper, ...]:
    return tuple(replace(paper(), **changes) for _ in range(30))  # type: ignore[arg-type]


def test_papers_without_any_abstract_are_held() -> None:
    held = reason_to_hold([reading(many(abstract=""), unseen=30)], {}, today=MONDAY)
    assert held == "None of the 30 papers has an abstract."


@pytest.mark.parametrize(("year", "where"), [(2027, "in the future"), (2012, "long past")])
def test_dates_that_jump_are_held(year: int, where: str) -> None:
    papers = many(published=datetime(year, 6, 1, tzinfo=UTC))
    before = {"cs.CL": FetchState(day=MONDAY - timedelta(days=3))}
    assert where in reason_to_hold([reading(papers, unseen=30)], before, today=MONDAY)
    assert reason_to_hold([reading(papers, unseen=30)], {}, today=MONDAY) == ""  # nothing to jump from
