"""The inputs shared by all editions of a day: how far back sent papers are read."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from digest.db import Database
from digest.models import Candidates
from digest.models.schedule import MAX_LATENESS, get_local_day
from digest.models.subscribers import Schedule
from digest.pipeline.day import DayContext
from digest.trending.breakout import MIN_RESEND_INTERVAL
from tests.factories import NOW, make_paper

ZONES = ["Pacific/Kiritimati", "Europe/Berlin", "UTC", "America/New_York", "Etc/GMT+12"]


def test_sent_papers_are_read_from_a_week_before_the_oldest_candidate(store: Database) -> None:
    papers = tuple(make_paper(first_seen=NOW - timedelta(days=days)) for days in (0, 3, 20))

    day = DayContext(store, NOW, Candidates(papers, {}))

    assert day.sent_since == (NOW - timedelta(days=28)).date()


def test_a_day_without_candidates_reads_a_week(store: Database) -> None:
    assert DayContext(store, NOW, Candidates((), {})).sent_since == (NOW - timedelta(days=8)).date()


@given(
    zone=st.sampled_from(ZONES),
    age=st.timedeltas(timedelta(0), timedelta(days=30)),
    lateness=st.timedeltas(timedelta(0), MAX_LATENESS),
)
def test_no_candidate_was_sent_before_the_days_that_are_read(
    zone: str, age: timedelta, lateness: timedelta
) -> None:
    first_seen = NOW - age
    day = DayContext(None, NOW, Candidates((make_paper(first_seen=first_seen),), {}))  # type: ignore[arg-type]
    first_local_day: date = get_local_day(Schedule(timezone=zone), first_seen - lateness)

    assert day.sent_since <= first_local_day - MIN_RESEND_INTERVAL
