"""Is this the person a reader follows? Names as papers write them, compared with care."""

import re
from collections.abc import Sequence

from digest.rank.text import plain

_PARTS = re.compile(r"[^\W\d_]+")


def followed_author(authors: Sequence[str], followed: Sequence[str]) -> str:
    """The first author whom the reader follows, as the paper writes the name, or an empty string."""
    wanted = [name for name in map(_parts, followed) if name]
    return next((author for author in authors if any(_same(_parts(author), name) for name in wanted)), "")


def _parts(name: str) -> tuple[str, ...]:
    family, comma, given = name.partition(",")
    return tuple(_PARTS.findall(plain(f"{given} {family}" if comma else name)))


def _same(author: tuple[str, ...], followed: tuple[str, ...]) -> bool:
    """Family names are equal and given names agree, where an initial may stand for the whole name."""
    if not author or not followed or author[-1] != followed[-1]:
        return False
    if len(followed) == 1 or len(author) == 1:
        return len(author) == len(followed)
    first, other = author[0], followed[0]
    return first == other or (min(len(first), len(other)) == 1 and first[0] == other[0])
