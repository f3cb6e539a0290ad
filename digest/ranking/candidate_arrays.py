"""What is the same about a day's papers for every reader? One array per fact, made once."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

import numpy as np

from digest.models import Candidates, Heat
from digest.ranking.score import attention
from digest.trending.breakout import Breakouts
from digest.trending.heat import hotness

Numbers = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Truths = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
Places = np.ndarray[tuple[int, ...], np.dtype[np.intp]]

NO_HEAT = Heat(value=0.0, expected=0.0)
ALWAYS_NEW = float("inf")  # for papers that no store has seen


@dataclass(frozen=True)
class CandidateArrays:
    """The candidates of a day, fact by fact, in the order of `candidates.papers`."""

    candidates: Candidates

    @cached_property
    def place(self) -> dict[str, int]:
        """Where each paper stands."""
        return {paper.id: place for place, paper in enumerate(self.candidates.papers)}

    @cached_property
    def alphabet(self) -> Places:
        """The place of each paper's id among all ids: what decides between equals."""
        ids = [paper.id for paper in self.candidates.papers]
        return _ranks(sorted(range(len(ids)), key=ids.__getitem__))

    @cached_property
    def by_heat(self) -> Places:
        """The trending list: places, that of the hottest first."""
        keys = [
            (*hotness(heat), paper.id) for heat, paper in zip(self.heats, self.candidates.papers, strict=True)
        ]
        return np.array(sorted(range(len(keys)), key=keys.__getitem__), np.intp)

    @cached_property
    def hottest(self) -> Places:
        """The place of each paper in the trending list, 0 for the hottest."""
        return _ranks(self.by_heat.tolist())

    @cached_property
    def heats(self) -> tuple[Heat, ...]:
        """How hot each paper is; one that nobody measured is as usual."""
        return tuple(self.candidates.heat.get(paper.id, NO_HEAT) for paper in self.candidates.papers)

    @cached_property
    def attention(self) -> Numbers | None:
        """What heat makes of each paper's score; None on a day without any votes."""
        if not self._has_votes:
            return None
        return np.fromiter(map(attention, self.heats), np.float64, len(self.heats))

    @cached_property
    def is_talked_about(self) -> Truths:
        """Votes were read; or none were read at all today, and a source listed the paper."""
        told = (
            heat.votes is not None or (not self._has_votes and paper.listed is not None)
            for heat, paper in zip(self.heats, self.candidates.papers, strict=True)
        )
        return np.fromiter(told, np.bool_, len(self.heats))

    @cached_property
    def seen_on(self) -> tuple[date | None, ...]:
        """The day each paper was first seen."""
        return tuple(each.first_seen.date() if each.first_seen else None for each in self.candidates.papers)

    @cached_property
    def breakouts(self) -> Breakouts:
        """What may come once more."""
        return Breakouts(self.candidates.heat)

    @cached_property
    def _seen(self) -> Numbers:
        moments = (paper.first_seen for paper in self.candidates.papers)
        return np.array([each.timestamp() if each else ALWAYS_NEW for each in moments], np.float64)

    def is_new(self, cursor: datetime | None) -> Truths:
        """Which papers were first seen after a moment; all of them if there was none."""
        if cursor is None:
            return np.ones(len(self._seen), np.bool_)
        return self._seen > cursor.timestamp()

    @cached_property
    def _has_votes(self) -> bool:
        return any(heat.votes is not None for heat in self.candidates.heat.values())


def _ranks(order: list[int]) -> Places:
    """From the places in their order to the rank of each place."""
    ranks = np.empty(len(order), np.intp)
    ranks[order] = np.arange(len(order))
    return ranks
