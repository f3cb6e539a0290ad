"""Why is this paper near to this reader? Only what truly weighed: terms, the nearest liked paper, a name."""

from collections.abc import Iterator, Sequence

import numpy as np

from digest.model import Because, Paper, Profile, Reason
from digest.rank.authors import followed_author
from digest.rank.interests import Document, Interest
from digest.rank.lexical import Lexicon
from digest.rank.text import surfaces

MOST_TERMS = 3
LEAST_SHARE = 0.04  # of the whole nearness: a term below this did not decide anything
NEAR_ENOUGH = 3.0  # times as similar as two unrelated papers: then the liked paper is worth naming


class Evidence:
    """What the reasons of a day are drawn from."""

    def __init__(self, papers: Sequence[Paper], lexicon: Lexicon) -> None:
        self._papers, self._lexicon = papers, lexicon

    def reason(self, place: int, interest: Interest | None, profile: Profile) -> Reason:
        """The evidence for one paper, as data; compose puts it into words."""
        paper = self._papers[place]
        author = followed_author(paper.authors, profile.authors)
        category = next((each for each in paper.categories if each in profile.categories), "")
        terms = self._terms(place, interest.documents) if interest else ()
        liked = self._nearest(place, interest.documents) if interest else ""
        facet = interest.name if interest else ""
        because = _strongest(author=author, terms=terms, liked=liked, facet=facet, category=category)
        return Reason(
            because=because, terms=terms, liked_title=liked, author=author, category=category, facet=facet
        )

    def _terms(self, place: int, documents: Sequence[Document]) -> tuple[str, ...]:
        """The terms that weighed most, as the paper writes them; a pair of words stands for its words."""
        candidate = self._lexicon.candidates[[place]]
        weights = np.array([[document.weight for document in documents]], np.float32)
        wanted = weights @ self._lexicon.encode([document.terms() for document in documents]).toarray()
        weighed = candidate.data * wanted.ravel()[candidate.indices]
        order = sorted(np.flatnonzero(weighed > weighed.sum() * LEAST_SHARE), key=lambda at: -weighed[at])
        heaviest = [self._lexicon.names[candidate.indices[at]] for at in order]
        paper = self._papers[place]
        shown = surfaces(f"{paper.title}\n{paper.abstract}")
        return tuple(shown[term] for term in _without_parts(heaviest) if term in shown)[:MOST_TERMS]

    def _nearest(self, place: int, documents: Sequence[Document]) -> str:
        liked = [document for document in documents if document.title]
        if not liked:
            return ""
        rows = self._lexicon.encode([document.terms() for document in liked])
        near = (rows @ self._lexicon.candidates[[place]].T).toarray().ravel()
        best = int(near.argmax())
        return liked[best].title if near[best] > NEAR_ENOUGH * self._lexicon.usual[place] else ""


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
