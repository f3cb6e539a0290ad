"""Tests of send slots in all time zones, and of the arXiv calendar."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import Frequency, Schedule
from digest.models.arxiv_calendar import get_arxiv_day, get_silence_reason, is_announcement_day
from digest.models.errors import ConfigError
from digest.models.schedule import (
    find_due_slot,
    find_next_slot,
    get_local_day,
    get_send_offset,
    get_slot,
    parse_time,
    parse_timezone,
)

ZONES = ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia"]
moments = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  hypothesis adds the zone
schedules = st.builds(
    Schedule,
    timezone=st.sampled_from(ZONES),
    send_at=st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    frequency=st.sampled_from(Frequency),
    weekday=st.integers(0, 6),
)


@given(schedules, moments)
def test_the_next_slot_comes_after_now_and_within_its_period(schedule: Schedule, now: datetime) -> None:
    longest = {Frequency.DAILY: 1, Frequency.WEEKDAYS: 3, Frequency.WEEKLY: 7}[schedule.frequency]
    assert now < find_next_slot(schedule, now) <= now + timedelta(days=longest, hours=2)


@given(schedules, moments)
def test_a_due_slot_has_passed_and_is_not_too_late(schedule: Schedule, now: datetime) -> None:
    due = find_due_slot(schedule, now)
    if due is not None:
        day, slot = due
        assert slot <= now < slot + timedelta(hours=12)
        assert get_slot(schedule, day) == slot


@given(schedules, moments)
def test_a_minute_after_the_next_slot_it_is_due(schedule: Schedule, now: datetime) -> None:
    slot = find_next_slot(schedule, now)
    due = find_due_slot(schedule, slot + timedelta(minutes=1))
    assert due is not None
    assert due[1] == slot


@given(st.sampled_from(ZONES), st.dates(date(2024, 1, 1), date(2030, 1, 1)), st.times())
def test_daily_slots_are_a_day_apart_give_or_take_the_clock_change(zone: str, day: date, at: time) -> None:
    schedule = Schedule(timezone=zone, send_at=at.replace(second=0, microsecond=0))
    first, second = get_slot(schedule, day), get_slot(schedule, day + timedelta(days=1))
    assert first is not None
    assert second is not None
    assert timedelta(hours=22.5) <= second - first <= timedelta(hours=25.5)


@pytest.mark.parametrize(
    ("zone", "day", "at", "slot"),
    [
        # In a gap: the first instant after it.
        ("Europe/Berlin", date(2026, 3, 29), time(2, 30), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        ("Australia/Lord_Howe", date(2026, 10, 4), time(2, 15), datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
        # Doubled: the first of the two.
        ("Europe/Berlin", date(2026, 10, 25), time(2, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("UTC", date(2028, 2, 29), time(7, 0), datetime(2028, 2, 29, 7, 0, tzinfo=UTC)),
    ],
)
def test_a_clock_change_moves_the_slot_as_little_as_it_can(
    zone: str, day: date, at: time, slot: datetime
) -> None:
    assert get_slot(Schedule(timezone=zone, send_at=at), day) == slot


def test_midnight_that_does_not_exist_is_the_first_instant_of_that_day() -> None:
    schedule = Schedule(timezone="America/Sao_Paulo", send_at=time(0, 0))
    slot = get_slot(schedule, date(2018, 11, 4))  # clocks went from 00:00 to 01:00
    assert slot == datetime(2018, 11, 4, 3, 0, tzinfo=UTC)
    assert get_local_day(schedule, slot) == date(2018, 11, 4)


def test_weekdays_and_weekly_leave_the_other_days_alone() -> None:
    saturday = date(2026, 11, 21)
    assert get_slot(Schedule(frequency=Frequency.WEEKDAYS), saturday) is None
    assert get_slot(Schedule(frequency=Frequency.WEEKLY, weekday=5), saturday) is not None
    assert get_slot(Schedule(frequency=Frequency.WEEKLY, weekday=0), saturday) is None


def test_nothing_is_due_during_a_pause_and_everything_resumes_after_it() -> None:
    schedule = Schedule(paused_until=date(2026, 12, 1))
    assert find_due_slot(schedule, datetime(2026, 11, 23, 8, tzinfo=UTC)) is None
    assert find_next_slot(schedule, datetime(2026, 11, 23, 8, tzinfo=UTC)) == datetime(
        2026, 12, 1, 7, tzinfo=UTC
    )


def test_after_three_days_down_only_the_latest_edition_is_due() -> None:
    assert find_due_slot(Schedule(), datetime(2026, 11, 23, 8, tzinfo=UTC)) == (
        date(2026, 11, 23),
        datetime(2026, 11, 23, 7, tzinfo=UTC),
    )
    assert find_due_slot(Schedule(), datetime(2026, 11, 23, 20, tzinfo=UTC)) is None


def test_arxiv_is_silent_on_weekends_and_on_its_holidays() -> None:
    listed_2026 = ["01-01", "01-19", "06-19", "07-03", "09-07", "11-26", "12-25", "12-29", "12-31"]
    silent = {date.fromisoformat(f"2026-{day}") for day in listed_2026}
    weekdays = [d for n in range(365) if (d := date(2026, 1, 1) + timedelta(days=n)).weekday() < 5]
    assert {day for day in weekdays if not is_announcement_day(day)} == silent
    assert get_silence_reason(date(2026, 11, 26)) == "holiday: Thanksgiving"
    assert {get_silence_reason(date(2026, 11, day)) for day in (21, 22)} == {"weekend"}
    assert get_silence_reason(date(2027, 7, 5)).startswith("holiday"), "the 4th is a Sunday"
    assert [get_silence_reason(date(2028, 1, day)) != "" for day in (16, 17, 18)] == [True, True, False]
    assert get_silence_reason(date(2026, 11, 23)) == ""
    assert get_silence_reason(date(2025, 9, 1)) == "holiday: Labor Day", "the first Monday is the 1st"


def test_an_invalid_zone_or_time_is_refused_with_an_example() -> None:
    with pytest.raises(ConfigError, match="Europe/Berlin"):
        parse_timezone("Middle/Earth")


@pytest.mark.parametrize("name", ["a/" * 3000, "../" * 3000, "a" * 9000, "\0", "\ud800"], ids=repr)
def test_no_zone_name_breaks_anything(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_timezone(name)
    assert len(str(caught.value)) < 400
    with pytest.raises(ConfigError, match="07:00"):
        parse_time("seven")


def test_due_at_its_minute_and_until_it_is_too_late_also_past_midnight() -> None:
    late = Schedule(timezone="UTC", send_at=time(23, 0))
    slot = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
    for passed in (timedelta(0), timedelta(hours=2), timedelta(hours=3) - timedelta(seconds=1)):
        assert find_due_slot(late, slot + passed, max_lateness=timedelta(hours=3)) == (slot.date(), slot)
    assert find_due_slot(late, slot + timedelta(hours=3), max_lateness=timedelta(hours=3)) is None


def test_the_local_day_is_that_of_the_reader_s_zone() -> None:
    moment = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    walls = {
        zone: get_local_day(Schedule(timezone=zone), moment).day
        for zone in ("Pacific/Kiritimati", "Etc/GMT+12")
    }
    assert walls == {"Pacific/Kiritimati": 24, "Etc/GMT+12": 23}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("07:30", time(7, 30)), ("7:30", time(7, 30)), ("07.30", time(7, 30)), ("7.30", time(7, 30)),
        ("0730", time(7, 30)), ("730", time(7, 30)), ("07:30:59", time(7, 30)), ("07:30:59.5", time(7, 30)),
        ("7:30 pm", time(19, 30)), ("7.30PM", time(19, 30)), ("7 p.m.", time(19)), ("12 am", time(0)),
        ("12:15 pm", time(12, 15)), ("0:15", time(0, 15)), (" 19:05\u00a0Uhr ", time(19, 5)), ("7", time(7)),
    ],
)  # fmt: skip
def test_time_of_day_means_what_it_says(text: str, expected: time) -> None:
    assert parse_time(text) == expected


@given(st.times())
def test_time_of_day_is_read_back_in_each_notation(moment: time) -> None:
    minute = moment.replace(second=0, microsecond=0)
    for notation in ("%H:%M", "%H.%M", "%H%M", "%I:%M %p", "%I.%M%p", "%H:%M:%S"):
        assert parse_time(moment.strftime(notation)) == minute


@pytest.mark.parametrize(
    "text",
    [
        "",
        "noon",
        "24:00",
        "7:5",
        "7:60",
        "13 pm",
        "0 am",
        "0.3125",
        "0.5",
        "7;30",
        "12345",
        "-7",
        "\u0660\u0667:\u0663\u0660",
    ],
)
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="not a time of day"):
        parse_time(text)


@pytest.mark.parametrize(
    "text",
    ["07:30+02:00", "19:30Z", "0730 -0500", "7:30 UTC", "7:30 pm CET", "7:30 Europe/Berlin", "07:30:00+01"],
)
def test_time_with_a_zone_is_refused_with_the_zone_setting(text: str) -> None:
    with pytest.raises(ConfigError, match="DIGEST_TIMEZONE"):
        parse_time(text)


def test_slots_follow_the_reader_s_zone_and_not_that_of_the_server() -> None:
    east = Schedule(timezone="Pacific/Auckland", send_at=time(7, 0))
    assert find_due_slot(east, datetime(2026, 11, 23, 18, 30, tzinfo=UTC)) == (
        date(2026, 11, 24),
        datetime(2026, 11, 23, 18, 0, tzinfo=UTC),
    )
    west = Schedule(timezone="America/Los_Angeles", send_at=time(20, 0))
    assert find_next_slot(west, datetime(2026, 11, 24, 2, 0, tzinfo=UTC)) == datetime(
        2026, 11, 24, 4, tzinfo=UTC
    )


def test_arxiv_s_day_is_the_one_in_new_york() -> None:
    assert get_arxiv_day(datetime(2026, 11, 24, 4, 59, tzinfo=UTC)) == date(2026, 11, 23)
    assert get_arxiv_day(datetime(2026, 11, 24, 5, 0, tzinfo=UTC)) == date(2026, 11, 24)


def test_jitter_covers_the_whole_window() -> None:
    places = sorted(get_send_offset(str(number), spread_over=timedelta(minutes=10)) for number in range(200))
    assert places[0] < timedelta(seconds=10)
    assert places[-1] > timedelta(minutes=9, seconds=50)


@given(st.text(min_size=1, max_size=20))
def test_jitter_is_within_the_window_and_stable(public_id: str) -> None:
    window = timedelta(minutes=15)
    assert timedelta(0) <= get_send_offset(public_id, spread_over=window) < window
    assert get_send_offset(public_id, spread_over=window) == get_send_offset(public_id, spread_over=window)
