"""Changes of a subscriber's settings by name, validated: from forms, commands, API and imports."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import time
from typing import Any

from pydantic import TypeAdapter, ValidationError

from digest.models import LANGUAGES, Preferences, Profile, Schedule, Subscriber
from digest.models.arxiv_categories import find_near_category, is_wrong_category, normalize_category
from digest.models.errors import ConfigError, InvalidChange, Phrase
from digest.models.schedule import parse_time, parse_timezone

MAX_ITEMS = 100
MAX_ITEM_CHARS = 100
MAX_TEXT_CHARS = 5_000
MAX_YEAR = 2999  # of a pause: the last day of the calendar has no day after it
LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8}){0,3}")  # with country or script
LIMITS = {"trending": 20, "picked": 40, "also_new": 60, "weekday": 6}
_REASONS = {  # by the first word of pydantic's type of error
    "int": Phrase("it is not a whole number"),
    "date": Phrase("it is not a date like 2026-12-24"),
}
_LANGUAGE_NAMES = {
    "english": "en", "german": "de", "deutsch": "de", "french": "fr", "français": "fr",
    "spanish": "es", "español": "es", "chinese": "zh", "中文": "zh",
}  # fmt: skip
_CHOICES = frozenset({"frequency", "mix", "threshold"})  # one of a few words in small letters
LIST_FIELDS = frozenset({"keywords", "muted", "authors", "affiliations", "categories"})
_PARTS: Mapping[str, tuple[type[Any], TypeAdapter[Any]]] = {
    name: (part, TypeAdapter(part)) for name, part in
    {"profile": Profile, "schedule": Schedule, "preferences": Preferences}.items()
}  # fmt: skip
_PART_OF = {item.name: name for name, (part, _) in _PARTS.items() for item in fields(part)}
FIELD_NAMES = tuple(_PART_OF)


def dump_settings(subscriber: Subscriber) -> dict[str, object]:
    """Return all that a subscriber chose, by `FIELD_NAMES`, as plain JSON values."""
    return {
        name: value
        for part, (_, adapter) in _PARTS.items()
        for name, value in adapter.dump_python(getattr(subscriber, part), mode="json").items()
    }


def apply_changes(subscriber: Subscriber, changes: Mapping[str, object]) -> Subscriber:
    """Return the subscriber with these changes, by the field names of Profile, Schedule and Preferences.

    Values may be text: lists separated by commas, times like 07:30.

    Raises:
        InvalidChange: a change makes no sense; the message says which.
    """
    unknown = sorted(changes.keys() - _PART_OF.keys())
    if unknown:
        raise InvalidChange(
            f"There is no {unknown[0]!r} to change; there are {', '.join(sorted(FIELD_NAMES))}."
        )
    try:
        parsed = {name: _parse(name, value) for name, value in changes.items()}
    except ConfigError as error:
        raise InvalidChange(error.template, **error.names) from error
    parts = {}
    for part in _PARTS:
        if of_part := {name: value for name, value in parsed.items() if _PART_OF[name] == part}:
            parts[part] = _apply_to_part(part, getattr(subscriber, part), of_part)
    return replace(subscriber, **parts)


def list_differences(before: Subscriber, after: Subscriber) -> tuple[str, ...]:
    """Return the names of fields that differ, without values: the audit log must not hold interests."""
    return tuple(
        name
        for name, part in _PART_OF.items()
        if getattr(getattr(before, part), name) != getattr(getattr(after, part), name)
    )


def _apply_to_part(part: str, before: Any, changes: Mapping[str, object]) -> Any:
    current = {field.name: getattr(before, field.name) for field in fields(before)}
    try:
        after = _PARTS[part][1].validate_python({**current, **changes})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else part
        raise InvalidChange(
            "%(name)s cannot be %(value)s: %(why)s.",
            name=name,
            value=repr(changes.get(name)),
            why=explain_problem(first),
        ) from error
    _check_values(after, changes)
    return after


def explain_problem(error: Any) -> Phrase | str:
    """Return why a value is not valid. What forms cannot send is explained in pydantic's words."""
    kind = error["type"].partition("_")[0]
    if kind in ("enum", "literal"):
        return Phrase(
            "choose one of %(choices)s", choices=str(error["ctx"]["expected"]).replace(" or ", ", ")
        )
    return _REASONS.get(kind) or str(error["msg"])


