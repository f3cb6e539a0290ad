"""Facts about a day's candidates that are the same for every reader, as arrays computed once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

import numpy as np

from digest.models import Candidates, Heat
from digest.ranking.array_types import Bools, Doubles, Indices
from digest.ranking.score import compute_attention
from digest.trending.breakout import BreakoutFinder
from digest.trending.heat import heat_sort_key

NO_HEAT = Heat(value=0.0, expected=0.0)
ALWAYS_NEW = float("inf")  # first-seen time of papers that were never stored


@dataclass(frozen=True)
class CandidateArrays:
    """The candidates of a day, fact by fact, in the order of `candidates.papers`."""

    candidates: Candidates

    @cached_property
    def index_by_id(self) -> dict[str, int]:
        """The index of each paper by its id."""
        return {paper.id: index for index, paper in enumerate(self.candidates.papers)}

    @cached_property
    def id_rank(self) -> Indices:
        """The rank of each paper's id among all ids, which breaks ties."""
        ids = [paper.id for paper in self.candidates.papers]
        ranks = np.empty(len(ids), np.intp)
        ranks[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
        return ranks

    @cached_property
    def heat_order(self) -> Indices:
        """The trending list: indices of papers, the hottest first."""
        keys = [
            (*heat_sort_key(heat), paper.id)
            for heat, paper in zip(self.heats, self.candidates.papers, strict=True)
        ]
        return np.array(sorted(range(len(keys)), key=keys.__getitem__), np.intp)

    @cached_property
    def heats(self) -> tuple[Heat, ...]:
        """The heat of each paper; a paper without a measurement is as hot as usual."""
        return tuple(self.candidates.heat.get(paper.id, NO_HEAT) for paper in self.candidates.papers)

    @cached_property
    def attention(self) -> Doubles | None:
        """The factor that heat contributes to each paper's score; None on a day without any votes."""
        if not self._has_votes:
            return None
        return np.fromiter(map(compute_attention, self.heats), np.float64, len(self.heats))

    @cached_property
    def is_discussed(self) -> Bools:
        """Whether each paper may trend: its votes were read, or no votes at all and a source listed it."""
        is_discussed = (
            heat.votes is not None or (not self._has_votes and paper.listed is not None)
            for heat, paper in zip(self.heats, self.candidates.papers, strict=True)
        )
        return np.fromiter(is_discussed, np.bool_, len(self.heats))

    @cached_property
    def first_seen_on(self) -> tuple[date | None, ...]:
        """The day on which each paper was first seen."""
        times = (paper.first_seen for paper in self.candidates.papers)
        return tuple(time.date() if time else None for time in times)

    @cached_property
    def has_voters(self) -> Bools:
        """Whether each paper is of a field in which people vote."""
        return np.fromiter((heat.has_voters for heat in self.heats), np.bool_, len(self.heats))

    @cached_property
    def has_broken_out(self) -> Bools:
        """Whether each paper broke out for everyone."""
        broke_out = (heat.broke_out_from is not None for heat in self.heats)
        return np.fromiter(broke_out, np.bool_, len(self.heats))

    @cached_property
    def breakouts(self) -> BreakoutFinder:
        """The papers that may be sent once more."""
        return BreakoutFinder(self.candidates.heat)

    @cached_property
    def _first_seen(self) -> Doubles:
        times = (paper.first_seen for paper in self.candidates.papers)
        return np.array([time.timestamp() if time else ALWAYS_NEW for time in times], np.float64)

    def is_new(self, cursors: Sequence[datetime | None]) -> Bools:
        """Return which papers (columns) were first seen after each of these moments; all after None."""
        moments = [cursor.timestamp() if cursor else -ALWAYS_NEW for cursor in cursors]
        return self._first_seen > np.array(moments, np.float64)[:, None]

    @cached_property
    def _has_votes(self) -> bool:
        return any(heat.votes is not None for heat in self.candidates.heat.values())
