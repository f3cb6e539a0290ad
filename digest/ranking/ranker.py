"""Ranker of a day's papers, built once per run and applied to readers in chunks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import islice, repeat

import numpy as np

from digest.models import Paper, Profile, Reason
from digest.ranking.array_types import Bools, Floats, Indices
from digest.ranking.bm25 import Corpus, TermWeights, count_terms
from digest.ranking.embeddings import EmbeddingModel, build_embedding_space
from digest.ranking.field_terms import load_field_terms
from digest.ranking.follow_boosts import AUTHOR_BOOST, CATEGORY_ONLY_BOOST, FollowBoosts
from digest.ranking.interest_groups import assign_quota, promote
from digest.ranking.muting import PhraseMatcher, to_searchable_text
from digest.ranking.profile_documents import Interest, build_disliked
from digest.ranking.profile_encoder import encode_profiles
from digest.ranking.profile_vectors import ProfileVectors
from digest.ranking.reasons import ReasonBuilder
from digest.ranking.score import (
    DEFAULT_CALIBRATION,
    MIN_PROBABILITY,
    Calibration,
    compute_relevance,
    compute_want,
)
from digest.ranking.shared_terms import InterestQuery
from digest.ranking.similarity import ProfileQueries, SimilarityMatrix
from digest.ranking.standardization import MAX_STRETCH, rescale_to_unjudged
from digest.ranking.term_index import PostingLists
from digest.ranking.topic_matching import TopicMatcher
from digest.ranking.topics import find_topics
from digest.ranking.wanted import Evidence, collect_evidence

FOLLOWED_PROBABILITY = 0.95  # that a paper by a followed author is wanted
MAX_NEAR_LIKED = 24  # papers for which a reader's liked ones are compared one by one
MAX_CHUNK_DOCUMENTS = 2_048  # documents compared at once: bounds the memory, whatever the number of readers


@dataclass(frozen=True, eq=False)
class Ranking:
    """The papers of the day ranked for one reader: arrays in the order of `papers`.

    Those that are the same for many readers are shared: none may be changed.
    """

    papers: Sequence[Paper]
    affinity: Floats  # standardized over the day: 0 is a usual paper, 3 stands out
    calibration: Calibration
    probability: Floats  # that the reader wants the paper, whatever else there is today: decides about picks
    evidence: Evidence | None  # None for a reader who typed nothing
    muted: Bools
    is_personal: bool  # False: the profile asks for nothing, affinity is 0 throughout
    queries: tuple[InterestQuery, ...]
    best_query: Indices  # the index in `queries` that each paper matches best
    reasons: ReasonBuilder
    similarity: SimilarityMatrix
    profile: Profile

    @cached_property
    def relevance(self) -> Floats:
        """The probability that each paper is worth showing, by its affinity. Few readers need it."""
        return compute_relevance(self.affinity, self.calibration)

    def prepare_reasons(self, indices: Sequence[int]) -> None:
        """Register papers whose reasons will be built: computed together they take far less time."""
        for index, query in zip(indices, self._get_best_queries(indices), strict=False):
            self.similarity.shared_terms.request(index, query)

    def build_reason(self, index: int, *, held_since: date | None = None) -> Reason:
        """Return the reason why this paper is near to this reader."""
        query = next(self._get_best_queries([index]), None)
        return self.reasons.build(
            index, query, self.similarity, self.profile, evidence=self.evidence, held_since=held_since
        )

    def is_near_liked(self, index: int) -> bool:
        """Return True if a paper is truly near to one that the reader liked."""
        query = next(self._get_best_queries([index]), None)
        return query is not None and self.reasons.is_near_liked(index, query, self.similarity)

    def get_interest_names(self, indices: Sequence[int]) -> list[str]:
        """Return the name of the interest or group that each paper matches best; empty if it has none."""
        return [query.interest.name for query in self._get_best_queries(indices)] or [""] * len(indices)

    def _get_best_queries(self, indices: Sequence[int]) -> Iterator[InterestQuery]:
        """Yield the best query of each paper; nothing for a reader without interests."""
        if len(self.queries) == 1:
            yield from repeat(self.queries[0], len(indices))
        elif self.queries:
            yield from (self.queries[number] for number in self.best_query[[*indices]].tolist())


class Ranker:
    """The papers of the day, ready to be compared with any number of readers.

    *background* are papers of earlier days, from which idf and the usual paper are estimated.
    """

    def __init__(  # noqa: PLR0913  independent inputs of a day, each by its name
        self,
        papers: Sequence[Paper],
        background: Sequence[Paper] = (),
        model: EmbeddingModel | None = None,
        *,
        split_interests: bool = True,
        term_counter: Callable[[str], TermWeights] = count_terms,
        calibration: Calibration = DEFAULT_CALIBRATION,
    ) -> None:
        self.papers = tuple(papers)
        self._texts = [_get_text(paper) for paper in papers]
        self._earlier = earlier = [_get_text(paper) for paper in background]
        self._corpus = Corpus(map(term_counter, self._texts), map(term_counter, earlier))
        self._space = (
            build_embedding_space(model, self._texts, earlier) if model and len(papers) > 1 else None
        )
        self._posting_lists = PostingLists(self._corpus)
        self._reasons = ReasonBuilder(self.papers, self._corpus)
        self._split_interests, self._calibration = split_interests, calibration
        self._follow_boosts = FollowBoosts(self.papers)
        self._indices_by_text: dict[str, list[int]] = {}  # a paper may come twice, under two ids
        for index, text in enumerate(self._texts):
            self._indices_by_text.setdefault(text, []).append(index)
        self._index_by_id = {paper.id: index for index, paper in enumerate(papers)}

    def rank(
        self, profiles: Sequence[Profile], vectors: Sequence[ProfileVectors | None] | None = None
    ) -> list[Ranking]:
        """Return the ranking for each of these profiles, in their order.

        *vectors* are what `encode_profiles` returned for them earlier; missing ones are computed.
        """
        stored = vectors or [None] * len(profiles)
        return [
            ranking
            for chunk in _split_chunks(profiles)
            for ranking in self._rank_chunk(profiles[chunk], stored[chunk])
        ]

    def encode_profiles(self, profiles: Sequence[Profile]) -> list[ProfileVectors]:
        """Return profiles as vectors, which stay valid until the profile, the model or the format changes."""
        return encode_profiles(profiles, self._corpus, self._space.encode if self._space else None)

    def _rank_chunk(
        self, profiles: Sequence[Profile], stored: Sequence[ProfileVectors | None]
    ) -> list[Ranking]:
        missing = [number for number, vectors in enumerate(stored) if vectors is None]
        encoded = dict(
            zip(missing, self.encode_profiles([profiles[number] for number in missing]), strict=True)
        )
        complete = [encoded.get(number) or vectors for number, vectors in enumerate(stored)]
        similarity = SimilarityMatrix(
            self._corpus, self._posting_lists, self._space, [vectors for vectors in complete if vectors]
        )
        readers = [
            similarity.build_queries(number, profile, split_interests=self._split_interests)
            for number, profile in enumerate(profiles)
        ]
        queries = [query for reader in readers for query in reader.queries]
        disliked = [reader.disliked for reader in readers]
        scores = iter(similarity.score_queries(queries, disliked) if self.papers else ())
        rankings = [
            self._build_ranking(
                profile, reader, [*islice(scores, len(reader.queries))], similarity, evidence=evidence
            )
            for profile, reader, evidence in zip(
                profiles, readers, self._collect_evidence(profiles), strict=True
            )
        ]
        near_liked = [(ranking, self._list_near_liked(ranking)) for ranking in rankings]
        for ranking, indices in near_liked:  # all of them before the first is answered
            ranking.prepare_reasons(indices)
        for ranking, indices in near_liked:
            if indices:
                _raise_near_liked(ranking, indices)
        return rankings

    def _build_ranking(
        self,
        profile: Profile,
        reader: ProfileQueries,
        scores: Sequence[Floats],
        similarity: SimilarityMatrix,
        *,
        evidence: Evidence | None,
    ) -> Ranking:
        interests = self._apply_quotas(reader, scores)
        affinity, best_query, queries = _merge_interests(interests, len(self.papers))
        affinity = rescale_to_unjudged(affinity, self._find_judged(profile))
        has_text = bool(interests) and _has_wanted_text(profile)
        affinity = self._add_follow_boosts(affinity, profile, has_text=has_text)
        affinity = self._put_liked_first(affinity, profile, [query.interest for query in reader.interests])
        return Ranking(
            papers=self.papers,
            affinity=affinity,
            calibration=self._calibration,
            probability=self._compute_probability(profile, affinity, evidence),
            evidence=evidence,
            muted=self._find_muted(profile),
            is_personal=bool(
                reader.interests or profile.authors or profile.categories or profile.affiliations
            ),
            queries=queries,
            best_query=best_query,
            reasons=self._reasons,
            similarity=similarity,
            profile=profile,
        )

    def _collect_evidence(self, profiles: Sequence[Profile]) -> Iterator[Evidence | None]:
        topics = [find_topics(profile) for profile in profiles]
        if not self.papers or not any(reader.groups for reader in topics):
            return repeat(None, len(profiles))
        return collect_evidence(self._topic_matcher, topics)

    def _compute_probability(self, profile: Profile, affinity: Floats, evidence: Evidence | None) -> Floats:
        """Return the probability that the reader wants each paper.

        Of what was typed where anything was: nearness to parts of it is no reason. Papers near to liked ones
        are raised by `_raise_near_liked`.
        """
        if evidence is None:
            return compute_want(compute_relevance(affinity, self._calibration))
        probability = evidence.probability
        if profile.authors:
            probability[self._follow_boosts.find_by_authors(profile.authors)] = FOLLOWED_PROBABILITY
        return probability

    def _list_near_liked(self, ranking: Ranking) -> list[int]:
        """Return the papers that may be wanted for a liked one although they are not for what was typed."""
        if ranking.evidence is None or not _has_liked(ranking.profile):
            return []
        want = compute_want(ranking.relevance)
        is_open = (want >= MIN_PROBABILITY) & (want > ranking.probability)
        if ranking.evidence.is_unwanted is not None:
            is_open &= ~ranking.evidence.is_unwanted
        indices = np.flatnonzero(is_open)
        nearest: list[int] = indices[np.lexsort((indices, -ranking.affinity[indices]))][
            :MAX_NEAR_LIKED
        ].tolist()
        return nearest

    def _apply_quotas(self, reader: ProfileQueries, scores: Sequence[Floats]) -> list["_InterestScores"]:
        """Return the scores for each interest, with the papers of its groups' quotas raised."""
        interests, group_scores = [], iter(scores[len(reader.interests) :])
        for query, groups, row in zip(reader.interests, reader.groups, scores, strict=False):
            quota = assign_quota(row, [*islice(group_scores, len(groups))]) if groups else {}
            if not quota:
                interests.append(_InterestScores(row, self._all_first, (query, *groups)))
                continue
            best = np.zeros(len(row), np.intp)
            best[list(quota)] = np.array(list(quota.values()), np.intp) + 1
            interests.append(_InterestScores(promote(row, list(quota)), best, (query, *groups)))
        return interests

    def _find_judged(self, profile: Profile) -> list[int]:
        """Return the indices of papers of the day that the reader liked or disliked, by id or by text."""
        in_facets = (paper for facet in profile.facets for paper in facet.liked)
        judged = (*profile.liked, *profile.disliked, *in_facets)
        by_id = {self._index_by_id[paper.paper_id] for paper in judged if paper.paper_id in self._index_by_id}
        by_text = (self._indices_by_text.get(f"{paper.title}\n{paper.abstract}", ()) for paper in judged)
        return sorted(by_id.union(*by_text))

    def _add_follow_boosts(self, affinity: Floats, profile: Profile, *, has_text: bool) -> Floats:
        if not (profile.authors or profile.affiliations or profile.categories):
            return affinity
        return affinity + self._follow_boosts.compute(profile, has_text=has_text)

    def _put_liked_first(self, affinity: Floats, profile: Profile, interests: Sequence[Interest]) -> Floats:
        """Give the papers that the reader liked the highest affinity there can be; changes *affinity*."""
        disliked = {document.text for document in build_disliked(profile)}
        liked = {document.text for interest in interests for document in interest.documents if document.title}
        indices = [index for text in liked - disliked for index in self._indices_by_text.get(text, ())]
        highest = MAX_STRETCH * np.sqrt(len(self.papers)) + AUTHOR_BOOST + CATEGORY_ONLY_BOOST
        np.minimum(affinity, highest, out=affinity)
        affinity[indices] = highest
        return affinity

    def _find_muted(self, profile: Profile) -> Bools:
        if not profile.muted:
            return self._none_muted
        return self._phrase_matcher.match_any(profile.muted)

    @cached_property
    def _all_first(self) -> Indices:
        return np.zeros(len(self.papers), np.intp)

    @cached_property
    def _none_muted(self) -> Bools:
        return np.zeros(len(self.papers), np.bool_)

    @cached_property
    def _topic_matcher(self) -> TopicMatcher:
        sentences = self._space if self._space and self._space.is_calibrated else None
        return TopicMatcher(self.papers, load_field_terms().learn_earlier(self._earlier), sentences)

    @cached_property
    def _phrase_matcher(self) -> PhraseMatcher:
        return PhraseMatcher([to_searchable_text(paper) for paper in self.papers])


