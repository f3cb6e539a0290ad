"""Whom, where and what does a reader follow? What that adds to a paper's nearness, for all papers at once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from digest.models import Paper, Profile
from digest.ranking.authors import Bylines
from digest.ranking.bm25 import Floats
from digest.ranking.tokenizer import plain

AUTHOR, AFFILIATION, CATEGORY = 3.0, 1.0, 0.3  # what following adds, in standard deviations
CATEGORY_ALONE = 2.0  # for a reader who told us nothing else


class Following:
    """The papers of the day by author, by organization and by category."""

    def __init__(self, papers: Sequence[Paper]) -> None:
        self._papers = papers

    def added(self, profile: Profile, *, has_words: bool) -> Floats:
        """What following an author, an affiliation or a category adds to each paper."""
        whom, where, what = (np.zeros(len(self._papers), np.bool_) for _ in range(3))
        if profile.authors:
            whom[list(self._bylines.of(profile.authors))] = True
        where[_at(self._organizations, map(plain, profile.affiliations))] = True
        what[_at(self._categories, profile.categories)] = True
        category = CATEGORY if has_words else CATEGORY_ALONE
        return np.asarray(AUTHOR * whom + AFFILIATION * where + category * what, np.float32)

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
