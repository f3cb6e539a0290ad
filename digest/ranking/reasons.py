"""Reasons why a paper is near to a reader, from what contributed to its score.

These are terms, the most similar liked paper, a followed author or category, and the interest.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache

import numpy as np

from digest.models import Paper, Profile, Reason, ReasonKind
from digest.ranking.array_types import Floats
from digest.ranking.bm25 import Corpus
from digest.ranking.follow_boosts import find_followed_author
from digest.ranking.shared_terms import InterestQuery, Overlap
from digest.ranking.similarity import SimilarityMatrix
from digest.ranking.tokenizer import extract_terms, get_surface_forms

MAX_TERMS = 3
MIN_LIKED_RATIO = 3.0  # a liked paper is named if so many times as similar as an unrelated one

TypedWords = tuple[tuple[str, ...], str]  # the keywords and the paragraph of a profile


class ReasonBuilder:
    """Builds the reasons for the papers of a day."""

    def __init__(self, papers: Sequence[Paper], corpus: Corpus) -> None:
        self._papers, self._corpus = papers, corpus
        # Cached, because many readers get the same papers, and many of them for the same terms.
        self._get_surfaces = lru_cache(maxsize=2048)(self._compute_surfaces)
        self._name_terms = lru_cache(maxsize=4096)(self._choose_terms)

    def build(
        self,
        index: int,
        query: InterestQuery | None,
        similarity: SimilarityMatrix,
        profile: Profile,
        *,
        held_since: date | None = None,
    ) -> Reason:
        """Return the reason for the paper at *index*, given the query that it matches best."""
        paper = self._papers[index]
        author = find_followed_author(paper.authors, profile.authors) if profile.authors else ""
        followed = profile.categories
        category = next((name for name in paper.categories if name in followed), "") if followed else ""
        overlap = similarity.shared_terms.get(index, query) if query else None
        terms = self._name_terms(index, overlap.terms, _get_typed_words(profile)) if overlap else ()
        liked = self._name_liked(index, overlap) if overlap else ""
        facet = query.interest.name if query else ""
        # Terms that only a liked paper brought in say less than that paper's title.
        deciding_terms = terms if not liked or _is_any_typed(terms, profile) else ()
        kind = _choose_kind(author=author, terms=deciding_terms, liked=liked, facet=facet, category=category)
        return Reason(
            because=kind,
            terms=terms,
            liked_title=liked,
            author=author,
            category=category,
            facet=facet,
            held_since=held_since,
        )

    def get_similarity(self, indices: Sequence[int]) -> Floats:
        """Return the cosines of these papers' term vectors with each other, 0 for a paper with itself."""
        rows = np.array(indices, np.intp)
        return self._corpus.candidate_similarity[rows[:, None], rows].astype(np.float32)

    def _choose_terms(self, index: int, columns: tuple[int, ...], typed: TypedWords) -> tuple[str, ...]:
        """Return the terms that contributed most, as the paper writes them or as the reader typed them."""
        names, surfaces = self._corpus.terms, self._get_surfaces(index)
        terms = _prefer_pairs([term for column in columns if (term := names[column]) in surfaces])
        named = [(term, surfaces[term]) for term in terms]
        return tuple(_complete_keywords(named, _map_keyword_parts(typed), surfaces)[:MAX_TERMS])

    def _compute_surfaces(self, index: int) -> Mapping[str, str]:
        paper = self._papers[index]
        return get_surface_forms(f"{paper.title}\n{paper.abstract}")

    def _name_liked(self, index: int, overlap: Overlap) -> str:
        is_near = overlap.liked_similarity > MIN_LIKED_RATIO * self._corpus.expected_similarity[index]
        return overlap.liked_title if is_near else ""


def _choose_kind(*, author: str, terms: tuple[str, ...], liked: str, facet: str, category: str) -> ReasonKind:
    if author:
        return ReasonKind.AUTHOR
    if terms:
        return ReasonKind.TERMS
    if liked:
        return ReasonKind.LIKED
    if facet:
        return ReasonKind.FACET
    return ReasonKind.CATEGORY if category else ReasonKind.NEW


def _prefer_pairs(terms: Sequence[str]) -> Iterator[str]:
    """Yield pairs instead of the words they consist of, without words that were yielded before."""
    pairs = {word: term for term in reversed(terms) if " " in term for word in term.split()}
    seen: set[str] = set()
    for term in terms:
        preferred = pairs.get(term, term)
        if not seen.intersection(preferred.split()):
            seen.update(preferred.split())
            yield preferred


def _get_typed_words(profile: Profile) -> TypedWords:
    """Return what the reader typed, including the keywords of facets."""
    if not profile.facets:
        return profile.keywords, profile.text
    return (*profile.keywords, *(word for facet in profile.facets for word in facet.keywords)), profile.text


@lru_cache(maxsize=4096)  # asked for every pick of a reader
def _map_keyword_parts(typed: TypedWords) -> Mapping[str, str]:
    """Return the words that were typed only inside a longer keyword, each with that keyword."""
    keywords, text = typed
    parts = {
        word: keyword
        for keyword in keywords
        if len(_split_words(keyword)) > 1
        for word in _split_words(keyword)
    }
    single = (keyword for keyword in keywords if len(_split_words(keyword)) == 1)
    typed_alone = {word for words in (*single, text) for word in _split_words(words)}
    return {word: keyword for word, keyword in parts.items() if word not in typed_alone}


def _complete_keywords(
    named: Sequence[tuple[str, str]], keyword_parts: Mapping[str, str], paper_terms: Container[str]
) -> list[str]:
    """Return the names of terms (pairs of term and surface), with keywords instead of their parts.

    A keyword is named if the paper holds all its words, even if not next to each other. A part of another
    keyword is named only if nothing else can be: “generated” is no reason to read a paper for somebody who
    typed “generated text”.
    """
    names = {
        keyword_parts.get(term, surface): term not in keyword_parts
        or all(word in paper_terms for word in _split_words(keyword_parts[term]))
        for term, surface in named
    }
    return [name for name, is_complete in names.items() if is_complete] or [surface for _, surface in named]


def _is_any_typed(terms: Sequence[str], profile: Profile) -> bool:
    """Return True if the reader typed any of these words."""
    typed = (*profile.keywords, profile.text, *(word for facet in profile.facets for word in facet.keywords))
    return bool(
        _collect_terms(typed).intersection(word for term in terms for word in _collect_terms((term,)))
    )


@lru_cache(maxsize=2048)  # asked for every pick of a reader
def _collect_terms(texts: tuple[str, ...]) -> frozenset[str]:
    return frozenset(term for text in texts for term in extract_terms(text))


@lru_cache(maxsize=4096)
def _split_words(text: str) -> tuple[str, ...]:
    return tuple(term for term in extract_terms(text) if " " not in term)
