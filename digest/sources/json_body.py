"""Parsing of untrusted JSON: strictly, else leniently, else item by item. Linear in its length."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from digest.models.errors import SourceChanged
from digest.sources.text.encoding import decode_text

MAX_COUNT = 10**10  # more than there are people: not a count
MAX_INT_DIGITS = 300  # of a number; Python refuses more than 4300, and the whole document with them
MAX_BROKEN_ITEMS = 500  # in one document; then it is another format
MAX_ITEM_CHARS = 200_000  # that are searched for the end of a broken item
_STRING = r'"(?:[^"\\]|\\.)*+(?:"|\Z)'
_TOKEN = re.compile(rf"{_STRING}|,(?=\s{{0,1000}}[}}\]])", re.DOTALL)
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}|)')
# Against inclusion as a script.
SCRIPT_GUARD = re.compile(r"^\s*(?:\)\]\}'|while\s?\(1\);|for\s?\(;;\);)[,;]?")
_FIRST_KEY = re.compile(rf"\s*\{{\s*({_STRING})\s*:", re.DOTALL)


@dataclass(frozen=True, slots=True)
class JsonDocument:
    """The value of a document, and what had to be repaired in it, as a sentence."""

    value: Any
    note: str = ""


def get_value(value: Any, *keys: str) -> Any:
    """Return what stands under these nested keys; None if one of them is missing."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def get_text(value: Any, *keys: str) -> str:
    """Return the text under these nested keys; empty for anything else."""
    text = get_value(value, *keys)
    return text if isinstance(text, str) else ""


def get_list(value: Any, *keys: str) -> list[Any]:
    """Return the list under these nested keys; empty for anything else."""
    items = get_value(value, *keys)
    return items if isinstance(items, list) else []


def get_count(value: Any, *keys: str) -> float | None:
    """Return the number under these nested keys; None for anything that counts nothing."""
    count = get_value(value, *keys)
    is_count = isinstance(count, int | float) and not isinstance(count, bool) and 0 <= count < MAX_COUNT
    return float(count) if is_count else None


def require_list(value: Any, key: str, noun: str) -> list[Any]:
    """Return the list under a key. Raises SourceChanged if there is none."""
    items = get_value(value, key)
    if not isinstance(items, list):
        raise SourceChanged(f"the answer is not the expected list of {noun}")
    return items


def load_json(body: bytes, *, items_key: str | None = None) -> JsonDocument:
    """Return the value of *body*.

    With *items_key*, a document that remains broken is read item by item: the value is then a list, or for a
    key that is not empty an object that holds the list under it; None stands for what could not be read.

    Raises:
        SourceChanged: the body is not JSON.
    """
    text, strays = decode_text(body)
    text = SCRIPT_GUARD.sub("", text.strip("\ufeff\0 \t\r\n"))
    note = f"{strays} of its bytes are in no known encoding." if strays else ""
    try:
        return JsonDocument(_loads(text, strict=True), note)
    except json.JSONDecodeError as error:
        reason = error
    except RecursionError as error:
        raise SourceChanged("the answer is not JSON") from error
    try:
        return JsonDocument(_loads(_repair(text), strict=False), "Its JSON was repaired.")
    except (json.JSONDecodeError, RecursionError):
        items = list(_recover_items(text, items_key)) if items_key is not None else []
    if not any(item is not None for item in items):
        raise SourceChanged("the answer is not JSON") from reason
    note = "Its JSON is broken and was read item by item."
    return JsonDocument({items_key: items} if items_key else items, note)


def _loads(text: str, *, strict: bool) -> Any:
    return json.loads(text, strict=strict, parse_int=_parse_int)


def _parse_int(digits: str) -> float:
    return int(digits) if len(digits) <= MAX_INT_DIGITS else float("nan")


def _repair(text: str) -> str:
    """Return the text without commas before a closing bracket and backslashes that escape nothing."""
    return _TOKEN.sub(_repair_token, text)


def _repair_token(token: re.Match[str]) -> str:
    if token[0] == ",":
        return ""
    return _ESCAPE.sub(lambda escape: escape[0] if len(escape[0]) > 1 else r"\\", token[0])


def _recover_items(text: str, key: str | None) -> Iterator[Any]:
    """Yield every object of the list, None for one that is broken; they begin with the same key."""
    text = _repair(text)
    opening = re.search(rf'"{re.escape(key)}"\s*:\s*\[' if key else r"^\[", text)
    first = _FIRST_KEY.match(text, opening.end()) if opening else None
    if first is None:
        return
    start_of_item = re.compile(rf"\{{\s*{re.escape(first[1])}\s*:")
    decoder = json.JSONDecoder(strict=False, parse_int=_parse_int)
    position, broken = first.start(), 0
    while broken < MAX_BROKEN_ITEMS and (start := start_of_item.search(text, position)):
        piece = text[start.start() : start.start() + MAX_ITEM_CHARS]
        try:
            item, length = decoder.raw_decode(piece)
        except (json.JSONDecodeError, RecursionError):
            broken += 1
            position = start.end()
            yield None
        else:
            position = start.start() + length
            yield item
