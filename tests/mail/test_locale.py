"""Do all languages say everything?"""

import re
from datetime import date
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from digest.mail.locale import CATALOGUES, LANGUAGES, city, get_locale
from digest.mail.templates import built_in

SPOKEN = {"say": None, "later": None, "plural": (1, 2), "count": (1, 2), "count_word": (1, 2), "_": None}
TRANSLATED = [language for language in LANGUAGES if language != "en"]
METHODS = [("**.py", "python"), ("**.html", "jinja2"), ("**.txt", "jinja2")]


def said() -> set[str]:
    """Every message of the code and the templates."""
    folders = (CATALOGUES.parent, CATALOGUES.parents[1] / "web", built_in() / "email")
    found = (
        message
        for folder in folders
        for _, _, message, _, _ in extract_from_dir(folder, method_map=METHODS, keywords=SPOKEN)
    )
    return {message if isinstance(message, str) else message[0] for message in found}


def catalogue(language: str) -> list[Message]:
    with Path(CATALOGUES, f"{language}.po").open("rb") as lines:
        return [message for message in read_po(lines, locale=language) if message.id]


def forms(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string or ())


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_translated_and_none_is_left_over(language: str) -> None:
    assert {m.id if isinstance(m.id, str) else m.id[0] for m in catalogue(language)} == said()
    assert not [m.id for m in catalogue(language) if not all(forms(m)) or m.fuzzy]


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_fill_in_the_same_names(language: str) -> None:
    for message in catalogue(language):
        names = set(re.findall(r"%\((\w+)\)s", str(message.id)))
        for form in forms(message):
            filled = set(re.findall(r"%\((\w+)\)s", form))
            assert filled == names or (message.pluralizable and filled <= names), message.id


@pytest.mark.parametrize(
    ("language", "one", "many"),
    [
        ("en", "1 upvote", "31 upvotes"),
        ("de", "1 Stimme", "31 Stimmen"),
        ("fr", "1 vote", "31 votes"),
        ("es", "1 voto", "31 votos"),
        ("zh", "1 个赞", "31 个赞"),
    ],
)
def test_numbers_follow_the_plural_rule(language: str, one: str, many: str) -> None:
    speaks = get_locale(language)
    assert speaks.count("%(count)s upvote", "%(count)s upvotes", 1) == one
    assert speaks.count("%(count)s upvote", "%(count)s upvotes", 31) == many


@pytest.mark.parametrize(
    ("language", "day", "count"),
    [
        ("en", "Monday 23 November 2026", "12,345"),
        ("de", "Montag, 23. November 2026", "12.345"),
        ("fr", "lundi 23 novembre 2026", "12\u202f345"),
        ("es", "lunes, 23 de noviembre de 2026", "12.345"),
        ("zh", "2026年11月23日星期一", "12,345"),
    ],
)
def test_days_and_numbers_are_written_the_local_way(language: str, day: str, count: str) -> None:
    assert get_locale(language).day(date(2026, 11, 23)) == day
    assert get_locale(language).number(12345) == count


def test_regional_tags_speak_their_language_and_others_english() -> None:
    assert get_locale("de-AT").code == get_locale("DE_ch").code == "de"
    assert get_locale("zh-Hans-CN").code == "zh"
    assert get_locale("").code == get_locale("xx").code == "en"


def test_a_language_is_learnt_once_however_its_tag_is_spelt() -> None:
    assert get_locale("de-AT") is get_locale("de_CH") is get_locale("DE")


@pytest.mark.parametrize(
    ("language", "weekday", "short", "long"),
    [
        ("en", "Sunday", "1 Nov", "1 November 2026"),
        ("de", "Sonntag", "1. Nov.", "1. November 2026"),
        ("fr", "dimanche", "1 nov.", "1 novembre 2026"),
        ("es", "domingo", "1 nov", "1 de noviembre de 2026"),
        ("zh", "星期日", "11月1日", "2026年11月1日"),
    ],
)
def test_a_day_can_be_told_by_its_weekday_in_short_and_in_full(
    language: str, weekday: str, short: str, long: str
) -> None:
    speaks, day = get_locale(language), date(2026, 11, 1)
    assert speaks.weekday(day) == weekday
    assert speaks.short_day(day).replace("\N{NO-BREAK SPACE}", " ") == short
    assert " " not in speaks.short_day(day)  # it never breaks across lines
    assert speaks.long_day(day).replace("\N{NO-BREAK SPACE}", " ") == long
    assert " " not in speaks.long_day(day)


@pytest.mark.parametrize(
    ("language", "quoted"),
    [("en", "“sheep”"), ("de", "„sheep“"), ("fr", "« sheep »"), ("es", "«sheep»"), ("zh", "“sheep”")],
)
def test_each_language_has_its_quotation_marks(language: str, quoted: str) -> None:
    assert get_locale(language).quote("sheep").replace("\N{NO-BREAK SPACE}", " ") == quoted


@pytest.mark.parametrize(
    ("zone", "called"),
    [("America/Argentina/Buenos_Aires", "Buenos Aires"), ("Europe/Berlin", "Berlin"), ("UTC", "UTC")],
)
def test_a_time_zone_is_called_by_its_city(zone: str, called: str) -> None:
    assert city(zone) == called