@dataclass(frozen=True, slots=True)
class _InterestScores:
    """The scores of all papers for one interest."""

    scores: Floats
    best_query: Indices  # the index in `queries` that each paper is listed for
    queries: tuple[InterestQuery, ...]  # the interest, then its groups


def _has_wanted_text(profile: Profile) -> bool:
    """Return True if the profile asks for anything in words; disliked papers alone do not."""
    typed = profile.keywords or profile.text.strip() or profile.facets
    return bool(typed or profile.liked or any(weight > 0 for _, weight in profile.learnt))


def _has_liked(profile: Profile) -> bool:
    return bool(profile.liked or any(facet.liked for facet in profile.facets))


def _raise_near_liked(ranking: Ranking, indices: Sequence[int]) -> None:
    """Raise the probability of these papers where a liked paper is truly near; changes `probability`."""
    is_near = [ranking.is_near_liked(index) for index in indices]
    raised = np.array(indices, np.intp)[np.array(is_near, np.bool_)]
    ranking.probability[raised] = compute_want(ranking.relevance[raised])


def _merge_interests(
    interests: Sequence[_InterestScores], size: int
) -> tuple[Floats, Indices, tuple[InterestQuery, ...]]:
    """Return the best score of each paper over all interests, the query it comes from, and all queries."""
    if not interests:
        return np.zeros(size, np.float32), np.zeros(size, np.intp), ()
    if len(interests) == 1:
        return interests[0].scores.copy(), interests[0].best_query, interests[0].queries
    scores = np.array([interest.scores for interest in interests])
    best = scores.argmax(axis=0)
    starts = np.cumsum([0, *(len(interest.queries) for interest in interests)])
    query_numbers = np.array(
        [interest.best_query + start for interest, start in zip(interests, starts, strict=False)]
    )
    queries = tuple(query for interest in interests for query in interest.queries)
    return scores.max(axis=0), query_numbers[best, np.arange(size)], queries


def _split_chunks(profiles: Sequence[Profile]) -> Iterator[slice]:
    """Yield slices of readers with a bounded number of documents, so that memory does not grow with them."""
    start = size = 0
    for end, profile in enumerate(profiles, 1):
        size += len(profile.liked) + len(profile.disliked) + 3
        if size >= MAX_CHUNK_DOCUMENTS or end == len(profiles):
            yield slice(start, end)
            start, size = end, 0


def _get_text(paper: Paper) -> str:
    return f"{paper.title}\n{paper.abstract}"
