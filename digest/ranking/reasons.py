"""Reasons why a paper is near to a reader, from what contributed to its score.

These are terms, the most similar liked paper, a followed author or category, and the interest.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache, partial
from itertools import repeat

import numpy as np

from digest.models import Paper, Profile, Reason, ReasonKind
from digest.ranking.array_types import Bools, Indices
from digest.ranking.bm25 import Corpus
from digest.ranking.follow_boosts import find_followed_author
from digest.ranking.score import MIN_PROBABILITY
from digest.ranking.shared_terms import InterestQuery, Overlap, SharedTerms
from digest.ranking.tokenizer import get_surface_forms
from digest.ranking.wanted import TopicEvidence

MAX_TERMS = 3
MAX_REASONS = 4096  # kept at once
MIN_LIKED_RATIO = 3.0  # a liked paper is named if so many times as similar as an unrelated one


class PaperNames:
    """What the papers of a day call things. Many readers get the same papers for the same terms: cached."""

    def __init__(self, papers: Sequence[Paper], corpus: Corpus) -> None:
        self.papers, self._corpus = papers, corpus
        self.get_reason = lru_cache(maxsize=MAX_REASONS)(Reason)  # for thousands the same object
        # Not of bound methods: a cycle would keep the papers of a day until the next garbage collection.
        get_surfaces = lru_cache(maxsize=2048)(partial(_get_surfaces, papers))
        self.name_terms = lru_cache(maxsize=4096)(partial(_choose_terms, corpus.terms, get_surfaces))

    def name_liked(self, index: int, overlap: Overlap) -> str:
        """Return the title of the liked paper that the paper at *index* is truly near to, if there is one."""
        is_near = overlap.liked_similarity > MIN_LIKED_RATIO * self._corpus.expected_similarity[index]
        return overlap.liked_title if is_near else ""


class ReasonBuilder:
    """Builds reasons for a chunk of readers."""

    def __init__(self, names: PaperNames, shared_terms: SharedTerms) -> None:
        self._names, self._shared_terms = names, shared_terms
        self._by_topics: dict[tuple[int, ...] | None, Reason] = {}  # where nothing else decides

    def build(  # noqa: PLR0913  what is known of papers and readers, each by its name
        self,
        rows: Indices,
        indices: Indices,
        queries: Sequence[InterestQuery | None],
        profiles: Sequence[Profile],
        evidence: TopicEvidence | None,
        *,
        held_since: Sequence[date | None],
    ) -> list[Reason]:
        """Return the reason for each paper (*indices*) and reader (*rows*), given the query it matches best.

        *evidence* are the topics of readers who typed some: they are named in full where they explain one.
        """
        found = evidence.find_topics(rows, indices, MIN_PROBABILITY) if evidence else repeat(None)
        is_judged = evidence.is_judged if evidence else np.zeros(len(profiles), np.bool_)
        compared = (
            query if query and (query.has_liked or not judged) else None
            for query, judged in zip(queries, is_judged[rows].tolist(), strict=True)
        )
        overlaps = self._shared_terms.compare([*zip(indices.tolist(), compared, strict=True)])
        return [
            known
            if not (overlap or since) and (known := self._by_topics.get(numbers))
            else self._build(index, query, overlap, profiles[row], evidence, numbers, since)
            for row, index, query, overlap, numbers, since in zip(
                rows.tolist(), indices.tolist(), queries, overlaps, found, held_since, strict=False
            )
        ]

    def find_near_liked(self, indices: Indices, queries: Sequence[InterestQuery | None]) -> Bools:
        """Return which of these papers are truly near to a liked paper of their query."""
        overlaps = self._shared_terms.compare([*zip(indices.tolist(), queries, strict=True)])
        is_near = (
            overlap is not None and bool(self._names.name_liked(index, overlap))
            for index, overlap in zip(indices.tolist(), overlaps, strict=True)
        )
        return np.fromiter(is_near, np.bool_, len(indices))

    def _build(  # noqa: PLR0913, PLR0917  what is known of one paper and one reader
        self,
        index: int,
        query: InterestQuery | None,
        overlap: Overlap | None,
        profile: Profile,
        evidence: TopicEvidence | None,
        numbers: tuple[int, ...] | None,
        since: date | None,
    ) -> Reason:
        """Return one reason. *numbers* are those of topics, None for a reader who typed none."""
        paper = self._names.papers[index]
        author = find_followed_author(paper.authors, profile.authors) if profile.authors else ""
        followed = profile.categories
        category = next((name for name in paper.categories if name in followed), "") if followed else ""
        liked = self._names.name_liked(index, overlap) if overlap else ""
        facet = query.interest.name if query else ""
        if evidence and numbers is not None:
            topics = [*map(evidence.name_topic, numbers)]
            deciding_terms = terms = tuple(topic.name for topic in topics if topic.is_said)[:MAX_TERMS]
            if topics:
                facet = topics[0].facet if terms else topics[0].name
        else:
            terms = self._names.name_terms(index, overlap.terms) if overlap else ()
            deciding_terms = () if liked else terms  # that paper's title says more
        kind = _choose_kind(author=author, terms=deciding_terms, liked=liked, facet=facet, category=category)
        reason = self._names.get_reason(
            because=kind,
            terms=terms,
            liked_title=liked,
            author=author,
            category=category,
            facet=facet,
            held_since=since,
        )
        if numbers and not (overlap or since or profile.authors or profile.categories):
            self._by_topics[numbers] = reason
        return reason


def _choose_terms(
    names: Sequence[str],
    get_surfaces: Callable[[int], Mapping[str, str]],
    index: int,
    columns: tuple[int, ...],
) -> tuple[str, ...]:
    """Return the terms that contributed most, as the paper writes them."""
    surfaces = get_surfaces(index)
    terms = _prefer_pairs([term for column in columns if (term := names[column]) in surfaces])
    return tuple(dict.fromkeys(surfaces[term] for term in terms))[:MAX_TERMS]


def _get_surfaces(papers: Sequence[Paper], index: int) -> Mapping[str, str]:
    paper = papers[index]
    return get_surface_forms(f"{paper.title}\n{paper.abstract}")


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
