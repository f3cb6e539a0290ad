"""Boosts for papers of followed authors, affiliations and categories, added to a reader's affinity."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import numpy as np

from digest.models import Paper, Profile
from digest.ranking.array_types import Floats
from digest.ranking.tokenizer import normalize_text

AUTHOR_BOOST, AFFILIATION_BOOST, CATEGORY_BOOST = 3.0, 1.0, 0.3  # standard deviations
CATEGORY_ONLY_BOOST = 2.0  # for a reader without any text: nothing else tells papers apart

_LETTERS = re.compile(r"[^\W\d_]+")


class FollowBoosts:
    """The papers of the day by author, organization and category."""

    def __init__(self, papers: Sequence[Paper]) -> None:
        self._papers = papers

    def compute(self, profile: Profile, *, has_text: bool) -> Floats:
        """Return what is added to the affinity of each paper.

        *has_text* says whether the profile asks for anything in words besides what it follows.
        """
        by_author, by_affiliation, by_category = (np.zeros(len(self._papers), np.bool_) for _ in range(3))
        if profile.authors:
            by_author[list(self._authors.find_papers(profile.authors))] = True
        by_affiliation[_look_up(self._organizations, map(normalize_text, profile.affiliations))] = True
        by_category[_look_up(self._categories, profile.categories)] = True
        category_boost = CATEGORY_BOOST if has_text else CATEGORY_ONLY_BOOST
        return np.asarray(
            AUTHOR_BOOST * by_author + AFFILIATION_BOOST * by_affiliation + category_boost * by_category,
            np.float32,
        )

    @cached_property
    def _authors(self) -> "AuthorIndex":
        return AuthorIndex(paper.authors for paper in self._papers)

    @cached_property
    def _organizations(self) -> dict[str, list[int]]:
        indices: dict[str, list[int]] = defaultdict(list)
        for index, paper in enumerate(self._papers):
            if paper.organization:
                indices[normalize_text(paper.organization)].append(index)
        return indices

    @cached_property
    def _categories(self) -> dict[str, list[int]]:
        indices: dict[str, list[int]] = defaultdict(list)
        for index, paper in enumerate(self._papers):
            for category in paper.categories:
                indices[category].append(index)
        return indices


class AuthorIndex:
    """The authors of many papers by family name."""

    def __init__(self, bylines: Iterable[Sequence[str]]) -> None:
        self._by_family: dict[str, list[tuple[int, tuple[str, ...]]]] = defaultdict(list)
        for index, authors in enumerate(bylines):
            for name in filter(None, map(_split_name, authors)):
                self._by_family[name[-1]].append((index, name))

    def find_papers(self, followed: Iterable[str]) -> Iterator[int]:
        """Yield the indices of papers by any of these authors, some of them more than once."""
        for wanted in filter(None, map(_split_name, followed)):
            for index, name in self._by_family.get(wanted[-1], ()):
                if _is_same_author(name, wanted):
                    yield index


def find_followed_author(authors: Sequence[str], followed: Sequence[str]) -> str:
    """Return the first author whom the reader follows, as the paper writes the name, or an empty string."""
    names = [name for name in map(_split_name, followed) if name]
    return next(
        (author for author in authors if any(_is_same_author(_split_name(author), name) for name in names)),
        "",
    )


def _split_name(name: str) -> tuple[str, ...]:
    """Return the normalized parts of a name ("Given Family" or "Family, Given"), the family name last."""
    family, _, given = name.partition(",")
    return tuple(_LETTERS.findall(normalize_text(f"{given} {family}")))


def _is_same_author(author: tuple[str, ...], followed: tuple[str, ...]) -> bool:
    """Return True if family names are equal and given names agree; an initial may stand for a given name."""
    if not author or not followed or author[-1] != followed[-1]:
        return False
    if len(followed) == 1 or len(author) == 1:
        return len(author) == len(followed)
    first, other = author[0], followed[0]
    return first == other or (min(len(first), len(other)) == 1 and first[0] == other[0])


def _look_up(indices: dict[str, list[int]], names: Iterable[str]) -> list[int]:
    return [index for name in names for index in indices.get(name, ())]
