"""Why is this paper near to this reader? Only what truly weighed: terms, the nearest liked paper, a name."""

from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache

import numpy as np

from digest.models import Paper, Profile, Reason, ReasonKind
from digest.ranking.bm25 import Floats, Lexicon
from digest.ranking.followed import followed_author
from digest.ranking.shared_terms import Common, IndexedInterest
from digest.ranking.similarity import SimilarityMatrix
from digest.ranking.tokenizer import surfaces, terms
from digest.ranking.tokenizer import terms as found_in

Told = Sequence[tuple[str, str]]  # terms, and how the paper writes them
Typed = tuple[tuple[str, ...], str]  # keywords, and a text in words of their own


def typed_by(profile: Profile) -> Typed:
    """What a reader typed: the keywords of their facets too."""
    if not profile.facets:
        return profile.keywords, profile.text
    return (*profile.keywords, *(word for facet in profile.facets for word in facet.keywords)), profile.text


@lru_cache(maxsize=4096)  # a reader's words are asked about pick after pick
def fragments(typed: Typed) -> Mapping[str, str]:
    """The words that were typed only inside a longer keyword, each with that keyword."""
    keywords, text = typed
    inside = {word: keyword for keyword in keywords if len(_words(keyword)) > 1 for word in _words(keyword)}
    single = (keyword for keyword in keywords if len(_words(keyword)) == 1)
    alone = {word for said in (*single, text) for word in _words(said)}
    return {word: keyword for word, keyword in inside.items() if word not in alone}


def in_full(told: Told, parts: Mapping[str, str], seen: Container[str]) -> list[str]:
    """What to name of the terms that weighed, with keywords instead of their parts.

    A keyword is named where the paper holds all its words (`seen`), if not as neighbours. A part of one
    that is not there is named only where nothing else can be: “generated” is no reason to read a paper
    for somebody who typed “generated text”.
    """
    named = {parts.get(term, shown): term not in parts or _holds(seen, parts[term]) for term, shown in told}
    return [name for name, is_whole in named.items() if is_whole] or [shown for _, shown in told]


def _holds(seen: Container[str], keyword: str) -> bool:
    return all(word in seen for word in _words(keyword))


@lru_cache(maxsize=4096)
def _words(text: str) -> tuple[str, ...]:
    return tuple(term for term in terms(text) if " " not in term)


MOST_TERMS = 3
NEAR_ENOUGH = 3.0  # times as similar as two unrelated papers: then the liked paper is worth naming


class Evidence:
    """What the reasons of a day are drawn from."""

    def __init__(self, papers: Sequence[Paper], lexicon: Lexicon) -> None:
        self._papers, self._lexicon = papers, lexicon
        # The same papers, to reader after reader, and to many of them for the same words.
        self._shown = lru_cache(maxsize=2048)(self._surfaces)
        self._terms = lru_cache(maxsize=4096)(self._spoken)

    def reason(
        self,
        place: int,
        view: IndexedInterest | None,
        near: SimilarityMatrix,
        profile: Profile,
        *,
        held_since: date | None = None,
    ) -> Reason:
        """The evidence for one paper, as data; compose puts it into words."""
        paper = self._papers[place]
        author = followed_author(paper.authors, profile.authors) if profile.authors else ""
        followed = profile.categories
        category = next((each for each in paper.categories if each in followed), "") if followed else ""
        common = near.commons.of(place, view) if view else None
        terms = self._terms(place, common.terms, typed_by(profile)) if common else ()
        liked = self._liked(place, common) if common else ""
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
        at = np.array(places, np.intp)
        return self._lexicon.alike[at[:, None], at].astype(np.float32)

    def _spoken(self, place: int, columns: tuple[int, ...], typed: Typed) -> tuple[str, ...]:
        """The terms that weighed most, as the paper writes them or as the reader typed them.

        A pair of words stands for its words.
        """
        names, shown = self._lexicon.names, self._shown(place)
        told = _without_parts([term for column in columns if (term := names[column]) in shown])
        return tuple(in_full([(term, shown[term]) for term in told], fragments(typed), shown)[:MOST_TERMS])

    def _surfaces(self, place: int) -> Mapping[str, str]:
        paper = self._papers[place]
        return surfaces(f"{paper.title}\n{paper.abstract}")

    def _liked(self, place: int, common: Common) -> str:
        is_near = common.likeness > NEAR_ENOUGH * self._lexicon.usual[place]
        return common.liked if is_near else ""


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


def _strongest(*, author: str, terms: tuple[str, ...], liked: str, facet: str, category: str) -> ReasonKind:
    if author:
        return ReasonKind.AUTHOR
    if terms:
        return ReasonKind.TERMS
    if liked:
        return ReasonKind.LIKED
    if facet:
        return ReasonKind.FACET
    return ReasonKind.CATEGORY if category else ReasonKind.NEW
