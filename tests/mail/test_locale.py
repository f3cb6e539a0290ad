"""Locales: complete catalogues, plural forms, dates and numbers."""

import ast
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from digest.mail.locale import CATALOGUES, LANGUAGES, city_name, get_locale
from digest.mail.templates import find_templates_dir
from digest.models import errors
from digest.models.arxiv_categories import CATEGORY_NAMES

KEYWORDS = {
    "gettext": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_noop": (1, 2),
    "format_count": (1, 2),
    "_": None,
}
TRANSLATED = [language for language in LANGUAGES if language != "en"]
METHODS = [("**.py", "python"), ("**.html", "jinja2"), ("**.txt", "jinja2")]


# Modules whose errors readers see on pages, but for what names a command: that is for the operator.
MODULES_WITH_ERRORS = (
    "models/*.py", "subscribers/*.py", "sources/libraries/*.py", "delivery/channels/address.py", "web/*.py",
    "web/routes/*.py",
)  # fmt: skip
MODULES_OF_OPERATORS = {
    "administrators.py", "api_tokens.py", "bounce_webhooks.py", "bulk.py", "citations.py",
    "foreign_consent.py", "importing.py", "lift.py", "oidc.py", "resend.py", "restore.py", "sealing.py",
    "suppression_list.py", "table_files.py", "transfer.py", "admin_session.py", "client_ip.py",
    "mail_previews.py", "reader_api.py", "server.py", "sign_in_links.py",
}  # fmt: skip
ERRORS = (
    errors.ConfigError, errors.InvalidAddress, errors.InvalidChange, errors.InvalidToken, errors.LinkExpired,
    errors.NotFound, errors.PreviewLink, errors.SourceError, errors.StateConflict, errors.StoreBusy,
)  # fmt: skip
NOT_FOR_READERS = (
    "`digest ", "webhook here", "A setting is missing", "pip install", "to change; there are",
    "{existing.status}",
)  # fmt: skip


def extract_messages() -> set[str]:
    """Return every message of the code and the templates, except those of the administration."""
    package, templates = CATALOGUES.parents[1], find_templates_dir()
    folders = (CATALOGUES.parent, package / "web", templates / "email", templates / "web")
    messages = (
        message
        for folder in folders
        for path, _, message, _, _ in extract_from_dir(folder, method_map=METHODS, keywords=KEYWORDS)
        if not path.startswith("admin/")
    )
    plain = {message if isinstance(message, str) else message[0] for message in messages}
    found = {message for message in extract_errors() if not any(s in message for s in NOT_FOR_READERS)}
    return plain | found | set(CATEGORY_NAMES.values())


def extract_errors() -> Iterator[str]:
    """Yield the messages of errors and their parts: of their classes, and where they are raised."""
    names = {error.__name__ for error in ERRORS} | {"ZoteroRefused", "Phrase"}
    for error in ERRORS:
        yield (error.__doc__ or "").strip()
    package = CATALOGUES.parents[1]
    for path in (found for pattern in MODULES_WITH_ERRORS for found in package.glob(pattern)):
        tree = ast.parse(path.read_text() if path.name not in MODULES_OF_OPERATORS else "")
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                text = node.args[0] if node.args else None
                if isinstance(text, ast.Constant):
                    yield str(text.value)
                elif isinstance(text, ast.JoinedStr):  # it is put together, so no catalogue can have it
                    yield ast.unparse(text)


def read_catalogue(language: str) -> list[Message]:
    with Path(CATALOGUES, f"{language}.po").open("rb") as lines:
        return [message for message in read_po(lines, locale=language) if message.id]


def get_forms(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string or ())


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_translated_and_none_is_left_over(language: str) -> None:
    assert {
        m.id if isinstance(m.id, str) else m.id[0] for m in read_catalogue(language)
    } == extract_messages()
    assert not [m.id for m in read_catalogue(language) if not all(get_forms(m)) or m.fuzzy]


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_fill_in_the_same_names(language: str) -> None:
    for message in read_catalogue(language):
        names = set(re.findall(r"%\((\w+)\)s", str(message.id)))
        for form in get_forms(message):
            form_names = set(re.findall(r"%\((\w+)\)s", form))
            missing = names - form_names
            assert form_names <= names, message.id
            assert message.pluralizable or not missing, message.id


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
    locale = get_locale(language)
    assert locale.format_count("%(count)s upvote", "%(count)s upvotes", 1) == one
    assert locale.format_count("%(count)s upvote", "%(count)s upvotes", 31) == many


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
    assert get_locale(language).format_day(date(2026, 11, 23)) == day
    assert get_locale(language).format_number(12345) == count


def test_regional_tags_fall_back_to_their_language_and_others_to_english() -> None:
    assert get_locale("de-AT").code == get_locale("DE_ch").code == "de"
    assert get_locale("zh-Hans-CN").code == "zh"
    assert get_locale("").code == get_locale("xx").code == "en"


def test_locale_is_loaded_once_for_all_spellings_of_its_tag() -> None:
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
def test_days_are_formatted_as_weekday_short_and_long(
    language: str, weekday: str, short: str, long: str
) -> None:
    locale, day = get_locale(language), date(2026, 11, 1)
    assert locale.format_weekday(day) == weekday
    assert locale.format_short_day(day).replace("\N{NO-BREAK SPACE}", " ") == short
    assert " " not in locale.format_short_day(day)  # it never breaks across lines
    assert locale.format_long_day(day).replace("\N{NO-BREAK SPACE}", " ") == long
    assert " " not in locale.format_long_day(day)


@pytest.mark.parametrize(
    ("language", "quoted"),
    [("en", "“sheep”"), ("de", "„sheep“"), ("fr", "« sheep »"), ("es", "«sheep»"), ("zh", "“sheep”")],
)
def test_each_language_has_its_quotation_marks(language: str, quoted: str) -> None:
    assert get_locale(language).quote("sheep").replace("\N{NO-BREAK SPACE}", " ") == quoted


@pytest.mark.parametrize(
    ("zone", "city"),
    [("America/Argentina/Buenos_Aires", "Buenos Aires"), ("Europe/Berlin", "Berlin"), ("UTC", "UTC")],
)
def test_time_zone_is_named_by_its_city(zone: str, city: str) -> None:
    assert city_name(zone) == city