def _check_values(part: Any, changes: Mapping[str, object]) -> None:
    for name in changes.keys() & LIMITS.keys():
        if not 0 <= getattr(part, name) <= LIMITS[name]:
            raise InvalidChange("%(name)s must be between 0 and %(most)s.", name=name, most=LIMITS[name])
    if isinstance(part, Preferences) and "language" in changes:
        _check_language(part.language)
    if isinstance(part, Schedule):
        if part.paused_until and part.paused_until.year > MAX_YEAR:
            raise InvalidChange("%(name)s cannot be later than %(year)s.", name="paused_until", year=MAX_YEAR)
        try:
            parse_timezone(part.timezone)
        except ConfigError as error:
            raise InvalidChange(error.template, **error.names) from error


def _check_language(language: str) -> None:
    if not LANGUAGE_TAG.fullmatch(language) or re.split(r"[-_]", language)[0].lower() not in LANGUAGES:
        raise InvalidChange(
            "Emails cannot be sent in %(language)s; choose one of %(choices)s.",
            language=repr(language[:MAX_ITEM_CHARS]),
            choices=", ".join(LANGUAGES),
        )


def _parse(name: str, value: object) -> object:
    """Bring a value into the form that validation expects; what it cannot interpret stays as it is."""
    if name in LIST_FIELDS and isinstance(value, Iterable):
        items = parse_list(name, re.split(r"[,;\n]", value) if isinstance(value, str) else value)
        return _parse_categories(items) if name == "categories" else items
    if name == "text" and isinstance(value, str):
        text = "\n".join(map(_clean, value.splitlines())).strip()
        _check_lengths(name, [text], MAX_TEXT_CHARS)
        return text
    if name == "send_at":
        return _parse_time_of_day(value)
    if name == "paused_until" and value == "":
        return None
    return _parse_word(name, value.strip()) if isinstance(value, str) else value


def _parse_word(name: str, text: str) -> str:
    """Return a choice in small letters, and the name of a language as its tag."""
    if name == "language":
        return _LANGUAGE_NAMES.get(text.lower(), text)
    return text.lower() if name in _CHOICES else text


def _parse_time_of_day(value: object) -> object:
    """Parse text, and drop seconds."""
    if isinstance(value, time):
        value = value.isoformat()  # of a program: its time zone must not be dropped
    return parse_time(value) if isinstance(value, str) else value


def parse_list(name: str, items: Iterable[Any]) -> tuple[Any, ...]:
    """Return each item once, whatever its case, in the order they were written.

    Raises:
        InvalidChange: these are too many, or one is too long: cut, it would mean something else.
    """
    clean = [_clean(item) if isinstance(item, str) else item for item in items]
    unique = {(item.casefold() if isinstance(item, str) else item): item for item in reversed(clean) if item}
    if len(unique) > MAX_ITEMS:
        raise InvalidChange("%(name)s can have at most %(most)s entries.", name=name, most=MAX_ITEMS)
    _check_lengths(name, unique.values(), MAX_ITEM_CHARS)
    return tuple(reversed(unique.values()))


def _check_lengths(name: str, values: Iterable[object], most: int) -> None:
    if any(isinstance(value, str) and len(value) > most for value in values):
        raise InvalidChange("%(name)s: a text can have at most %(most)s characters.", name=name, most=most)


def _parse_categories(names: tuple[Any, ...]) -> tuple[Any, ...]:
    """Write arXiv's categories as arXiv does. Raises InvalidChange for one that arXiv does not have."""
    for name in names:
        if isinstance(name, str) and is_wrong_category(name):
            near = find_near_category(name)
            raise InvalidChange(
                "arXiv has no category %(name)s%(suggestion)s.",
                name=repr(name),
                suggestion=Phrase(" (did you mean %(category)s?)", category=near) if near else "",
            )
    return tuple(normalize_category(name) if isinstance(name, str) else name for name in names)


def _clean(text: str) -> str:
    """Replace control characters, and collapse white space."""
    visible = (" " if unicodedata.category(char) in ("Cc", "Cf", "Cs") else char for char in text)
    return " ".join("".join(visible).split())
