"""Selection of the papers for readers' mails, with their sections, and why the others were left out.

A chunk of readers is selected for at once: what may be picked are tables with a row for each reader and a
column for each paper, and what was picked are arrays with an entry for each pick.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property

import numpy as np

from digest.models import (
    Heat,
    Mix,
    Pick,
    Preferences,
    Reason,
    ReasonKind,
    Section,
    Sent,
    Subscriber,
    Threshold,
)
from digest.ranking.array_types import Bools, Doubles, Floats, Indices
from digest.ranking.candidate_arrays import CandidateArrays
from digest.ranking.ranker import Rankings
from digest.ranking.score import MIN_PROBABILITY, RELEVANCE_OFFSETS

# The probability of being wanted below which a paper is not picked; sections are not filled up.
THRESHOLDS = {Threshold.LOOSE: MIN_PROBABILITY, Threshold.USUAL: 0.4, Threshold.STRICT: 0.6}
# The same for who liked papers and typed no topics: the lowest with at most one wrong pick per email.
LIKED_THRESHOLDS = THRESHOLDS | {Threshold.USUAL: 0.3}
POOL_FACTOR = 3  # times as many papers as there are places are considered for diversity
MIN_NARROW_SIMILARITY = 0.15  # mean similarity of the best papers from which a reader's interest is narrow
DIVERSITY_WEIGHT = 0.3  # of dissimilarity relative to the rank, for narrow interests (MMR)
HELD_DAYS = 2  # a paper first seen so long ago was held back for the reader, and the mail says so
NAMED_EVIDENCE = (ReasonKind.AUTHOR, ReasonKind.TERMS, ReasonKind.LIKED, ReasonKind.CATEGORY)  # also new
DECIMALS = 4

SECTIONS = (Section.TRENDING, Section.PICKED, Section.ALSO_NEW)
COARSE_ERROR = 1e-3  # papers are nearer than that in single precision if they are equal when rounded
NOT_CHOSEN = 1_000_000  # the place of a paper that is not chosen

_TRENDING, _PICKED, _ALSO_NEW = range(len(SECTIONS))
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


@dataclass(frozen=True, slots=True)
class ReaderState:
    """A reader to select for, and what they were sent before."""

    subscriber: Subscriber
    sent: Mapping[str, Sent]
    cursor: datetime | None  # the time of the last digest: papers first seen later are new
    day: date


def find_thresholds(rankings: Rankings, preferences: Sequence[Preferences]) -> Floats:
    """Return the probability from which on each reader is given picks."""
    by_liked = {*rankings.liked.readers[~rankings.is_judged[rankings.liked.readers]].tolist()}
    tables = (LIKED_THRESHOLDS if row in by_liked else THRESHOLDS for row in range(len(preferences)))
    thresholds = [table[own.threshold] for table, own in zip(tables, preferences, strict=True)]
    return np.array(thresholds, np.float32)


class Selections:
    """What was selected for a chunk of readers: an entry for each pick, in the order of the mails.

    Trending papers, personal picks and other new papers. No paper appears twice for a reader, one that they
    were sent before only if it broke out since, and a muted one not at all.

    Attributes:
        owners: The number of the reader, ascending.
        indices: The paper.
        sections: The place of its section in `SECTIONS`.
        affinities, scores: Rounded as they are stored, so that what is shown later equals what was selected.
        starts: Where the picks of each reader begin, and at last where all end.
        breakouts: The papers sent once more to each reader, whose heat names the votes at first.

    """

    def __init__(self, arrays: CandidateArrays, rankings: Rankings, readers: Sequence[ReaderState]) -> None:
        self._arrays, self._rankings, self._readers = arrays, rankings, readers
        self._selector = selector = _Selector(arrays, rankings, readers)
        sections = (selector.select_trending(), selector.select_picked(), selector.select_also_new())
        owners, indices = (np.concatenate(parts) for parts in zip(*sections, strict=True))
        order = np.argsort(owners, kind="stable")
        self.owners, self.indices = owners[order], indices[order]
        self.sections = np.repeat(np.arange(len(SECTIONS)), [len(part) for part, _ in sections])[order]
        self._is_served = self._any_of_reader(self.sections == _PICKED).tolist()
        self.starts = np.searchsorted(self.owners, np.arange(len(readers) + 1))
        affinity = rankings.affinity[self.owners, self.indices].astype(np.float64)
        self.affinities = np.round(affinity, DECIMALS)
        self.scores = np.round(selector.scores[self.owners, self.indices], DECIMALS)
        selector.forget_order()
        self.breakouts: Sequence[Mapping[str, Heat]] = selector.breakouts

    def __len__(self) -> int:
        """Return the number of readers."""
        return len(self._readers)

    def __iter__(self) -> Iterator["Selection"]:
        """Yield the selection of each reader."""
        return (Selection(self, row) for row in range(len(self)))

    @cached_property
    def reasons(self) -> list[Reason]:
        """The reason of each pick: computed together, they take far less time."""
        reasons = [_TREND] * len(self.owners)
        entries = np.flatnonzero(self.sections != _TRENDING)
        owners, indices = self.owners[entries], self.indices[entries]
        held_since = self._selector.find_held_since(owners, indices)
        named = self._rankings.build_reasons(owners, indices, held_since)
        is_weak = (self.sections[entries] == _ALSO_NEW).tolist()
        is_personal = self._rankings.is_personal[owners].tolist()
        for entry, reason, weak, personal in zip(entries.tolist(), named, is_weak, is_personal, strict=True):
            is_named = not weak or (personal and reason.because in NAMED_EVIDENCE)
            reasons[entry] = reason if is_named else _get_new_reason(reason.held_since)
        return reasons

    def has_new(self) -> Bools:
        """Return for which readers one of the picks is new since their last digest."""
        return self._any_of_reader(self._selector.is_new[self.owners, self.indices])

    def has_paper(self, is_such: Bools) -> Bools:
        """Return for which readers one of the picks is such a paper."""
        return self._any_of_reader(is_such[self.indices])

    def get_picks(self, row: int) -> Iterator[Pick]:
        """Yield the picks of a reader."""
        papers, heats, breakouts = self._arrays.candidates.papers, self._arrays.heats, self.breakouts[row]
        for entry in range(self.starts[row], self.starts[row + 1]):
            index = self.indices[entry]
            yield Pick(
                paper=papers[index],
                section=SECTIONS[self.sections[entry]],
                heat=breakouts.get(papers[index].id) or heats[index],
                affinity=float(self.affinities[entry]),
                score=float(self.scores[entry]),
                reason=self.reasons[entry],
            )

    def get_notes(self, row: int) -> tuple[str, ...]:
        """Return why nothing was picked; empty if something was, or if nothing was asked for or selected."""
        wants_picks = self._readers[row].subscriber.preferences.picked and self._rankings.is_personal[row]
        if not wants_picks or self._is_served[row]:
            return ()
        own = slice(self.starts[row], self.starts[row + 1])
        sections = self.sections[own]
        if not len(sections):
            return ()
        is_near = self._selector.is_near[row, self.indices[own][sections == _TRENDING]]
        return ("near-is-trending" if is_near.any() else "nothing-near",)

    def find_exclusions(self, row: int) -> dict[str, ExclusionRule]:
        """Return the first rule that excluded each paper that was not selected for a reader."""
        papers = self._arrays.candidates.papers
        rest = np.setdiff1d(np.arange(len(papers)), self.indices[self.starts[row] : self.starts[row + 1]])
        return {papers[index].id: self._selector.find_exclusion(row, index) for index in rest.tolist()}

    def _any_of_reader(self, is_such: Bools) -> Bools:
        return np.bincount(self.owners, is_such, len(self)) > 0


@dataclass(frozen=True)
class Selection:
    """What was selected for one reader, and the rule that excluded each other candidate."""

    _selections: Selections
    _row: int

    @cached_property
    def picks(self) -> tuple[Pick, ...]:
        """The picks in the order of the mail."""
        return tuple(self._selections.get_picks(self._row))

    @cached_property
    def excluded(self) -> Mapping[str, ExclusionRule]:
        """The rule that excluded each other candidate, by paper id."""
        return self._selections.find_exclusions(self._row)

    @property
    def notes(self) -> tuple[str, ...]:
        """Why nothing was picked for a reader with interests: `near-is-trending` or `nothing-near`."""
        return self._selections.get_notes(self._row)


Entries = tuple[Indices, Indices]  # readers and papers, sorted by reader


class _Selector:
    """The candidates that readers may still get today, as a table; each selection removes its papers."""

    def __init__(self, arrays: CandidateArrays, rankings: Rankings, readers: Sequence[ReaderState]) -> None:
        self._arrays, self._rankings, self._readers = arrays, rankings, readers
        self._preferences = preferences = [reader.subscriber.preferences for reader in readers]
        self.breakouts = [arrays.breakouts.find(reader.sent, reader.day) for reader in readers]
        self.is_near = rankings.probability >= find_thresholds(rankings, preferences)[:, None]
        self.is_near &= rankings.is_personal[:, None]
        self.is_new = arrays.is_new([reader.cursor for reader in readers])
        self._offsets = np.array([RELEVANCE_OFFSETS[own.mix] for own in preferences])
        # Measured on judged readers: ordered by the score, the best papers come later (nDCG@6 .77, not .81).
        takes_own = np.array([own.mix is not Mix.EVERYONE for own in preferences], np.bool_)
        self._is_by_preference = rankings.is_judged & takes_own
        self._sent = self._find_sent()
        self._is_open = ~(rankings.muted | self._sent)

    def select_trending(self) -> Entries:
        """Select the hottest papers: the same for every reader except for sent and muted ones."""
        return self._take(self._find_hottest(self._get_limits("trending"), self._arrays.is_discussed))

    def select_picked(self) -> Entries:
        """Select papers that readers want, shared among interests.

        By the score; by the probability for who typed topics, unless they want what everyone reads.
        """
        places = self._get_limits("picked")
        order = np.where(self._is_by_preference[:, None], self._rankings.preference, self.scores)
        owners, indices = self._find_best(places * POOL_FACTOR, self.is_near, order)
        best, ranks = _to_table(owners, indices, len(self._readers))
        counts = np.bincount(owners, minlength=len(self._readers))
        order = np.where(ranks < np.minimum(counts, places)[:, None], ranks, NOT_CHOSEN)
        for row in np.flatnonzero(counts > places).tolist():
            if self._rankings.queries.readers[row].only:
                continue
            own = best[row, : counts[row]].tolist()
            names = self._rankings.get_interest_names(row, own)
            if len(set(names)) > 1:
                chosen = set(apply_quotas(own, names, places=int(places[row])))
                order[row] = [*(rank if index in chosen else NOT_CHOSEN for rank, index in enumerate(own)),
                              *[NOT_CHOSEN] * (best.shape[1] - len(own))]  # fmt: skip
        several = np.flatnonzero(np.minimum(counts, places) > 1)
        similarity = self._rankings.corpus.compare_candidates(best[several])
        order[several] = diversify(order[several], similarity, counts[several], places[several])
        return self._take(_read_table(best, order))

    def select_also_new(self) -> Entries:
        """Select papers new since the last digest, the nearest first; the hottest first without interests."""
        limits, is_personal = self._get_limits("also_new"), self._rankings.is_personal
        nearest = self._find_best(np.where(is_personal, limits, 0), self.is_new, self._rankings.preference)
        hottest = self._find_hottest(np.where(is_personal, 0, limits), self.is_new)
        owners, indices = (np.concatenate(parts) for parts in zip(nearest, hottest, strict=True))
        order = np.argsort(owners, kind="stable")
        return self._take((owners[order], indices[order]))

    @cached_property
    def scores(self) -> Doubles:
        """`digest.ranking.score.compute_score` of each paper for each reader."""
        preference, attention = self._rankings.preference.astype(np.float64), self._arrays.attention
        return preference if attention is None else attention * (preference + self._offsets[:, None])

    def forget_order(self) -> None:
        """Free the table that is needed only for selecting."""
        del self.scores

    def find_exclusion(self, row: int, index: int) -> ExclusionRule:
        """Return the first rule that excluded a paper that was not selected for a reader."""
        if self._rankings.muted[row, index]:
            return ExclusionRule.MUTED
        if self._sent[row, index]:
            return ExclusionRule.SENT
        if self.is_near[row, index]:
            return ExclusionRule.NO_ROOM
        if not self.is_new[row, index]:
            return ExclusionRule.OLD
        is_personal = self._rankings.is_personal[row]
        return ExclusionRule.BELOW_THRESHOLD if is_personal else ExclusionRule.NO_ROOM

    def find_held_since(self, rows: Indices, indices: Indices) -> list[date | None]:
        """Return since when new papers were held back because digests paused; None if they were not."""
        held_until = [
            reader.day - timedelta(days=HELD_DAYS) if reader.cursor else date.min for reader in self._readers
        ]
        seen_on, is_new = self._arrays.first_seen_on, self.is_new[rows, indices].tolist()
        return [
            day if new and (day := seen_on[index]) is not None and day <= held_until[row] else None
            for row, index, new in zip(rows.tolist(), indices.tolist(), is_new, strict=True)
        ]

    def _find_sent(self) -> Bools:
        """Return which papers readers were sent before and that did not break out since."""
        sent = np.zeros(self._rankings.affinity.shape, np.bool_)
        get_index = self._arrays.index_by_id.get
        for row, (reader, breakouts) in enumerate(zip(self._readers, self.breakouts, strict=True)):
            found = map(get_index, reader.sent.keys() - breakouts.keys())
            sent[row, [index for index in found if index is not None]] = True
        return sent & ~self._arrays.has_broken_out

    def _get_limits(self, section: str) -> Indices:
        return np.array([getattr(own, section) for own in self._preferences], np.intp)

    def _take(self, entries: Entries) -> Entries:
        self._is_open[entries] = False
        return entries

    def _find_hottest(self, limits: Indices, is_eligible: Bools) -> Entries:
        """Return the first eligible papers of the trending list that are still open to each reader."""
        heat_order, rows = self._arrays.heat_order, np.flatnonzero(limits)
        is_eligible = is_eligible if is_eligible.ndim == 1 else is_eligible[rows]
        is_left = (self._is_open[rows] & is_eligible)[:, heat_order]
        is_left &= np.cumsum(is_left, axis=1, dtype=np.int32) <= limits[rows, None]
        numbers, places = np.nonzero(is_left)
        return rows[numbers], heat_order[places]

    def _find_best(self, limits: Indices, is_eligible: Bools, numbers: Doubles | Floats) -> Entries:
        """Return the best eligible papers that are still open, by these numbers, then by affinity and id.

        Both are rounded: their last digits depend on the order in which papers come.
        """
        is_left = is_eligible & self._is_open
        place = is_left.shape[1] - int(limits.max(initial=0))  # sort only what can be among the best
        if 0 < place < is_left.shape[1]:
            coarse = np.where(is_left, numbers, -np.inf).astype(np.float32)
            is_left &= coarse >= np.partition(coarse, place, axis=1)[:, place, None] - COARSE_ERROR
        rows, indices = np.nonzero(is_left)
        number = _round_to_whole(numbers[rows, indices], DECIMALS + 1)
        affinity = _round_to_whole(self._rankings.affinity[rows, indices], DECIMALS - 1)
        order = np.lexsort((self._arrays.id_rank[indices], -affinity, -number, rows))
        order = order[_rank_in_group(rows) < limits[rows]]
        return rows[order], indices[order]


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


def diversify(order: Indices, similarity: Floats, counts: Indices, places: Indices) -> Indices:
    """Return the order in which the best papers of readers (rows) are chosen, diverse for a narrow interest.

    *order* has the place of each paper in the usual order, `NOT_CHOSEN` for the others; it stays for readers
    whose best papers are unlike each other. The diverse choice is by maximal marginal relevance (MMR).
    *similarity* is that of each two papers of a row, *counts* how many a row has, *places* how many are
    chosen.
    """
    sizes = np.minimum(counts, places)
    ranks = np.arange(order.shape[1])
    is_first = ranks < sizes[:, None]
    pairs = sizes * (sizes - 1)
    total = np.einsum("rij,ri,rj->r", similarity, is_first, is_first)
    total -= np.einsum("rii,ri->r", similarity, is_first)  # without that of each paper with itself
    narrow = np.flatnonzero((pairs > 0) & (total >= MIN_NARROW_SIMILARITY * pairs))
    similarity, sizes, counts = similarity[narrow].astype(np.float64), sizes[narrow], counts[narrow]
    diverse = np.full((len(narrow), len(ranks)), NOT_CHOSEN)
    is_left = ranks < counts[:, None]
    loss_by_rank = (1 - DIVERSITY_WEIGHT) * ranks / np.maximum(counts, 1)[:, None]
    nearest = np.zeros(diverse.shape)
    for place in range(int(sizes.max(initial=0))):
        loss = np.where(is_left, loss_by_rank + DIVERSITY_WEIGHT * nearest, np.inf)
        taken = loss.argmin(axis=1) if place else np.zeros(len(narrow), np.intp)
        rows = np.flatnonzero(sizes > place)
        diverse[rows, taken[rows]] = place
        is_left[rows, taken[rows]] = False
        nearest = np.maximum(nearest, similarity[np.arange(len(narrow)), :, taken])
    changed = order.copy()
    changed[narrow] = diverse
    return changed


def _round_to_whole(values: Doubles | Floats, decimals: int) -> Indices:
    """Return the values as whole numbers of 10 ** -decimals."""
    return np.rint(np.multiply(values, 10.0**decimals, dtype=np.float64)).astype(np.int64)


def _rank_in_group(sorted_groups: Indices) -> Indices:
    """Return the rank of each entry within its group, given the group of each, ascending."""
    return np.arange(len(sorted_groups)) - np.searchsorted(sorted_groups, sorted_groups)


def _to_table(owners: Indices, indices: Indices, size: int) -> tuple[Indices, Indices]:
    """Return the papers as a row for each reader, filled up with the first paper, and the rank of each."""
    places = _rank_in_group(owners)
    table = np.zeros((size, int(places.max(initial=-1)) + 1), np.intp)
    table[owners, places] = indices
    return table, np.broadcast_to(np.arange(table.shape[1]), table.shape)


def _read_table(table: Indices, order: Indices) -> Entries:
    """Return the chosen papers of each row in their order."""
    rows, columns = np.nonzero(order < NOT_CHOSEN)
    by_place = np.lexsort((order[rows, columns], rows))
    return rows[by_place], table[rows, columns][by_place]


def _get_new_reason(held_since: date | None) -> Reason:
    return Reason(because=ReasonKind.NEW, held_since=held_since) if held_since else _NEW
