"""Whom, where and what does a reader follow? What that adds to a paper's nearness, for all papers at once."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import numpy as np

from digest.models import Paper, Profile
from digest.ranking.bm25 import Floats
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


AUTHOR, AFFILIATION, CATEGORY = 3.0, 1.0, 0.3  # what following adds, in standard deviations
CATEGORY_ALONE = 2.0  # for a reader who told us nothing else


class Following:
    """The papers of the day by author, by organization and by category."""

    def __init__(self, papers: Sequence[Paper]) -> None:
        self._papers = papers

    def added(self, profile: Profile, *, has_words: bool) -> Floats:
        """What following an author, an affiliation or a category adds to each paper."""
        get_subscriber, where, what = (np.zeros(len(self._papers), np.bool_) for _ in range(3))
        if profile.authors:
            get_subscriber[list(self._bylines.of(profile.authors))] = True
        where[_at(self._organizations, map(plain, profile.affiliations))] = True
        what[_at(self._categories, profile.categories)] = True
        category = CATEGORY if has_words else CATEGORY_ALONE
        return np.asarray(AUTHOR * get_subscriber + AFFILIATION * where + category * what, np.float32)

    @cached_property
    def _bylines(self) -> Bylines:
        return Bylines(paper.authors for paper in self._papers)

    @cached_property
    def _organizations(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for place, paper in enumerate(self._papers):
            if paper.organization:
                found[plain(paper.organization)].append(place)
        return found

    @cached_property
    def _categories(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for place, paper in enumerate(self._papers):
            for category in paper.categories:
                found[category].append(place)
        return found


def _at(places: dict[str, list[int]], names: Iterable[str]) -> list[int]:
    return [place for name in names for place in places.get(name, ())]
