"""Why is this paper near to this reader? Only what truly weighed: terms, the nearest liked paper, a name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from digest.model import Because, Paper, Profile, Reason
from digest.rank.authors import followed_author
from digest.rank.interests import Document, Interest
from digest.rank.lexical import Floats, Lexicon
from digest.rank.text import surfaces

MOST_TERMS = 3
LEAST_SHARE = 0.04  # of the whole nearness: a term below this did not decide anything
KEPT = 64  # interests
NEAR_ENOUGH = 3.0  # times as similar as two unrelated papers: then the liked paper is worth naming


class Evidence:
    """What the reasons of a day are drawn from."""

    def __init__(self, papers: Sequence[Paper], lexicon: Lexicon) -> None:
        self._papers, self._lexicon = papers, lexicon
        self._sights: dict[Interest, _Sight] = {}

    def reason(self, place: int, interest: Interest | None, profile: Profile) -> Reason:
        """The evidence for one paper, as data; compose puts it into words."""
        paper = self._papers[place]
        author = followed_author(paper.authors, profile.authors)
        category = next((each for each in paper.categories if each in profile.categories), "")
        sight = self._sight(interest) if interest else None
        terms = self._terms(place, sight) if sight else ()
        liked = self._nearest(place, sight) if sight else ""
        facet = interest.name if interest else ""
        because = _strongest(author=author, terms=terms, liked=liked, facet=facet, category=category)
        return Reason(
            because=because, terms=terms, liked_title=liked, author=author, category=category, facet=facet
        )

    def alike(self, places: Sequence[int]) -> Floats:
        """How alike these papers are, each to each, as cosines of their terms."""
        rows = self._lexicon.candidates[list(places)]
        near = np.asarray((rows @ rows.T).toarray(), np.float32)
        lengths = np.sqrt(np.maximum(near.diagonal(), np.float32(1e-9)))
        return np.asarray(near / np.outer(lengths, lengths), np.float32)

    def _sight(self, interest: Interest) -> "_Sight":
        """An interest in the day's terms; asked for paper after paper, so the last few are kept."""
        if interest not in self._sights:
            if len(self._sights) >= KEPT:
                self._sights.clear()
            self._sights[interest] = _seen(interest.documents, self._lexicon)
        return self._sights[interest]

    def _terms(self, place: int, sight: "_Sight") -> tuple[str, ...]:
        """The terms that weighed most, as the paper writes them; a pair of words stands for its words."""
        candidate = self._lexicon.candidates[[place]]
        weighed = candidate.data * sight.wanted[candidate.indices]
        order = sorted(np.flatnonzero(weighed > weighed.sum() * LEAST_SHARE), key=lambda at: -weighed[at])
        paper = self._papers[place]
        shown = surfaces(f"{paper.title}\n{paper.abstract}")
        heaviest = [self._lexicon.names[candidate.indices[at]] for at in order]
        told = _without_parts([term for term in heaviest if term in shown])
        return tuple(shown[term] for term in told)[:MOST_TERMS]

    def _nearest(self, place: int, sight: "_Sight") -> str:
        if not sight.titles:
            return ""
        near = (sight.liked @ self._lexicon.candidates[[place]].T).toarray().ravel()
        best = int(near.argmax())
        return sight.titles[best] if near[best] > NEAR_ENOUGH * self._lexicon.usual[place] else ""


@dataclass(frozen=True, slots=True)
class _Sight:
    wanted: Floats
    liked: sparse.csr_array
    titles: tuple[str, ...]


def _seen(documents: Sequence[Document], lexicon: Lexicon) -> _Sight:
    rows = lexicon.encode([document.terms() for document in documents])
    weights = np.array([document.weight for document in documents], np.float32)
    titled = [place for place, document in enumerate(documents) if document.title]
    titles = tuple(documents[place].title for place in titled)
    return _Sight(np.asarray(rows.T @ weights, np.float32), rows[titled], titles)


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
