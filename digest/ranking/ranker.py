"""Ranker of a day's papers, built once per run and applied to readers in chunks."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import accumulate, islice
from operator import attrgetter

import numpy as np

from digest.models import Paper, Profile, Reason
from digest.ranking.array_types import Bools, Floats, Indices
from digest.ranking.bm25 import Corpus, TermWeights, count_terms
from digest.ranking.embeddings import EmbeddingModel, build_embedding_space
from digest.ranking.field_terms import load_field_terms
from digest.ranking.follow_boosts import AUTHOR_BOOST, CATEGORY_ONLY_BOOST, FollowBoosts
from digest.ranking.interest_groups import assign_quota, promote
from digest.ranking.muting import PhraseMatcher, to_searchable_text
from digest.ranking.neighbours import Neighbours, compute_keys
from digest.ranking.profile_documents import has_liked
from digest.ranking.profile_encoder import encode_profiles
from digest.ranking.profile_vectors import ProfileVectors
from digest.ranking.reasons import PaperNames, ReasonBuilder
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
from digest.ranking.term_index import TermIndex
from digest.ranking.topic_matching import TopicMatcher
from digest.ranking.topics import find_topics
from digest.ranking.wanted import Evidence, TopicEvidence
from digest.ranking.wanted_by_liked import LikedEvidence

FOLLOWED_PROBABILITY = 0.95  # that a paper is wanted which is by a followed author, or was liked
MAX_NEAR_LIKED = 24  # papers for which a reader's liked ones are compared one by one
MAX_CHUNK_DOCUMENTS = 2_048  # documents compared at once: bounds the memory, whatever the number of readers
MAX_CHUNK_CELLS = 500_000  # pairs of reader and paper: for the same
RANKED_FIELDS = ("id", "title", "abstract", "authors", "categories", "keywords", "organization")
get_ranked_content = attrgetter(*RANKED_FIELDS)  # all that a ranker reads of a paper


@dataclass(frozen=True, eq=False, kw_only=True)
class Rankings:
    """The papers of the day ranked for a chunk of readers: a row for each reader, a column for each paper."""

    papers: Sequence[Paper]
    profiles: Sequence[Profile]
    affinity: Floats  # standardized over the day: 0 is a usual paper, 3 stands out
    probability: Floats  # that the reader wants the paper, whatever else there is today: decides about picks
    preference: Floats  # what papers are ordered by: the probability for who typed topics, else the relevance
    muted: Bools
    is_personal: Bools  # by reader; False: the profile asks for nothing, affinity is 0 throughout
    is_judged: Bools  # by reader: they typed topics, and these decide what is wanted
    calibration: Calibration
    queries: "ChunkQueries"
    evidence: TopicEvidence | None  # None if none of the readers typed anything
    liked: LikedEvidence
    reasons: ReasonBuilder
    corpus: Corpus

    def __len__(self) -> int:
        """Return the number of readers."""
        return len(self.profiles)

    def __iter__(self) -> Iterator["Ranking"]:
        """Yield the ranking of each reader."""
        for row in range(len(self)):
            yield Ranking(
                chunk=self,
                row=row,
                papers=self.papers,
                affinity=self.affinity[row],
                probability=self.probability[row],
                muted=self.muted[row],
                is_personal=bool(self.is_personal[row]),
            )

    def build_reasons(
        self, rows: Indices, indices: Indices, held_since: Sequence[date | None]
    ) -> list[Reason]:
        """Return the reason why each of these papers (*indices*) is near to the reader of the same place."""
        queries = self.queries.find_best(rows.tolist(), indices.tolist())
        return self.reasons.build(rows, indices, queries, self.profiles, self.evidence, held_since=held_since)

    def get_interest_names(self, row: int, indices: Sequence[int]) -> list[str]:
        """Return the name of the interest or group that each paper matches best; empty if it has none."""
        queries = self.queries.find_best([row] * len(indices), indices)
        return [query.interest.name if query else "" for query in queries]


@dataclass(frozen=True, eq=False, kw_only=True)
class Ranking:
    """The papers of the day ranked for one reader: a row of `Rankings`. None of the arrays may be changed."""

    chunk: Rankings
    row: int
    papers: Sequence[Paper]
    affinity: Floats
    probability: Floats
    muted: Bools
    is_personal: bool

    @property
    def relevance(self) -> Floats:
        """The probability that each paper is worth showing, by its affinity."""
        return compute_relevance(self.affinity, self.chunk.calibration)

    @property
    def evidence(self) -> Evidence | None:
        """What the reader typed compared with the papers; None if that is nothing."""
        return self.chunk.evidence.get_reader(self.row) if self.chunk.evidence else None

    def build_reasons(self, indices: Sequence[int]) -> list[Reason]:
        """Return the reason why each of these papers is near to this reader."""
        papers = np.array(indices, np.intp)
        return self.chunk.build_reasons(np.full(len(papers), self.row), papers, [None] * len(papers))

    def build_reason(self, index: int) -> Reason:
        """Return the reason why this paper is near to this reader."""
        return self.build_reasons([index])[0]


@dataclass(frozen=True, slots=True, eq=False)
class ChunkQueries:
    """The interests of a chunk of readers, and their scores with which readers' affinities were made."""

    readers: Sequence[ProfileQueries]
    starts: Sequence[int]  # the row of each reader's first interest in `scores`
    scores: Floats  # of each paper (a column) for each interest (a row), quotas raised
    quotas: Mapping[int, Mapping[int, int]]  # by row of a split interest: group by paper

    def find_best(self, rows: Iterable[int], indices: Iterable[int]) -> list[InterestQuery | None]:
        """Return the interest or group that each paper is listed for; None for a reader without interests."""
        return [
            self.readers[row].only or self._find_best(row, index)
            for row, index in zip(rows, indices, strict=True)
        ]

    def _find_best(self, row: int, index: int) -> InterestQuery | None:
        own = self.readers[row]
        if not own.interests:
            return None
        start = self.starts[row]
        number = int(self.scores[start : start + len(own.interests), index].argmax())
        group = self.quotas[start + number].get(index) if start + number in self.quotas else None
        return own.interests[number] if group is None else own.groups[number][group]


