"""Boosts for papers of followed authors, affiliations and categories, added to a reader's affinity."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import accumulate, chain

import numpy as np

from digest.models import Paper, Profile
from digest.models.paper_ids import NAME_SUFFIXES, normalize_letters
from digest.ranking.array_types import Floats
from digest.ranking.tokenizer import normalize_text

AUTHOR_BOOST, AFFILIATION_BOOST, CATEGORY_BOOST = 3.0, 1.0, 0.3  # standard deviations
CATEGORY_ONLY_BOOST = 2.0  # for a reader without any text: nothing else tells papers apart

TITLES = frozenset({"prof", "professor", "dr", "sir", "the"})  # before a name
_UMLAUT = re.compile("(?<=[aou])e")
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
            by_author[self.authors.find_papers(profile.authors)] = True
        by_affiliation[_look_up(self._organizations, map(normalize_text, profile.affiliations))] = True
        by_category[_look_up(self._categories, profile.categories)] = True
        category_boost = CATEGORY_BOOST if has_text else CATEGORY_ONLY_BOOST
        return np.asarray(
            AUTHOR_BOOST * by_author + AFFILIATION_BOOST * by_affiliation + category_boost * by_category,
            np.float32,
        )

    @cached_property
    def authors(self) -> "AuthorIndex":
        """The papers by author."""
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
            for name in chain.from_iterable(map(_read_name, authors)):
                self._by_family[name[-1]].append((index, name))

    def find_papers(self, followed: Iterable[str]) -> list[int]:
        """Return the indices of papers by any of these authors, some of them more than once."""
        found = []
        for wanted in chain.from_iterable(map(_read_name, followed)):
            namesakes = self._by_family.get(wanted[-1], ())
            found += [index for index, name in namesakes if _is_same_author(name, wanted)]
        return found


def find_followed_author(authors: Sequence[str], followed: Sequence[str]) -> str:
    """Return the first author whom the reader follows, as the paper writes the name, or an empty string."""
    names = [*chain.from_iterable(map(_read_name, followed))]
    for author in authors:
        if any(_is_same_author(own, name) for own in _read_name(author) for name in names):
            return author
    return ""


def _read_name(name: str) -> tuple[tuple[str, ...], ...]:
    """Return the ways to read a name, each in parts with the family name last.

    A name is "Given Family", "Family, Given" or "Family A."; of two or three capitals at an end nobody knows
    whether they are initials ("Loveless AB") or a family name ("Wei LI"). Accents, titles and suffixes are
    left out, umlauts read as without the e that may stand for them; a hyphen parts given names, and so do
    initials in one (YM).
    """
    name = unicodedata.normalize("NFC", name)
    pieces = [_split_words(piece) for piece in name.split(",")]
    family, given = pieces[0], [word for piece in pieces[1:] for word in piece]
    while len(family) > 1 and family[0].casefold() in TITLES:
        family = family[1:]
    if not given and len(family) > 1 and len(family[-1]) == 1:
        start = next(index for index in range(len(family), 0, -1) if len(family[index - 1]) > 1 or index == 1)
        family, given = family[:start], family[start:]
    words = [*given, *family]
    if name.isupper() or not any(map(_is_capitals, words)):
        readings = [words]
    else:
        readings = [[part for word in words for part in (word if _is_capitals(word) else [word])]]
        if not given and len(words) > 1:
            if _is_capitals(words[-1]):
                readings = [words, [*words[-1], *words[:-1]]]
            elif _is_capitals(words[0]):
                readings.append([*words[1:], words[0]])
    fold = str.casefold if name.isascii() else normalize_letters
    folded = (tuple(filter(None, (_UMLAUT.sub("", fold(word)) for word in words))) for words in readings)
    return tuple(filter(None, folded))


def _is_capitals(word: str) -> bool:
    return word.isupper() and 1 < len(word) <= 3


def _split_words(text: str) -> list[str]:
    """Return the words of a part of a name, without suffixes at its end."""
    words = _LETTERS.findall(text)
    while words and words[-1].casefold() in NAME_SUFFIXES:
        words.pop()
    return words


def _is_same_author(author: tuple[str, ...], followed: tuple[str, ...]) -> bool:
    """Return True if family names are equal and given names agree.

    An initial may stand for a given name, a given name may be missing, and two may be written as one.
    """
    if author[-1] != followed[-1]:
        return False
    one, other = author[:-1], followed[:-1]
    if not one or not other:
        return one == other
    if one[0] != other[0] and (one[0] in accumulate(other) or other[0] in accumulate(one)):
        return True
    if len(one) == len(other):
        return all(map(_is_same_given_name, one, other))
    return _is_same_given_name(one[0], other[0])


def _is_same_given_name(one: str, other: str) -> bool:
    return one == other or (min(len(one), len(other)) == 1 and one[0] == other[0])


def _look_up(indices: dict[str, list[int]], names: Iterable[str]) -> list[int]:
    return [index for name in names for index in indices.get(name, ())]
