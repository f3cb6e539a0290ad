"""What has a paper in common with an interest? Noted paper by paper, answered for many readers at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse

from digest.ranking.bm25 import Floats
from digest.ranking.interests import Interest
from digest.ranking.term_index import Places

LEAST_SHARE = 0.04  # of the whole nearness: a term below this did not decide anything
BLOCK = 64  # interests in a full table at once: bounds the memory, whatever the number of readers


@dataclass(frozen=True, slots=True)
class IndexedInterest:
    """One interest or a part of it: which of the chunk's documents it is made of, and whose it is."""

    interest: Interest
    documents: tuple[int, ...]
    reader: int


@dataclass(frozen=True, slots=True)
class Common:
    """What one paper shares with one view."""

    terms: tuple[int, ...]  # columns of the terms that weighed, the heaviest first
    liked: str  # the title of the nearest liked paper
    likeness: float  # of the two


Asked = tuple[int, tuple[int, ...]]  # the paper's place, the view's documents


class SharedTerms:
    """The papers of the day beside the documents of some readers, term by term."""

    def __init__(self, candidates: sparse.csr_array, rows: sparse.csr_array, telling: Floats) -> None:
        self._candidates, self._rows, self._telling = candidates, rows, telling
        self._noted: dict[Asked, IndexedInterest] = {}
        self._found: dict[Asked, Common] = {}

    def note(self, place: int, view: IndexedInterest) -> None:
        """This will be asked: it is found together with all else that was noted, for a tenth of the time."""
        self._noted[place, view.documents] = view

    def of(self, place: int, view: IndexedInterest) -> Common:
        """What a paper shares with a view."""
        key = place, view.documents
        if key not in self._found:
            self.note(place, view)
            self._find()
        return self._found[key]

    def _find(self) -> None:
        views = {view.documents: view for view in self._noted.values()}
        places: dict[tuple[int, ...], list[int]] = {documents: [] for documents in views}
        for place, documents in self._noted:
            places[documents].append(place)
        every = [*views]
        for start in range(0, len(every), BLOCK):
            some = [views[documents] for documents in every[start : start + BLOCK]]
            self._found.update(self._common(some, places))
        self._noted = {}

    def _common(
        self, views: Sequence[IndexedInterest], places: Mapping[tuple[int, ...], Sequence[int]]
    ) -> Iterator[tuple[Asked, Common]]:
        asked = [(number, place) for number, view in enumerate(views) for place in places[view.documents]]
        terms, likes = self._terms(views, asked), self._likes(views, asked)
        for (number, place), found, (liked, likeness) in zip(asked, terms, likes, strict=True):
            yield (place, views[number].documents), Common(found, liked, likeness)

    def _terms(
        self, views: Sequence[IndexedInterest], asked: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[int, ...]]:
        """For each of these, the terms that weighed; equals in the order of the paper's text."""
        table = (_weights(views, self._telling) @ self._rows).toarray()
        numbers, places = np.array(asked, np.intp).T
        spans, sizes = _spans(self._candidates.indptr, places)
        columns = self._candidates.indices[spans]
        weights = table.ravel()[np.repeat(numbers * table.shape[1], sizes) + columns]
        shared = np.flatnonzero(weights)  # few: from here on it is quick
        owner = np.searchsorted(np.cumsum(sizes), shared, side="right")
        weighed = weights[shared] * self._candidates.data[spans[shared]]
        least = LEAST_SHARE * np.bincount(owner, weighed, len(asked))
        telling = np.flatnonzero(weighed > least[owner])
        order = telling[np.lexsort((-weighed[telling], owner[telling]))]
        ends = np.cumsum(np.bincount(owner[order], minlength=len(asked))).tolist()
        found = columns[shared[order]].tolist()
        return (tuple(found[start:end]) for start, end in pairwise([0, *ends]))

    def _likes(
        self, views: Sequence[IndexedInterest], asked: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[str, float]]:
        """For each of these, the nearest of the view's liked papers and how alike they are."""
        titled = [[at for at, each in enumerate(view.interest.documents) if each.title] for view in views]
        rows = {view.documents[at]: None for view, liked in zip(views, titled, strict=True) for at in liked}
        at_row = {document: row for row, document in enumerate(rows)}
        at_column = {place: column for column, place in enumerate(dict.fromkeys(place for _, place in asked))}
        papers = self._candidates[[*at_column]]
        alike = (self._rows[[*rows]] @ papers.T).toarray() if rows else None
        for number, place in asked:
            view, liked = views[number], titled[number]
            if alike is None or not liked:
                yield "", 0.0
                continue
            near = alike[[at_row[view.documents[at]] for at in liked], at_column[place]]
            best = int(near.argmax())
            yield view.interest.documents[liked[best]].title, float(near[best])


def _weights(views: Sequence[IndexedInterest], telling: Floats) -> sparse.csr_array:
    """How much each document (across) weighs in each view (down)."""
    values = np.array([each.weight for view in views for each in view.interest.documents], np.float32)
    columns = np.array([place for view in views for place in view.documents], np.intp)
    ends = np.cumsum([0, *(len(view.documents) for view in views)])
    return sparse.csr_array((values * telling[columns], columns, ends), shape=(len(views), len(telling)))


def _spans(ends: Places, rows: Places) -> tuple[Places, Places]:
    """Where the entries of these rows stand, one row after the other, and how many each has."""
    starts, sizes = ends[rows], ends[rows + 1] - ends[rows]
    before = np.cumsum(sizes) - sizes
    return np.arange(int(sizes.sum())) + np.repeat(starts - before, sizes), sizes
