"""Why is this paper near to this reader? Only what truly weighed: terms, the nearest liked paper, a name."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import islice

import numpy as np
from scipy import sparse

from digest.model import Because, Paper, Profile, Reason
from digest.rank.authors import followed_author
from digest.rank.lexical import Floats, Lexicon
from digest.rank.nearness import Nearness, View
from digest.rank.postings import Postings
from digest.rank.text import surfaces
from digest.rank.text import terms as found_in

MOST_TERMS = 3
LEAST_SHARE = 0.04  # of the whole nearness: a term below this did not decide anything
NEAR_ENOUGH = 3.0  # times as similar as two unrelated papers: then the liked paper is worth naming


class Evidence:
    """What the reasons of a day are drawn from."""

    def __init__(self, papers: Sequence[Paper], lexicon: Lexicon, postings: Postings) -> None:
        self._papers, self._lexicon, self._postings = papers, lexicon, postings
        self._shown = lru_cache(maxsize=2048)(self._surfaces)  # the same papers, to reader after reader

    def reason(
        self,
        place: int,
        view: View | None,
        near: Nearness,
        profile: Profile,
        *,
        held_since: date | None = None,
    ) -> Reason:
        """The evidence for one paper, as data; compose puts it into words."""
        paper = self._papers[place]
        author = followed_author(paper.authors, profile.authors) if profile.authors else ""
        followed = profile.categories
        category = next((each for each in paper.categories if each in followed), "") if followed else ""
        shared = _Shared(self._postings.candidates, place, near, view) if view else None
        terms = self._terms(place, shared) if shared else ()
        liked = self._nearest(place, shared) if shared else ""
        facet = view.interest.name if view else ""
        spoken = terms if not liked or _are_typed(terms, profile) else ()
        because = _strongest(author=author, terms=spoken, liked=liked, facet=facet, category=category)
        return Reason(
            because=because,
            terms=terms,
            liked_title=liked,
            author=author,
            category=category,
            facet=facet,
            held_since=held_since,
        )

    def alike(self, places: Sequence[int]) -> Floats:
        """How alike these papers are, each to each, as cosines of their terms."""
        return self._lexicon.alike[np.ix_(places, places)].astype(np.float32)

    def _terms(self, place: int, shared: "_Shared") -> tuple[str, ...]:
        """The terms that weighed most, as the paper writes them; a pair of words stands for its words."""
        weighed = shared.by_term
        telling = np.flatnonzero(weighed > weighed.sum() * LEAST_SHARE)
        order = telling[np.argsort(-weighed[telling], kind="stable")]
        names, shown = self._lexicon.names, self._shown(place)
        heaviest = (names[column] for column in shared.columns[order].tolist())
        told = _without_parts([term for term in heaviest if term in shown])
        return tuple(shown[term] for term in islice(told, MOST_TERMS))

    def _surfaces(self, place: int) -> Mapping[str, str]:
        paper = self._papers[place]
        return surfaces(f"{paper.title}\n{paper.abstract}")

    def _nearest(self, place: int, shared: "_Shared") -> str:
        titled = [each for each, document in enumerate(shared.documents) if document.title]
        if not titled:
            return ""
        best = max(titled, key=lambda each: shared.by_document[each])
        is_near = shared.by_document[best] > NEAR_ENOUGH * self._lexicon.usual[place]
        return shared.documents[best].title if is_near else ""


class _Shared:
    """What a paper has in common with the documents of an interest: term by term, document by document."""

    def __init__(self, candidates: sparse.csr_array, place: int, near: Nearness, view: View) -> None:
        self.documents = view.interest.documents
        span = slice(*candidates.indptr[place : place + 2])
        self.columns = candidates.indices[span]
        told = near.told(view)
        at = near.positions(self.columns)[told.columns]
        common = at >= 0
        at, owner = at[common], told.owner[common]
        products = told.values[common] * candidates.data[span][at]
        self.by_document = np.bincount(owner, products, len(view.documents))
        self.by_term = np.bincount(at, products * told.weights[owner], len(self.columns))


def _are_typed(told: Sequence[str], profile: Profile) -> bool:
    """Whether the reader asked for any of these words: if not, the paper they come from says more."""
    asked = (*profile.keywords, profile.text, *(word for facet in profile.facets for word in facet.keywords))
    return bool(_words_of(asked).intersection(word for term in told for word in _words_of((term,))))


@lru_cache(maxsize=2048)  # a reader's words are asked about pick after pick
def _words_of(texts: tuple[str, ...]) -> frozenset[str]:
    return frozenset(word for text in texts for word in found_in(text))


def _without_parts(terms: Sequence[str]) -> Iterator[str]:
    """Pairs instead of the words they hold, words already told left out."""
    pairs = {word: term for term in reversed(terms) if " " in term for word in term.split()}
    told: set[str] = set()
    for term in terms:
        better = pairs.get(term, term)
        if not told.intersection(better.split()):
            told.update(better.split())
            yield better


def _strongest(*, author: str, terms: tuple[str, ...], liked: str, facet: str, category: str) -> Because:
    kinds = (
        (author, Because.AUTHOR),
        (terms, Because.TERMS),
        (liked, Because.LIKED),
        (facet, Because.FACET),
        (category, Because.CATEGORY),
    )
    return next((because for given, because in kinds if given), Because.NEW)
