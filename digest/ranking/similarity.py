"""Similarity of all candidates to the interests of a chunk of readers, by terms and by embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from digest.models import Profile
from digest.ranking.array_types import Floats
from digest.ranking.bm25 import Corpus
from digest.ranking.embeddings import NEAREST_WEIGHT, EmbeddingSpace, average_nearest
from digest.ranking.interest_groups import build_group_interest
from digest.ranking.profile_documents import Interest, build_interests
from digest.ranking.profile_vectors import ProfileVectors
from digest.ranking.shared_terms import InterestQuery, SharedTerms
from digest.ranking.sparse_rows import SparseRows
from digest.ranking.standardization import limit_outliers
from digest.ranking.term_index import TermIndex

DISLIKED_WEIGHT = 0.25  # of disliked documents, relative to wanted ones
# Standard deviation, over usual papers, of their similarity to one liked paper: by terms, and by embeddings
# of width 1. That of the mean of n liked papers is smaller by the factor n to the power SPREAD_POWER.
# Measured on the library readers of the benchmark (3, 10 and 30 papers, static table).
TERM_SPREAD, EMBEDDING_SPREAD, SPREAD_POWER = 0.0147, 1.12, 0.22
HALF_WEIGHT_TERMS = 300  # different terms in a query at which embeddings count half: few terms need them more


@dataclass(frozen=True, slots=True)
class ProfileQueries:
    """The queries of one reader."""

    interests: tuple[InterestQuery, ...]
    groups: tuple[tuple[InterestQuery, ...], ...]  # of each interest; empty for one that is not split
    disliked: tuple[int, ...]  # documents
    only: InterestQuery | None  # if there is one and no other


class SimilarityMatrix:
    """The candidates of the day compared with the profiles of a chunk of readers."""

    def __init__(
        self,
        corpus: Corpus,
        term_index: TermIndex,
        space: EmbeddingSpace | None,
        profiles: Sequence[ProfileVectors],
    ) -> None:
        self._corpus, self._space = corpus, space
        self._rows = term_index.build_rows(profiles)
        self._profiles = profiles
        self._specificity = corpus.compute_specificity(self._rows)
        self.shared_terms = SharedTerms(corpus, self._rows, self._specificity)
        self._starts = np.cumsum([0, *(len(profile.term_counts) for profile in profiles)]).tolist()

    def build_queries(self, reader: int, profile: Profile, *, split_interests: bool) -> ProfileQueries:
        """Return the queries of the reader with this index in the chunk."""
        interests, groups, start = [], [], self._starts[reader]
        groups_by_interest = self._profiles[reader].groups
        for number, interest in enumerate(build_interests(profile)):
            documents = tuple(range(start, start := start + len(interest.documents)))
            has_liked = any(document.title for document in interest.documents)
            query = InterestQuery(interest, documents, reader, has_liked)
            interests.append(query)
            members = groups_by_interest[number] if split_interests else ()
            groups.append(tuple(_build_group_query(query, group) for group in members))
        disliked = tuple(range(start, self._starts[reader + 1]))
        only = interests[0] if len(interests) == 1 and not groups[0] else None
        return ProfileQueries(tuple(interests), tuple(groups), disliked, only)

    def score_queries(
        self,
        queries: Sequence[InterestQuery],
        disliked: Sequence[Sequence[int]],
        measured: Sequence[int] = (),
    ) -> tuple[Floats, Floats]:
        """Return the similarity of each candidate (a column) to each query (a row), each row standardized.

        And the same for the *measured* queries in standard deviations of usual papers, not of the day's.
        *disliked* holds the disliked documents of each reader of the chunk.
        """
        if not queries:
            return (np.zeros((0, len(self._corpus.expected_similarity)), np.float32),) * 2
        weights, against = self._weigh_documents(queries), self._weigh_disliked(queries, disliked)
        similarity = self._corpus.compute_similarity(self._weigh_by_specificity(weights).combine(self._rows))
        shares_term = similarity > 0
        with_disliked = [number for number, query in enumerate(queries) if disliked[query.reader]]
        if with_disliked:
            unwanted = self._corpus.compute_similarity(against.take(with_disliked).combine(self._rows))
            similarity[with_disliked] -= DISLIKED_WEIGHT * unwanted
        centred = similarity - self._corpus.expected_similarity
        by_terms = self._corpus.smooth(centred.T).T
        rows = [*measured]
        spread = self._compute_usual_spread(weights)[rows]
        scores = _standardize(by_terms)
        nearness = (by_terms[rows] + self._corpus.usual_offset) / (TERM_SPREAD * spread)
        if self._embedding_similarity is None or self._space is None:
            # Neighbours must not lift a paper without a term in common above the usual paper.
            nearness = np.where(shares_term[rows], nearness, np.minimum(nearness, 0))
            return limit_outliers(np.where(shares_term, scores, np.minimum(scores, 0))), nearness
        similarity = weights @ self._embedding_similarity
        similarity -= DISLIKED_WEIGHT * (against @ self._embedding_similarity)
        by_embedding = self._score_embeddings(similarity, self._embedding_similarity, queries)
        weight = self._weigh_embeddings(queries)
        usual = EMBEDDING_SPREAD / np.sqrt(self._space.candidates.shape[1]) * spread
        nearness = (nearness + weight[rows] * similarity[rows] / usual) / (1 + weight[rows])
        scores = limit_outliers(_standardize(scores + weight * by_embedding))
        return scores, np.asarray(nearness, np.float32)

    def find_topics(self, queries: Sequence[InterestQuery]) -> Floats:
        """Return the mean latent topics of each query's documents."""
        return np.asarray(self._weigh_documents(queries) @ self._topics, np.float32)

    @staticmethod
    def _compute_usual_spread(weights: SparseRows) -> Floats:
        """Return the spread of each query's similarity (a row) for that of a single document."""
        return weights.sum_entries(np.square(weights.values)).reshape(-1, 1) ** np.float32(SPREAD_POWER)

    def _weigh_embeddings(self, queries: Sequence[InterestQuery]) -> Floats:
        """Return the weight of embeddings relative to terms, by query (a row): less the more terms it has."""
        term_counts = np.concatenate([profile.term_counts for profile in self._profiles])
        counts = np.array([term_counts[list(query.documents)].sum() for query in queries], np.float32)
        weight = self._space.weight if self._space else 0.0
        return np.asarray(weight / (1 + counts / HALF_WEIGHT_TERMS), np.float32)[:, None]

    @cached_property
    def _topics(self) -> Floats:
        """The latent topics of each document."""
        return np.concatenate([profile.topics for profile in self._profiles if len(profile.term_counts)])

    @cached_property
    def _embedding_similarity(self) -> Floats | None:
        """The similarity of each document (a row) to each candidate (a column); None without a model."""
        embeddings = [profile.embeddings for profile in self._profiles if len(profile.term_counts)]
        if not self._space or not embeddings:
            return None
        return self._space.compute_similarity(np.concatenate(embeddings))

    @staticmethod
    def _score_embeddings(mean: Floats, similarity: Floats, queries: Sequence[InterestQuery]) -> Floats:
        """Return standard scores of queries, from the mean over documents and the *similarity* to each."""
        scores = _standardize(mean)
        several = [number for number, query in enumerate(queries) if len(query.documents) > 1]
        if several:
            nearest = [average_nearest(similarity[list(queries[number].documents)]) for number in several]
            scores[several] = _standardize(scores[several] + NEAREST_WEIGHT * _standardize(np.array(nearest)))
        return scores

    def _weigh_documents(self, queries: Sequence[InterestQuery]) -> SparseRows:
        """Return the weight of each document of the chunk (a column) in each query (a row)."""
        weights = [_normalize_weights(query.interest) for query in queries]
        return self._build_matrix(weights, [query.documents for query in queries])

    def _weigh_by_specificity(self, weights: SparseRows) -> SparseRows:
        """Return the weights for comparing terms, where a document counts more the more specific it is."""
        specific = weights.values * self._specificity[weights.columns]
        total = weights.sum_entries(specific)
        return weights.replace_values(specific / np.maximum(total, 1e-9)[weights.owners])

    def _weigh_disliked(
        self, queries: Sequence[InterestQuery], disliked: Sequence[Sequence[int]]
    ) -> SparseRows:
        """Return the weight of each document of the chunk (a column) against each query (a row)."""
        documents = [disliked[query.reader] for query in queries]
        return self._build_matrix([[1 / len(row) for _ in row] for row in documents], documents)

    def _build_matrix(
        self, weights: Sequence[Sequence[float]], documents: Sequence[Sequence[int]]
    ) -> SparseRows:
        values = np.array([weight for row in weights for weight in row], np.float32)
        columns = np.array([document for row in documents for document in row], np.int32)
        ends = np.cumsum([0, *map(len, documents)])
        return SparseRows(values, columns, ends, len(self._rows))


def _build_group_query(query: InterestQuery, group: Sequence[int]) -> InterestQuery:
    documents = tuple(query.documents[number] for number in group)
    return InterestQuery(build_group_interest(query.interest, group), documents, query.reader, has_liked=True)


def _normalize_weights(interest: Interest) -> list[float]:
    total = max(sum(document.weight for document in interest.documents), 1e-9)
    return [document.weight / total for document in interest.documents]


def _standardize(rows: Floats) -> Floats:
    """Return each row with mean 0 and standard deviation 1; a constant row becomes 0."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.einsum("ij,ij->i", centred, centred) / max(rows.shape[1], 1))[:, None]
    return np.asarray(np.where(spread > 1e-9, centred / np.maximum(spread, 1e-9), 0), np.float32)
