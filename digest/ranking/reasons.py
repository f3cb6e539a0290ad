"""Reasons why a paper is near to a reader, from what contributed to its score.

These are terms, the most similar liked paper, a followed author or category, and the interest.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache

from digest.models import Paper, Profile, Reason, ReasonKind
from digest.ranking.array_types import Floats
from digest.ranking.bm25 import Corpus
from digest.ranking.follow_boosts import find_followed_author
from digest.ranking.score import MIN_PROBABILITY
from digest.ranking.shared_terms import InterestQuery, Overlap
from digest.ranking.similarity import SimilarityMatrix
from digest.ranking.tokenizer import get_surface_forms
from digest.ranking.wanted import Evidence

MAX_TERMS = 3
MIN_LIKED_RATIO = 3.0  # a liked paper is named if so many times as similar as an unrelated one


class ReasonBuilder:
    """Builds the reasons for the papers of a day."""

    def __init__(self, papers: Sequence[Paper], corpus: Corpus) -> None:
        self._papers, self._corpus = papers, corpus
        # Cached, because many readers get the same papers, and many of them for the same terms.
        self._get_surfaces = lru_cache(maxsize=2048)(self._compute_surfaces)
        self._name_terms = lru_cache(maxsize=4096)(self._choose_terms)

    def build(  # noqa: PLR0913  what is known of the paper and of the reader, each by its name
        self,
        index: int,
        query: InterestQuery | None,
        similarity: SimilarityMatrix,
        profile: Profile,
        *,
        evidence: Evidence | None = None,
        held_since: date | None = None,
    ) -> Reason:
        """Return the reason for the paper at *index*, given the query that it matches best.

        *evidence* are the topics of a reader who typed some: they are named in full where they explain it.
        """
        paper = self._papers[index]
        author = find_followed_author(paper.authors, profile.authors) if profile.authors else ""
        followed = profile.categories
        category = next((name for name in paper.categories if name in followed), "") if followed else ""
        is_compared = query is not None and (evidence is None or _has_liked(query))
        overlap = similarity.shared_terms.get(index, query) if query and is_compared else None
        liked = self._name_liked(index, overlap) if overlap else ""
        facet = query.interest.name if query else ""
        if evidence:
            topics = evidence.name_topics(index, MIN_PROBABILITY)
            deciding_terms = terms = tuple(topic.name for topic in topics if topic.is_said)[:MAX_TERMS]
            if topics:
                facet = topics[0].facet if terms else topics[0].name
        else:
            terms = self._name_terms(index, overlap.terms) if overlap else ()
            deciding_terms = () if liked else terms  # that paper's title says more
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

    def is_near_liked(self, index: int, query: InterestQuery, similarity: SimilarityMatrix) -> bool:
        """Return True if the paper at *index* is truly near to a liked paper of the query."""
        return bool(self._name_liked(index, similarity.shared_terms.get(index, query)))

    def get_similarity(self, indices: Sequence[int]) -> Floats:
        """Return the cosines of these papers' term vectors with each other, 0 for a paper with itself."""
        return self._corpus.compare_candidates(indices)

    def _choose_terms(self, index: int, columns: tuple[int, ...]) -> tuple[str, ...]:
        """Return the terms that contributed most, as the paper writes them."""
        names, surfaces = self._corpus.terms, self._get_surfaces(index)
        terms = _prefer_pairs([term for column in columns if (term := names[column]) in surfaces])
        return tuple(dict.fromkeys(surfaces[term] for term in terms))[:MAX_TERMS]

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


def _has_liked(query: InterestQuery) -> bool:
    return any(document.title for document in query.interest.documents)
