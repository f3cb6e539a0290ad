"""What did someone ask to change about a subscriber? Wishes by name become valid choices, or a clear no."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import time
from typing import Any

from pydantic import TypeAdapter, ValidationError

from digest.models import LANGUAGES, Preferences, Profile, Schedule, Subscriber
from digest.models.errors import ConfigError, InvalidChange
from digest.models.schedule import parse_time, zone_of

MOST_ITEMS = 100
LONGEST_ITEM = 100
LONGEST_TEXT = 5_000
LAST_YEAR = 2999  # a pause until the end of the calendar has no day after it
TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8}){0,3}")  # of a language, with its country or script
LIMITS = {"trending": 20, "picked": 40, "also_new": 60, "weekday": 6}
LISTS = frozenset({"keywords", "muted", "authors", "affiliations", "categories"})
_PARTS: Mapping[str, tuple[type[Any], TypeAdapter[Any]]] = {
    name: (part, TypeAdapter(part)) for name, part in
    {"profile": Profile, "schedule": Schedule, "preferences": Preferences}.items()
}  # fmt: skip
_PART_OF = {item.name: name for name, (part, _) in _PARTS.items() for item in fields(part)}
NAMES = tuple(_PART_OF)


def changed(subscriber: Subscriber, wishes: Mapping[str, object]) -> Subscriber:
    """The subscriber with these wishes granted, by the names of Profile, Schedule and Preferences.

    Text stands for anything: lists are separated by commas, times are like 07:30. InvalidChange says
    which wish makes no sense, and then none is granted.
    """
    unknown = sorted(wishes.keys() - _PART_OF.keys())
    if unknown:
        raise InvalidChange(f"There is no {unknown[0]!r} to change; there are {', '.join(sorted(NAMES))}.")
    try:
        tidied = {name: _tidied(name, wish) for name, wish in wishes.items()}
    except ConfigError as error:
        raise InvalidChange(str(error)) from error
    parts = {}
    for part in _PARTS:
        if mine := {name: wish for name, wish in tidied.items() if _PART_OF[name] == part}:
            parts[part] = _granted(part, getattr(subscriber, part), mine)
    revised = replace(subscriber, **parts)
    moved = revised.profile != subscriber.profile
    return replace(revised, profile_revision=subscriber.profile_revision + 1) if moved else revised


def differences(before: Subscriber, after: Subscriber) -> tuple[str, ...]:
    """The names of what differs, without the values: an audit log must not know anyone's interests."""
    return tuple(
        name
        for name, part in _PART_OF.items()
        if getattr(getattr(before, part), name) != getattr(getattr(after, part), name)
    )


def _granted(part: str, before: Any, wishes: Mapping[str, object]) -> Any:
    now = {item.name: getattr(before, item.name) for item in fields(before)}
    try:
        after = _PARTS[part][1].validate_python({**now, **wishes})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else part
        raise InvalidChange(f"{name} cannot be {wishes.get(name)!r}: {first['msg']}.") from error
    _must_be_sensible(after, wishes)
    return after


def _must_be_sensible(part: Any, wishes: Mapping[str, object]) -> None:
    for name in wishes.keys() & LIMITS.keys():
        if not 0 <= getattr(part, name) <= LIMITS[name]:
            raise InvalidChange(f"{name} must be between 0 and {LIMITS[name]}.")
    if isinstance(part, Preferences) and "language" in wishes:
        _must_be_spoken(part.language)
    if isinstance(part, Schedule):
        if part.paused_until and part.paused_until.year > LAST_YEAR:
            raise InvalidChange(f"paused_until cannot be later than {LAST_YEAR}.")
        try:
            zone_of(part.timezone)
        except ConfigError as error:
            raise InvalidChange(str(error)) from error


def _must_be_spoken(language: str) -> None:
    if not TAG.fullmatch(language) or re.split(r"[-_]", language)[0].lower() not in LANGUAGES:
        raise InvalidChange(
            f"Mails do not speak {language[:LONGEST_ITEM]!r}; there are {', '.join(LANGUAGES)}."
        )


def _tidied(name: str, wish: object) -> object:
    if name in LISTS:
        return _items(re.split(r"[,;\n]", wish) if isinstance(wish, str) else wish)
    if name == "text" and isinstance(wish, str):
        return "\n".join(map(_clean, wish.splitlines())).strip()[:LONGEST_TEXT].rstrip()
    if name == "send_at":
        return _time_of_day(wish)
    if name == "paused_until" and wish == "":
        return None
    return wish.strip() if isinstance(wish, str) else wish


def _time_of_day(wish: object) -> object:
    """7:00 is meant when it is written; seconds are not."""
    if isinstance(wish, str):
        wish = wish.strip()
        wish = parse_time(f"0{wish}" if wish[1:2] == ":" else wish)
    return wish.replace(second=0, microsecond=0, tzinfo=None) if isinstance(wish, time) else wish


def _items(wish: object) -> object:
    """Each item once, in the order they were written; whatever else it is, validation refuses it."""
    if not isinstance(wish, Iterable):
        return wish
    clean = (_clean(item)[:LONGEST_ITEM].rstrip() if isinstance(item, str) else item for item in wish)
    once = {(item.casefold() if isinstance(item, str) else item): item for item in reversed([*clean]) if item}
    return tuple(reversed(once.values()))[:MOST_ITEMS]


def _clean(text: str) -> str:
    visible = (" " if unicodedata.category(char) in ("Cc", "Cf", "Cs") else char for char in text)
    return " ".join("".join(visible).split())
