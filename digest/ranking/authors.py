"""Is this the person a reader follows? Names as papers write them, compared with care."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from digest.ranking.tokenizer import plain

_PARTS = re.compile(r"[^\W\d_]+")


def followed_author(authors: Sequence[str], followed: Sequence[str]) -> str:
    """The first author whom the reader follows, as the paper writes the name, or an empty string."""
    wanted = [name for name in map(_parts, followed) if name]
    return next((author for author in authors if any(_same(_parts(author), name) for name in wanted)), "")


class Bylines:
    """The authors of many papers by family name: whoever is followed is looked for only there."""

    def __init__(self, bylines: Iterable[Sequence[str]]) -> None:
        self._by_family: dict[str, list[tuple[int, tuple[str, ...]]]] = defaultdict(list)
        for place, authors in enumerate(bylines):
            for name in filter(None, map(_parts, authors)):
                self._by_family[name[-1]].append((place, name))

    def of(self, followed: Iterable[str]) -> Iterator[int]:
        """The places of the papers by anyone of these, some of them more than once."""
        for wanted in filter(None, map(_parts, followed)):
            for place, name in self._by_family.get(wanted[-1], ()):
                if _same(name, wanted):
                    yield place


def _parts(name: str) -> tuple[str, ...]:
    family, _, given = name.partition(",")
    return tuple(_PARTS.findall(plain(f"{given} {family}")))


def _same(author: tuple[str, ...], followed: tuple[str, ...]) -> bool:
    """Family names are equal and given names agree, where an initial may stand for the whole name."""
    if not author or not followed or author[-1] != followed[-1]:
        return False
    if len(followed) == 1 or len(author) == 1:
        return len(author) == len(followed)
    first, other = author[0], followed[0]
    return first == other or (min(len(first), len(other)) == 1 and first[0] == other[0])
