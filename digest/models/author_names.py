"""Author names split into family and given name, as reference managers want them."""

import re
from dataclasses import dataclass

from digest.models.text import clean

_SUFFIX = re.compile(r"(?:jr|sr|ii|iii|iv|phd|md)\.?", re.IGNORECASE)
_INITIALS = re.compile(r"[^\W\d_]|(?:[^\W\d_]\.-?)+")  # not `LI`, which may be a family name
_GROUP = re.compile(
    r"\b(?:collaborations?|consorti(?:um|a)|teams?|groups?|projects?|networks?|initiative|committee|society"
    r"|institute|laborator(?:y|ies)|labs?|university|inc|gmbh|openai|deepmind)\b|^the\s",
    re.IGNORECASE,
)
# Names in these scripts are written family name first and without a blank.
_EAST_ASIAN = re.compile(r"[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class AuthorName:
    """A name in parts. A group, or a name that cannot be split, is all in `family`, with `is_whole`."""

    family: str
    given: str = ""
    suffix: str = ""
    is_whole: bool = False


def split_author_name(name: str) -> AuthorName:
    """Split a name as sources write it: `Ada B. Loveless`, `Loveless, Ada`, `Loveless A. B.`, a group."""
    name = clean(name)
    if _GROUP.search(name) or _EAST_ASIAN.search(name):
        return AuthorName(name, is_whole=True)
    parts = [part.strip() for part in name.split(",") if part.strip()]
    suffix = next((part for part in parts[1:] if _SUFFIX.fullmatch(part)), "")
    if suffix:
        parts.remove(suffix)
    if len(parts) > 1:
        return AuthorName(parts[0], " ".join(parts[1:]), suffix)
    words = parts[0].split() if parts else []
    while len(words) > 1 and _SUFFIX.fullmatch(words[-1]):
        suffix = words.pop()
    if len(words) < 2:
        return AuthorName(" ".join(words), suffix=suffix, is_whole=True)
    family, given = _split_words(words)
    return AuthorName(" ".join(family), " ".join(given), suffix)


def _split_words(words: list[str]) -> tuple[list[str], list[str]]:
    """Return family and given name. Initials at the end are given names; `van der` belongs to the family."""
    end = len(words)
    while end > 1 and _is_initials(words[end - 1]):
        end -= 1
    if end < len(words) and not _is_initials(words[0]):
        return words[:end], words[end:]
    start = len(words) - 1
    while start > 1 and words[start - 1].islower():
        start -= 1
    return words[start:], words[:start]


def _is_initials(word: str) -> bool:
    return word.isupper() and bool(_INITIALS.fullmatch(word))