class Ranker:
    """The papers of the day, ready to be compared with any number of readers.

    *background* are papers of earlier days, from which idf and the usual paper are estimated. *known* are the
    neighbours that an earlier ranker found: they save time where there are more than ANEW_UP_TO papers.
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
        known: Neighbours | None = None,
    ) -> None:
        self.papers = tuple(papers)
        self._texts = [_get_text(paper) for paper in papers]
        self._earlier = earlier = [_get_text(paper) for paper in background]
        self._corpus = Corpus(
            map(term_counter, self._texts),
            map(term_counter, earlier),
            keys=compute_keys(self._texts),
            known=known,
        )
        # The nearest others of each paper, for the next ranker; None where they are quickly found.
        self.neighbours = self._corpus.neighbours
        self._space = (
            build_embedding_space(model, self._texts, earlier) if model and len(papers) > 1 else None
        )
        self._term_index = TermIndex(self._corpus)
        self._paper_names = PaperNames(self.papers, self._corpus)
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
        return [ranking for chunk in self.rank_chunks(profiles, vectors) for ranking in chunk]

    def rank_chunks(
        self, profiles: Sequence[Profile], vectors: Sequence[ProfileVectors | None] | None = None
    ) -> Iterator[Rankings]:
        """Yield the same in chunks of as many readers as are compared at once."""
        stored = vectors or [None] * len(profiles)
        for chunk in _split_chunks(profiles, MAX_CHUNK_CELLS // max(1, len(self.papers))):
            yield self._rank_chunk(profiles[chunk], stored[chunk])

    def encode_profiles(self, profiles: Sequence[Profile]) -> list[ProfileVectors]:
        """Return profiles as vectors, which stay valid until the profile, the model or the format changes."""
        return encode_profiles(profiles, self._corpus, self._space.encode if self._space else None)

    def _rank_chunk(self, profiles: Sequence[Profile], stored: Sequence[ProfileVectors | None]) -> Rankings:
        missing = [number for number, vectors in enumerate(stored) if vectors is None]
        encoded = dict(
            zip(missing, self.encode_profiles([profiles[number] for number in missing]), strict=True)
        )
        complete = [encoded.get(number) or vectors for number, vectors in enumerate(stored)]
        similarity = SimilarityMatrix(
            self._corpus, self._term_index, self._space, [vectors for vectors in complete if vectors]
        )
        evidence = self._collect_evidence(profiles)
        is_judged = evidence.is_judged if evidence else np.zeros(len(profiles), np.bool_)
        is_measured = ~is_judged | np.array([*map(has_liked, profiles)], np.bool_)
        queries, liked = self._score_interests(profiles, similarity, is_measured)
        given = {row: found for row, reader in enumerate(profiles) if (found := self._find_liked(reader))}
        affinity = self._compute_affinity(profiles, queries, given)
        relevance = compute_relevance(affinity[~is_judged], self._calibration)
        probability = evidence.probability if evidence else np.zeros_like(affinity)
        probability[~is_judged] = compute_want(relevance)  # of those who follow somebody and no more
        by_liked = np.flatnonzero(~is_judged[liked.readers])
        probability[liked.readers[by_liked]] = liked.probability[by_liked]
        self._rule_out(probability, profiles, np.flatnonzero(~is_judged))
        self._raise_followed(probability, profiles, given)
        reasons = ReasonBuilder(self._paper_names, similarity.shared_terms)
        if evidence:
            self._raise_near_liked(probability, affinity, evidence, liked, queries, reasons)
        preference = probability
        if len(relevance):
            preference = probability.copy()
            preference[~is_judged] = relevance
        return Rankings(
            papers=self.papers,
            profiles=profiles,
            affinity=affinity,
            probability=probability,
            preference=preference,
            muted=self._find_muted(profiles),
            is_personal=np.array([*map(_is_personal, profiles, queries.readers)], np.bool_),
            is_judged=is_judged,
            calibration=self._calibration,
            queries=queries,
            evidence=evidence,
            liked=liked,
            reasons=reasons,
            corpus=self._corpus,
        )

    def _score_interests(
        self, profiles: Sequence[Profile], similarity: SimilarityMatrix, is_measured: Bools
    ) -> tuple[ChunkQueries, LikedEvidence]:
        """Return the interests of these readers with their scores, the papers of groups' quotas raised.

        And what the *measured* readers liked compared with the papers.
        """
        readers = [
            similarity.build_queries(number, profile, split_interests=self._split_interests)
            for number, profile in enumerate(profiles)
        ]
        interests = [query for reader in readers for query in reader.interests]
        groups = [own for reader in readers for own in reader.groups]
        members = [query for own in groups for query in own]
        starts = [0, *accumulate(len(reader.interests) for reader in readers)]
        quotas: dict[int, dict[int, int]] = {}
        if not self.papers:
            empty = np.zeros((len(interests), 0), np.float32)
            nobody = LikedEvidence(np.zeros(0, np.intp), empty[:0], empty[:0])
            return ChunkQueries(readers, starts, empty, quotas), nobody
        queries = [*interests, *members]
        measured = [row for row, query in enumerate(queries) if is_measured[query.reader]]
        scores, nearness = similarity.score_queries(
            queries, [reader.disliked for reader in readers], measured
        )
        liked = self._compare_liked([queries[row] for row in measured], nearness, profiles, similarity)
        group_scores = iter(scores[len(interests) :])
        scores = scores[: len(interests)]
        for row, own in enumerate(groups):
            if own and (quota := assign_quota(scores[row], [*islice(group_scores, len(own))])):
                quotas[row] = quota
                scores[row] = promote(scores[row], [*quota])
        return ChunkQueries(readers, starts, scores, quotas), liked

    def _compare_liked(
        self,
        queries: Sequence[InterestQuery],
        nearness: Floats,
        profiles: Sequence[Profile],
        similarity: SimilarityMatrix,
    ) -> LikedEvidence:
        """Return what these queries say of the papers, given their nearness; changes *nearness*."""
        owners = np.array([query.reader for query in queries], np.intp)
        if not len(owners):
            return LikedEvidence(owners, nearness, nearness)
        for row, owner in enumerate(owners.tolist()):
            if profiles[owner].affiliations or profiles[owner].categories:
                nearness[row] += self._follow_boosts.compute(profiles[owner], has_text=True)
        topics = self._topic_matcher.compare_documents(similarity.find_topics(queries))
        return LikedEvidence(owners, nearness, topics)

    def _compute_affinity(
        self, profiles: Sequence[Profile], queries: ChunkQueries, given: Mapping[int, list[int]]
    ) -> Floats:
        """Return each paper's best score over a reader's interests, with what they follow and liked added.

        *given* are the papers of the day that readers liked, by row.
        """
        affinity = np.zeros((len(profiles), len(self.papers)), np.float32)
        with_interests = [row for row, reader in enumerate(queries.readers) if reader.interests]
        if with_interests:
            starts = [queries.starts[row] for row in with_interests]
            affinity[with_interests] = np.maximum.reduceat(queries.scores, starts, axis=0)
        for row, profile in enumerate(profiles):
            if judged := self._find_judged(profile):
                affinity[row] = rescale_to_unjudged(affinity[row], judged)
            if profile.authors or profile.affiliations or profile.categories:
                has_text = bool(queries.readers[row].interests) and _has_wanted_text(profile)
                affinity[row] += self._follow_boosts.compute(profile, has_text=has_text)
        highest = np.float32(MAX_STRETCH * np.sqrt(len(self.papers)) + AUTHOR_BOOST + CATEGORY_ONLY_BOOST)
        np.minimum(affinity, highest, out=affinity)
        for row, papers in given.items():
            affinity[row, papers] = highest
        return affinity

    def _collect_evidence(self, profiles: Sequence[Profile]) -> TopicEvidence | None:
        topics = [find_topics(profile) for profile in profiles]
        if not self.papers or not any(reader.groups for reader in topics):
            return None
        return TopicEvidence(self._topic_matcher, topics)

    def _rule_out(self, probability: Floats, profiles: Sequence[Profile], rows: Indices) -> None:
        """Set 0 for papers about what readers rule out who typed nothing else."""
        for row in rows.tolist():
            if self.papers and (unwanted := find_topics(profiles[row]).unwanted):
                for match in self._topic_matcher.match(unwanted).values():
                    probability[row, match.is_about] = 0

    def _raise_followed(
        self, probability: Floats, profiles: Sequence[Profile], given: Mapping[int, list[int]]
    ) -> None:
        """Raise the probability of papers by followed authors, and of those that the reader gave us."""
        for row, papers in given.items():
            probability[row, papers] = FOLLOWED_PROBABILITY
        for row, profile in enumerate(profiles):
            if profile.authors:
                by_followed = self._follow_boosts.authors.find_papers(profile.authors)
                probability[row, by_followed] = FOLLOWED_PROBABILITY

    def _raise_near_liked(  # noqa: PLR0913, PLR0917  the parts of a chunk
        self,
        probability: Floats,
        affinity: Floats,
        evidence: TopicEvidence,
        liked: LikedEvidence,
        queries: ChunkQueries,
        reasons: ReasonBuilder,
    ) -> None:
        """Raise papers that are not wanted for what was typed but are truly near to a liked one."""
        is_judged = evidence.is_judged[liked.readers]
        rows, want = liked.readers[is_judged], liked.probability[is_judged]
        is_open = (want >= MIN_PROBABILITY) & (want > probability[rows])
        for number, row in enumerate(rows.tolist()):
            if (is_unwanted := evidence.is_unwanted.get(row)) is not None:
                is_open[number] &= ~is_unwanted
        numbers, indices = np.nonzero(is_open)
        order = np.lexsort((indices, -affinity[rows][numbers, indices], numbers))
        numbers, indices = numbers[order], indices[order]
        nearest = np.arange(len(order)) - np.searchsorted(numbers, numbers) < MAX_NEAR_LIKED
        numbers, indices = numbers[nearest], indices[nearest]
        owners = rows[numbers]
        is_near = reasons.find_near_liked(indices, queries.find_best(owners.tolist(), indices.tolist()))
        probability[owners[is_near], indices[is_near]] = want[numbers[is_near], indices[is_near]]

    def _find_judged(self, profile: Profile) -> list[int]:
        """Return the indices of papers of the day that the reader liked or disliked, by id or by text."""
        in_facets = (paper for facet in profile.facets for paper in facet.liked)
        judged = (*profile.liked, *profile.disliked, *in_facets)
        by_id = {self._index_by_id[paper.paper_id] for paper in judged if paper.paper_id in self._index_by_id}
        by_text = (self._indices_by_text.get(f"{paper.title}\n{paper.abstract}", ()) for paper in judged)
        return sorted(by_id.union(*by_text))

    def _find_liked(self, profile: Profile) -> list[int]:
        """Return the indices of papers of the day with the text of one that the reader liked."""
        liked = (*profile.liked, *(paper for facet in profile.facets for paper in facet.liked))
        texts = {f"{paper.title}\n{paper.abstract}" for paper in liked if paper.title}
        texts -= {f"{paper.title}\n{paper.abstract}" for paper in profile.disliked}
        return [index for text in texts for index in self._indices_by_text.get(text, ())]

    def _find_muted(self, profiles: Sequence[Profile]) -> Bools:
        muted = np.zeros((len(profiles), len(self.papers)), np.bool_)
        for row, profile in enumerate(profiles):
            if profile.muted:
                muted[row] = self._phrase_matcher.match_any(profile.muted)
        return muted

    @cached_property
    def _topic_matcher(self) -> TopicMatcher:
        sentences = self._space if self._space and self._space.is_calibrated else None
        return TopicMatcher(self.papers, load_field_terms().learn_earlier(self._earlier), sentences)

    @cached_property
    def _phrase_matcher(self) -> PhraseMatcher:
        return PhraseMatcher([to_searchable_text(paper) for paper in self.papers])


def _is_personal(profile: Profile, queries: ProfileQueries) -> bool:
    return bool(queries.interests or profile.authors or profile.categories or profile.affiliations)


def _has_wanted_text(profile: Profile) -> bool:
    """Return True if the profile asks for anything in words; disliked papers alone do not."""
    typed = profile.keywords or profile.text.strip() or profile.facets
    return bool(typed or profile.liked or any(weight > 0 for _, weight in profile.learnt))


def _split_chunks(profiles: Sequence[Profile], max_readers: int) -> Iterator[slice]:
    """Yield slices of readers with a bounded number of documents, so that memory does not grow with them."""
    start = size = 0
    for end, profile in enumerate(profiles, 1):
        size += len(profile.liked) + len(profile.disliked) + 3
        if size >= MAX_CHUNK_DOCUMENTS or end - start >= max_readers or end == len(profiles):
            yield slice(start, end)
            start, size = end, 0


def _get_text(paper: Paper) -> str:
    return f"{paper.title}\n{paper.abstract}"
