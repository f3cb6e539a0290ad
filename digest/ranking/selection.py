"""Selection of the papers for one reader's mail, with their sections, and why the others were left out."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property

import numpy as np

from digest.models import Candidates, Mix, Pick, Reason, ReasonKind, Section, Sent, Subscriber, Threshold
from digest.ranking.array_types import Bools, Doubles, Floats
from digest.ranking.candidate_arrays import CandidateArrays
from digest.ranking.ranker import Ranking
from digest.ranking.score import MIN_PROBABILITY, RELEVANCE_OFFSETS

# The probability of being wanted below which a paper is not picked; sections are not filled up.
THRESHOLDS = {Threshold.LOOSE: MIN_PROBABILITY, Threshold.USUAL: 0.4, Threshold.STRICT: 0.6}
POOL_FACTOR = 3  # times as many papers as there are places are considered for diversity
MIN_NARROW_SIMILARITY = 0.15  # mean similarity of the best papers from which a reader's interest is narrow
DIVERSITY_WEIGHT = 0.3  # of dissimilarity relative to the rank, for narrow interests (MMR)
HELD_DAYS = 2  # a paper first seen so long ago was held back for the reader, and the mail says so
NAMED_EVIDENCE = (ReasonKind.AUTHOR, ReasonKind.TERMS, ReasonKind.LIKED, ReasonKind.CATEGORY)  # also new
DECIMALS = 4

_TREND, _NEW = Reason(because=ReasonKind.TREND), Reason(because=ReasonKind.NEW)


class ExclusionRule(StrEnum):
    """The first rule that kept a paper out of an edition."""

    SENT = "sent"
    MUTED = "muted"
    OLD = "old"
    BELOW_THRESHOLD = "below-threshold"
    NO_ROOM = "no-room"


EXCLUSION_REASONS: Mapping[str, str] = {  # for an operator, as the end of a sentence
    ExclusionRule.SENT: "it was sent before, and did not break out since",
    ExclusionRule.MUTED: "it has one of the reader's muted words",
    ExclusionRule.OLD: "it was there at the last digest already, and not near enough then either",
    ExclusionRule.BELOW_THRESHOLD: (
        "it is not near enough to be picked, and nearer papers filled what else is new"
    ),
    ExclusionRule.NO_ROOM: "other papers were nearer or hotter, and the digest is short",
}


@dataclass(frozen=True)
class Selection:
    """What was selected for one reader, and the rule that excluded each other candidate.

    Picks are built on first access: reasons are cheaper when the selections of many readers come first.
    """

    _selector: "_Selector"
    _indices: Mapping[Section, Sequence[int]]

    @cached_property
    def picks(self) -> tuple[Pick, ...]:
        """The picks in the order of the mail."""
        sections = [section for section, indices in self._indices.items() for _ in indices]
        return tuple(self._selector.build_picks(self._selected, sections))

    @cached_property
    def excluded(self) -> Mapping[str, ExclusionRule]:
        """The rule that excluded each other candidate, by paper id."""
        return self._selector.find_exclusions(self._selected)

    @property
    def notes(self) -> tuple[str, ...]:
        """Why nothing was picked for a reader with interests: `near-is-trending` or `nothing-near`."""
        return self._selector.find_notes(self._indices)

    @property
    def _selected(self) -> list[int]:
        return [index for indices in self._indices.values() for index in indices]


def select_picks(  # noqa: PLR0913  the inputs of a selection, each by its name
    candidates: Candidates | CandidateArrays,
    ranking: Ranking,
    subscriber: Subscriber,
    *,
    sent: Mapping[str, Sent],
    cursor: datetime | None,
    day: date,
) -> Selection:
    """Select one reader's edition: trending papers, personal picks and other new papers.

    No paper appears twice, a paper in *sent* only if it broke out since, and a muted paper not at all. Papers
    first seen after *cursor*, the time of the last digest, are new. To select for many readers, pass the day
    as one `CandidateArrays`.
    """
    arrays = candidates if isinstance(candidates, CandidateArrays) else CandidateArrays(candidates)
    selector = _Selector(arrays, ranking, subscriber, sent=sent, cursor=cursor, day=day)
    trending, picked = selector.select_trending(), selector.select_picked()
    also_new = selector.select_also_new()
    ranking.prepare_reasons([*picked, *also_new])
    indices = {Section.TRENDING: trending, Section.PICKED: picked, Section.ALSO_NEW: also_new}
    return Selection(selector, indices)


class _Selector:
    """The candidates that one reader may still get today, as indices; each selection removes its papers."""

    def __init__(  # noqa: PLR0913  as select_picks
        self,
        arrays: CandidateArrays,
        ranking: Ranking,
        subscriber: Subscriber,
        *,
        sent: Mapping[str, Sent],
        cursor: datetime | None,
        day: date,
    ) -> None:
        self._arrays, self._ranking, self._preferences = arrays, ranking, subscriber.preferences
        self._cursor, self._held_until = cursor, day - timedelta(days=HELD_DAYS)
        self._breakouts = arrays.breakouts.find(sent)
        sent_before = [
            arrays.index_by_id[paper_id]
            for paper_id in sent
            if paper_id in arrays.index_by_id and paper_id not in self._breakouts
        ]
        self._sent = [index for index in sent_before if arrays.heats[index].broke_out_from is None]
        self._is_near = ranking.probability >= THRESHOLDS[self._preferences.threshold]
        self._is_near &= ranking.is_personal
        self._is_new = arrays.is_new(cursor)
        self._score = _compute_scores(arrays, ranking, self._preferences.mix)
        self._is_open = ~ranking.muted
        self._is_open[self._sent] = False

    def select_trending(self) -> list[int]:
        """Select the hottest papers: the same for every reader except for sent and muted ones."""
        return self._take(self._find_hottest(self._preferences.trending, self._arrays.is_discussed))

    def select_picked(self) -> list[int]:
        """Select papers that this reader wants, shared among interests."""
        places = self._preferences.picked
        best = self._find_best(places * POOL_FACTOR, self._is_near, by=self._pick_order)
        picked = apply_quotas(best, self._ranking.get_interest_names(best), places=places)
        return self._take(diversify(picked, best, self._ranking.reasons.get_similarity(best), places=places))

    def select_also_new(self) -> list[int]:
        """Select papers new since the last digest, the nearest first; the hottest first without interests."""
        limit = self._preferences.also_new
        if not self._ranking.is_personal:
            return self._take(self._find_hottest(limit, self._is_new))
        return self._take(self._find_best(limit, self._is_new, by=_get_relevance(self._ranking)))

    @property
    def _pick_order(self) -> Doubles:
        """The score; the probability for a reader who typed topics, unless they want what everyone reads.

        Measured on judged readers: ordered by the score, the best papers come later (nDCG@6 .77, not .81).
        """
        is_judged = self._ranking.evidence is not None and self._preferences.mix is not Mix.EVERYONE
        return _get_relevance(self._ranking) if is_judged else self._score

    def build_picks(self, indices: Sequence[int], sections: Sequence[Section]) -> Iterator[Pick]:
        """Yield these papers as picks, with affinity, score and reason."""
        papers, heats = self._arrays.candidates.papers, self._arrays.heats
        rows = np.array(indices, np.intp)
        affinities, scores = _round(self._ranking.affinity[rows]), _round(self._score[rows])
        for index, section, affinity, score in zip(indices, sections, affinities, scores, strict=True):
            yield Pick(
                paper=papers[index],
                section=section,
                heat=self._breakouts.get(papers[index].id) or heats[index],
                affinity=affinity,
                score=score,
                reason=self._build_reason(index, section),
            )

    def find_notes(self, indices: Mapping[Section, Sequence[int]]) -> tuple[str, ...]:
        """Return why nothing was picked; empty if something was, or if nothing was asked for or selected."""
        wants_picks = self._preferences.picked and self._ranking.is_personal and any(indices.values())
        if not wants_picks or indices[Section.PICKED]:
            return ()
        is_trending = self._is_near[[*indices[Section.TRENDING]]].any()
        return ("near-is-trending" if is_trending else "nothing-near",)

    def find_exclusions(self, selected: Sequence[int]) -> dict[str, ExclusionRule]:
        """Return the first rule that excluded each paper that was not selected."""
        papers = self._arrays.candidates.papers
        rest = np.setdiff1d(np.arange(len(papers)), selected)
        return {papers[index].id: self._find_exclusion(index) for index in rest.tolist()}

    def _find_exclusion(self, index: int) -> ExclusionRule:
        if self._ranking.muted[index]:
            return ExclusionRule.MUTED
        if index in self._sent:
            return ExclusionRule.SENT
        if self._is_near[index]:
            return ExclusionRule.NO_ROOM
        if not self._is_new[index]:
            return ExclusionRule.OLD
        return ExclusionRule.BELOW_THRESHOLD if self._ranking.is_personal else ExclusionRule.NO_ROOM

    def _take(self, indices: list[int]) -> list[int]:
        self._is_open[indices] = False
        return indices

    def _find_hottest(self, limit: int, is_eligible: Bools) -> list[int]:
        """Return the first eligible papers of the trending list that are still open to this reader."""
        heat_order = self._arrays.heat_order
        hottest: list[int] = heat_order[(self._is_open & is_eligible)[heat_order]][:limit].tolist()
        return hottest

    def _find_best(self, limit: int, is_eligible: Bools, *, by: Doubles) -> list[int]:
        """Return the best eligible papers that are still open, by these numbers, then by affinity and id.

        Both are rounded: their last digits depend on the order in which papers come.
        """
        by = np.round(by, DECIMALS + 1)
        indices = np.flatnonzero(self._is_open & is_eligible)
        if 0 < limit < len(indices):  # sort only what can be among the best, ties with the last one included
            scores = by[indices]
            threshold = np.partition(scores, len(indices) - limit)[len(indices) - limit]
            indices = indices[scores >= threshold]
        affinity = np.round(self._ranking.affinity[indices].astype(np.float64), DECIMALS - 1)
        keys = (self._arrays.id_rank[indices], -affinity, -by[indices])
        best: list[int] = indices[np.lexsort(keys)[:limit]].tolist()
        return best

    def _build_reason(self, index: int, section: Section) -> Reason:
        if section is Section.TRENDING:
            return _TREND
        if section is Section.ALSO_NEW:
            return self._build_weak_reason(index)
        return self._ranking.build_reason(index, held_since=self._find_held_since(index))

    def _build_weak_reason(self, index: int) -> Reason:
        """Return what a paper that was not picked has to do with the reader, if there is evidence to name."""
        held_since = self._find_held_since(index)
        reason = self._ranking.build_reason(index, held_since=held_since)
        if self._ranking.is_personal and reason.because in NAMED_EVIDENCE:
            return reason
        return Reason(because=ReasonKind.NEW, held_since=held_since) if held_since else _NEW

    def _find_held_since(self, index: int) -> date | None:
        """Return since when a new paper was held back because digests paused; None if it was not."""
        seen_on = self._arrays.first_seen_on[index]
        if seen_on is None or self._cursor is None or seen_on > self._held_until or not self._is_new[index]:
            return None
        return seen_on


def apply_quotas(best: Sequence[int], interests: Sequence[str], *, places: int) -> list[int]:
    """Return the best papers such that each interest gets its equal quota, in the given order.

    *interests* names the interest of each of the *best* papers. Places left over go to the best of the rest.
    """
    quota = max(1, places // (len(set(interests)) or 1))
    counts: Counter[str] = Counter()
    chosen: list[int] = []
    for index, interest in zip(best, interests, strict=True):
        if counts[interest] < quota and len(chosen) < places:
            chosen.append(index)
            counts[interest] += 1
    rest = [index for index in best if index not in chosen]
    selected = {*chosen, *rest[: places - len(chosen)]}
    return [index for index in best if index in selected]


def diversify(chosen: Sequence[int], best: Sequence[int], similarity: Floats, *, places: int) -> list[int]:
    """Return the chosen papers or, for a narrow interest, a diverse choice from the *best* instead.

    The diverse choice is by maximal marginal relevance (MMR). *similarity* is that of the *best* papers with
    each other.
    """
    size = min(len(best), places)
    if size < 2 or _compute_mean_similarity(similarity[:size, :size]) < MIN_NARROW_SIMILARITY:
        return list(chosen)
    remaining, taken = list(range(len(best))), [0]
    remaining.remove(0)
    while remaining and len(taken) < size:
        loss = {
            rank: (1 - DIVERSITY_WEIGHT) * rank / len(best)
            + DIVERSITY_WEIGHT * float(similarity[rank, taken].max())
            for rank in remaining
        }
        following = min(remaining, key=lambda rank: (loss[rank], rank))
        taken.append(following)
        remaining.remove(following)
    return [best[rank] for rank in taken]


def _compute_mean_similarity(similarity: Floats) -> float:
    """Return the mean similarity of each two different papers."""
    size = len(similarity)
    return float((similarity.sum() - np.trace(similarity)) / (size * (size - 1)))


def _compute_scores(arrays: CandidateArrays, ranking: Ranking, mix: Mix) -> Doubles:
    """Return `digest.ranking.score.compute_score` of every paper."""
    relevance = _get_relevance(ranking)
    if arrays.attention is None:
        return relevance
    return arrays.attention * (relevance + RELEVANCE_OFFSETS[mix])


def _get_relevance(ranking: Ranking) -> Doubles:
    """Return the probability by which papers are ordered: that of the topics where the reader typed some."""
    return (ranking.relevance if ranking.evidence is None else ranking.probability).astype(np.float64)


def _round(numbers: np.ndarray[tuple[int, ...], np.dtype[np.floating]]) -> list[float]:
    """Round as the numbers are stored, so that what is shown later equals what was selected."""
    return [round(number, DECIMALS) for number in numbers.tolist()]
