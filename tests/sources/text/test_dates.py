"""Tests of dates as feeds write them."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.sources.text.dates import YEARS, parse_date


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-16",
        "20261116",
        "2026/11/16",
        "2026.11.16",
        "2026-11-16T00:00:00Z",
        "2026-11-16 00:00:00 UTC",
        "2026-11-16T00:00:00.0000000Z",
        "2026-11-16T02:00:00+0200",
        "Mon, 16 Nov 2026 00:00:00 GMT",
        "Sun, 15 Nov 2026 19:00:00 EST",
        "16 Nov 26",
        "16-Nov-2026",
        "Nov 16, 2026",
        "November 16th, 2026",
        "Monday, November 16, 2026",
        "16 November 2026",
        "2026 Nov 16",
        "2026-Nov-16",
        "Mon Nov 16 00:00:00 2026",
        "11/16/2026",
        "16/11/2026",
        "16.11.2026",
        "1794787200",
        "1794787200000",
        "20261116000000",
        "November 16, 2026 12:00 AM",
        "mar., 16 nov. 2026",
        "16 novembre 2026",
        "Mo, 16 Nov 2026 00:00:00 +0000",
        "16 november 2026, maandag",
        "16 novembre 2026 (mardi)",
        "martedì 16 novembre 2026",
        "12:00 AM Nov 16, 2026",
        "12am 16 Nov 2026",
        "00:00 November 16, 2026",
        "2026年11月16日",
        "Mon, 16 Nov 2026 99:00:00 GMT",
    ],
)
def test_date_with_one_meaning_is_read(text: str) -> None:
    assert parse_date(text) == datetime(2026, 11, 16, tzinfo=UTC)


def test_hour_of_half_a_day_is_read() -> None:
    expected = datetime(2026, 6, 3, 20, tzinfo=UTC)
    for text in ("8pm 3 Jun 2026", "3 June 2026, 8 p.m.", "8:00 pm June 3, 2026", "20:00 3 Jun 2026"):
        assert parse_date(text) == expected
    assert parse_date("Tue, 16 Mar 2026 08:00 MAGT") == datetime(2026, 3, 16, 8, tzinfo=UTC)  # no May


def test_month_without_a_day_is_its_first() -> None:
    assert parse_date("Nov 2026") == parse_date("2026-11") == datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "11/12/2026",
        "31 Feb 2026",
        "2026-02-31",
        "0000-00-00",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-08:00",
        "1970-01-01T00:00:00Z",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "0",
        "0000000000",
        "99999999999999999999",
        "Nov 16",
        "2026-16-11",
        "x" * 1000,
    ],
)
def test_no_date_and_a_date_with_two_meanings_are_none(text: str) -> None:
    assert parse_date(text) is None


@given(st.text(max_size=60))
def test_any_text_is_a_moment_in_utc_or_none(text: str) -> None:
    moment = parse_date(text)
    assert moment is None or (moment.tzinfo is UTC and YEARS.start - 1 <= moment.year <= YEARS.stop)


@given(
    st.dates(date(1971, 1, 1), date(2199, 12, 30)),
    st.sampled_from(
        ["%Y-%m-%d", "%d %b %Y", "%b %d, %Y", "%B %d, %Y", "%A, %d %B %Y", "%Y %b %d", "%d.%m.%Y", "%d-%b-%Y"]
    ),
)
def test_every_order_gives_the_day(day: date, layout: str) -> None:
    moment = parse_date(day.strftime(layout))
    assert moment is not None
    assert moment.date() == day
