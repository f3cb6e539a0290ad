"""Tests of the validation of changes by name."""

from datetime import UTC, date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.mail import locale
from digest.models import LANGUAGES, Facet, Frequency, LikedPaper, Mix
from digest.models.errors import InvalidChange
from digest.subscribers.validation import (
    FIELD_NAMES,
    LIST_FIELDS,
    MAX_ITEMS,
    apply_changes,
    dump_settings,
    list_differences,
)
from tests.factories import make_subscriber

READER = make_subscriber()


def test_text_values_are_parsed() -> None:
    changed = apply_changes(
        READER,
        {
            "keywords": "graph  networks, sheep;Sheep\nwool", "timezone": "Asia/Tokyo", "send_at": "6:30:15",
            "frequency": "weekly", "weekday": "2", "paused_until": "2026-12-24", "mix": "mine", "picked": "9",
            "empty_day_note": "true", "text": " a\tb \n c ",
        },
    )  # fmt: skip
    assert changed.profile.keywords == ("graph networks", "sheep", "wool")
    assert changed.profile.text == "a b\nc"
    assert changed.schedule.timezone == "Asia/Tokyo"
    assert changed.schedule.send_at == time(6, 30)
    assert (changed.schedule.frequency, changed.schedule.weekday) == (Frequency.WEEKLY, 2)
    assert changed.schedule.paused_until == date(2026, 12, 24)
    assert (changed.preferences.mix, changed.preferences.picked) == (Mix.MINE, 9)
    assert changed.preferences.empty_day_note
    assert apply_changes(changed, {"paused_until": ""}).schedule.paused_until is None


def test_a_language_must_be_one_of_the_mails() -> None:
    assert apply_changes(READER, {"language": "de-AT"}).preferences.language == "de-AT"
    with pytest.raises(InvalidChange, match="en, de, fr, es, zh"):
        apply_changes(READER, {"language": "xx"})
    assert LANGUAGES == locale.LANGUAGES


@pytest.mark.parametrize(
    ("name", "written", "value"),
    [
        ("frequency", " WEEKLY", "weekly"), ("mix", "Mine", "mine"), ("threshold", "Strict", "strict"),
        ("language", "English", "en"), ("language", "Deutsch", "de"), ("language", "中文", "zh"),
        ("language", "pt", None), ("language", "Englishman", None), ("frequency", "week", None),
    ],
)  # fmt: skip
def test_choices_are_read_in_any_case_and_languages_by_name(
    name: str, written: str, value: str | None
) -> None:
    if value is None:
        with pytest.raises(InvalidChange):
            apply_changes(READER, {name: written})
    else:
        assert dump_settings(apply_changes(READER, {name: written}))[name] == value


def test_categories_of_arxiv_are_written_as_arxiv_does() -> None:
    changed = apply_changes(READER, {"categories": "CS.cl, Stat, neuroscience, Q-Bio.nc, cell biology"})
    assert changed.profile.categories == ("cs.CL", "stat", "neuroscience", "q-bio.NC", "cell biology")
    with pytest.raises(InvalidChange, match=r"no category 'cs.CLL' \(did you mean cs.CL\?\)"):
        apply_changes(READER, {"categories": "cs.CLL"})


def test_typed_values_are_accepted() -> None:
    liked = [LikedPaper("A"), {"title": "B", "paper_id": "arxiv:1"}]
    changed = apply_changes(READER, {"liked": liked, "facets": [Facet("side")], "muted": ("x",)})
    assert changed.profile.liked == (LikedPaper("A"), LikedPaper("B", "", "arxiv:1"))
    assert changed.profile.facets == (Facet("side"),)
    assert list_differences(READER, changed) == ("muted", "liked", "facets")


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": "blue"}, {"frequency": "hourly"}, {"timezone": "Mars/Olympus"}, {"timezone": "../etc"},
        {"send_at": "25:00"}, {"send_at": "noon"}, {"send_at": "07:30+02:00"},
        {"send_at": time(7, 30, tzinfo=UTC)}, {"categories": "cs.XX"}, {"categories": ["cs.CL", "math-AG"]},
        {"weekday": 7}, {"picked": -1}, {"picked": "many"},
        {"mix": ""}, {"paused_until": "someday"}, {"keywords": 3}, {"keywords": [1]}, {"liked": "A"},
    ],
    ids=str,
)  # fmt: skip
def test_invalid_values_are_refused_with_a_sentence(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidChange, match=r"\.$"):
        apply_changes(READER, changes)


@given(
    st.dictionaries(
        st.sampled_from(FIELD_NAMES), st.one_of(st.text(), st.integers(), st.none(), st.lists(st.text()))
    )
)
def test_any_change_is_applied_or_refused(changes: dict[str, object]) -> None:
    try:
        changed = apply_changes(READER, changes)
    except InvalidChange:
        return
    assert {*list_differences(READER, changed)} <= changes.keys()
    assert apply_changes(changed, changes).profile == changed.profile
    for name in LIST_FIELDS:
        assert len(getattr(changed.profile, name)) <= MAX_ITEMS


@pytest.mark.parametrize("frequency", Frequency)
def test_a_pause_ends_before_the_calendar_does(frequency: Frequency) -> None:
    with pytest.raises(InvalidChange, match="later than 2999"):
        apply_changes(READER, {"paused_until": "9999-12-31", "frequency": frequency})


@pytest.mark.parametrize(
    "tag", ["en\r\nBcc: x@example.com", "en-" + "x" * 9999, 'de_"><b>', "fr_../../etc", "de-"]
)
def test_a_language_must_be_a_tag_and_nothing_else(tag: str) -> None:
    with pytest.raises(InvalidChange, match="Emails cannot be sent in"):
        apply_changes(READER, {"language": tag})
