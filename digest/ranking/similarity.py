"""How near is every paper to what some readers like? All their interests compared at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
from scipy import sparse

from digest.models import Profile
from digest.ranking.bm25 import Floats, Lexicon
from digest.ranking.embeddings import NEAR, Space, nearest
from digest.ranking.interest_groups import part
from digest.ranking.interests import Interest, interests
from digest.ranking.profile_vectors import ProfileVectors
from digest.ranking.shared_terms import IndexedInterest, SharedTerms
from digest.ranking.standardize import unstretched
from digest.ranking.term_index import Postings

NEGATIVE = 0.25  # "less like this" weighs a quarter of "more"
TELLING = 300  # different terms that a reader gave at which a model counts half: few words leave more to it


@dataclass(frozen=True, slots=True)
class IndexedProfile:
    """A reader's interests as views; `parts` are the groups that an interest falls apart into."""

    wholes: tuple[IndexedInterest, ...]
    parts: tuple[tuple[IndexedInterest, ...], ...]
    unwanted: tuple[int, ...]  # documents

    @property
    def views(self) -> tuple[IndexedInterest, ...]:
        """Everything that is to be compared: the interests, then their parts."""
        return (*self.wholes, *chain(*self.parts))


class SimilarityMatrix:
    """The papers of the day beside a chunk of readers, in words and, with a model, in meaning."""

    def __init__(
        self, lexicon: Lexicon, postings: Postings, space: Space | None, outlines: Sequence[ProfileVectors]
    ) -> None:
        self._lexicon, self._space = lexicon, space
        self._postings = postings
        self._rows = postings.rows(outlines)
        self._outlines = outlines
        self._telling = lexicon.telling(self._rows)
        self.commons = SharedTerms(postings.candidates, self._rows, self._telling)
        self._starts = np.cumsum([0, *(len(outline.sizes) for outline in outlines)]).tolist()

    def sight(self, reader: int, profile: Profile, *, splits: bool) -> IndexedProfile:
        """What is to be compared for one reader of the chunk."""
        wholes, parts, start = [], [], self._starts[reader]
        wanted = interests(profile)
        groups = self._outlines[reader].groups
        for number, interest in enumerate(wanted):
            own = tuple(range(start, start := start + len(interest.documents)))
            wholes.append(IndexedInterest(interest, own, reader))
            found = groups[number] if splits else ()
            parts.append(tuple(_part(wholes[-1], group) for group in found))
        return IndexedProfile(tuple(wholes), tuple(parts), tuple(range(start, self._starts[reader + 1])))

    def views(self, views: Sequence[IndexedInterest], unwanted: Sequence[Sequence[int]]) -> Floats:
        """Every candidate's nearness (across) to every view (down), standardised over the day.

        `unwanted` are the documents that each reader of the chunk wants less of.
        """
        if not views:
            return np.zeros((0, len(self._lexicon.usual)), np.float32)
        shares, against = self._shares(views), self._against(views, unwanted)
        words = self._postings.similar(self._told(shares) @ self._rows)
        spoken = words > 0
        lessened = [place for place, view in enumerate(views) if unwanted[view.reader]]
        if lessened:
            words[lessened] -= NEGATIVE * self._postings.similar(against[lessened] @ self._rows)
        view = _standard(self._lexicon.smoothed((words - self._lexicon.usual).T).T)
        if self._meaning is None or self._space is None:
            return unstretched(np.where(spoken, view, np.minimum(view, 0)))  # no word in common: stays down
        meant = self._meant(self._meaning, views, shares, against)
        return unstretched(_standard(view + self._trust(views) * meant))

    def _trust(self, views: Sequence[IndexedInterest]) -> Floats:
        """What meaning counts beside words, which count 1, in each view (down): less, the more it says."""
        sizes = np.concatenate([outline.sizes for outline in self._outlines])
        said = np.array([sizes[list(view.documents)].sum() for view in views], np.float32)
        weight = self._space.weight if self._space else 0.0
        return np.asarray(weight / (1 + said / TELLING), np.float32)[:, None]

    @cached_property
    def _meaning(self) -> Floats | None:
        """How near every document of the chunk (down) is to every candidate (across), by the model."""
        vectors = [outline.vectors for outline in self._outlines if len(outline.sizes)]
        return self._space.similar(np.concatenate(vectors)) if self._space and vectors else None

    @staticmethod
    def _meant(
        meaning: Floats, views: Sequence[IndexedInterest], shares: sparse.csr_array, against: sparse.csr_array
    ) -> Floats:
        mean = _standard(np.asarray(shares @ meaning - NEGATIVE * (against @ meaning), np.float32))
        several = [place for place, view in enumerate(views) if len(view.documents) > 1]
        if several:
            near = np.array([nearest(meaning[list(views[place].documents)]) for place in several])
            mean[several] = _standard(mean[several] + NEAR * _standard(near))
        return mean

    def _shares(self, views: Sequence[IndexedInterest]) -> sparse.csr_array:
        """How much each document of the chunk counts in each view."""
        weights = [_weights(view.interest) for view in views]
        return self._table(weights, [view.documents for view in views])

    def _told(self, shares: sparse.csr_array) -> sparse.csr_array:
        """The same shares in words, where a document counts the more the less usual it is."""
        told = shares.data * self._telling[shares.indices]
        owner = np.repeat(np.arange(shares.shape[0]), np.diff(shares.indptr))
        whole = np.bincount(owner, told, shares.shape[0])
        values = (told / np.maximum(whole, 1e-9)[owner]).astype(np.float32)
        return sparse.csr_array((values, shares.indices, shares.indptr), shape=shares.shape)

    def _against(
        self, views: Sequence[IndexedInterest], unwanted: Sequence[Sequence[int]]
    ) -> sparse.csr_array:
        """How much each document of the chunk counts against each view."""
        theirs = [unwanted[view.reader] for view in views]
        return self._table([[1 / len(each) for _ in each] for each in theirs], theirs)

    def _table(self, weights: Sequence[Sequence[float]], places: Sequence[Sequence[int]]) -> sparse.csr_array:
        values = np.array([weight for row in weights for weight in row], np.float32)
        columns = np.array([place for row in places for place in row], np.intp)
        ends = np.cumsum([0, *map(len, places)])
        return sparse.csr_array((values, columns, ends), shape=(len(places), self._rows.shape[0]))


def _part(whole: IndexedInterest, group: Sequence[int]) -> IndexedInterest:
    return IndexedInterest(
        part(whole.interest, group), tuple(whole.documents[place] for place in group), whole.reader
    )


def _weights(interest: Interest) -> list[float]:
    weights = [document.weight for document in interest.documents]
    return [weight / max(sum(weights), 1e-9) for weight in weights]


def _standard(rows: Floats) -> Floats:
    """Each row with a mean of 0 and a spread of 1; a row that is the same throughout becomes 0."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.einsum("ij,ij->i", centred, centred) / max(rows.shape[1], 1))[:, None]
    return np.asarray(np.where(spread > 1e-9, centred / np.maximum(spread, 1e-9), 0), np.float32)
