"""Wishes by name become valid choices, or a clear no."""

from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.mail import locale
from digest.models import LANGUAGES, Facet, Frequency, LikedPaper, Mix
from digest.models.errors import InvalidChange
from digest.subscribers.validation import LISTS, MOST_ITEMS, NAMES, changed, differences
from tests.factories import subscriber

READER = subscriber()


def test_text_from_a_form_or_a_command_is_understood() -> None:
    revised = changed(
        READER,
        {
            "keywords": "graph  networks, sheep;Sheep\nwool", "timezone": "Asia/Tokyo", "send_at": "6:30:15",
            "frequency": "weekly", "weekday": "2", "paused_until": "2026-12-24", "mix": "mine", "picked": "9",
            "empty_day_note": "true", "text": " a\tb \n c ",
        },
    )  # fmt: skip
    assert revised.profile.keywords == ("graph networks", "sheep", "wool")
    assert revised.profile.text == "a b\nc"
    assert revised.schedule.timezone == "Asia/Tokyo"
    assert revised.schedule.send_at == time(6, 30)
    assert (revised.schedule.frequency, revised.schedule.weekday) == (Frequency.WEEKLY, 2)
    assert revised.schedule.paused_until == date(2026, 12, 24)
    assert (revised.preferences.mix, revised.preferences.picked) == (Mix.MINE, 9)
    assert revised.preferences.empty_day_note
    assert changed(revised, {"paused_until": ""}).schedule.paused_until is None


def test_a_language_is_one_the_mails_speak() -> None:
    assert changed(READER, {"language": "de-AT"}).preferences.language == "de-AT"
    with pytest.raises(InvalidChange, match="en, de, fr, es, zh"):
        changed(READER, {"language": "xx"})
    assert LANGUAGES == locale.LANGUAGES


def test_values_from_a_program_are_taken_as_they_are() -> None:
    liked = [LikedPaper("A"), {"title": "B", "paper_id": "arxiv:1"}]
    revised = changed(READER, {"liked": liked, "facets": [Facet("side")], "muted": ("x",)})
    assert revised.profile.liked == (LikedPaper("A"), LikedPaper("B", "", "arxiv:1"))
    assert revised.profile.facets == (Facet("side"),)
    assert differences(READER, revised) == ("muted", "liked", "facets")


@pytest.mark.parametrize(
    "wishes",
    [
        {"colour": "blue"}, {"frequency": "hourly"}, {"timezone": "Mars/Olympus"}, {"timezone": "../etc"},
        {"send_at": "25:00"}, {"send_at": "noon"}, {"weekday": 7}, {"picked": -1}, {"picked": "many"},
        {"mix": ""}, {"paused_until": "someday"}, {"keywords": 3}, {"keywords": [1]}, {"liked": "A"},
    ],
    ids=str,
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_words(wishes: dict[str, object]) -> None:
    with pytest.raises(InvalidChange, match=r"\.$"):
        changed(READER, wishes)


@given(
    st.dictionaries(
        st.sampled_from(NAMES), st.one_of(st.text(), st.integers(), st.none(), st.lists(st.text()))
    )
)
def test_any_wish_is_granted_or_refused(wishes: dict[str, object]) -> None:
    try:
        revised = changed(READER, wishes)
    except InvalidChange:
        return
    assert {*differences(READER, revised)} <= wishes.keys()
    assert changed(revised, wishes).profile == revised.profile
    for name in LISTS:
        assert len(getattr(revised.profile, name)) <= MOST_ITEMS


@pytest.mark.parametrize("frequency", Frequency)
def test_a_pause_ends_before_the_calendar_does(frequency: Frequency) -> None:
    with pytest.raises(InvalidChange, match="later than 2999"):
        changed(READER, {"paused_until": "9999-12-31", "frequency": frequency})


@pytest.mark.parametrize(
    "tag", ["en\r\nBcc: x@example.com", "en-" + "x" * 9999, 'de_"><b>', "fr_../../etc", "de-"]
)
def test_a_language_is_a_tag_and_nothing_beside_it(tag: str) -> None:
    with pytest.raises(InvalidChange, match="Mails do not speak"):
        changed(READER, {"language": tag})
