"""Which papers go into one reader's mail, in which section, and what stopped the others?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from heapq import nsmallest

from digest.model import (
    Because,
    Candidates,
    Heat,
    Mix,
    Paper,
    Pick,
    Reason,
    Section,
    Sent,
    Subscriber,
    Threshold,
)
from digest.rank.breakout import broken_out
from digest.rank.interest import Ranking
from digest.rank.score import score
from digest.rank.shares import shared, various
from digest.rank.trending import hotness

# Affinity in standard deviations: below it a paper is not picked, and nothing pads. By score.relevance a
# paper right at it is worth showing with a probability of 0.07, 0.12 or 0.22.
THRESHOLDS = {Threshold.LOOSE: 1.0, Threshold.USUAL: 1.6, Threshold.STRICT: 2.6}
LOOKED_AT = 3  # times as many papers as there are places are looked at for variety and exploration
ROOM_TO_EXPLORE = 5  # places; with fewer, every one goes to the best
HELD_DAYS = 2  # a paper announced so long ago was kept for the reader, and the mail says so
NO_HEAT = Heat(value=0.0, expected=0.0)


class Stopped(StrEnum):
    """The first rule that kept a paper out of an edition."""

    SENT = "sent"
    MUTED = "muted"
    OLD = "old"
    BELOW_THRESHOLD = "below-threshold"
    NO_ROOM = "no-room"


@dataclass(frozen=True, slots=True)
class Selection:
    """The picks in the order of the mail, and for every other candidate the first rule that stopped it."""

    picks: tuple[Pick, ...]
    stopped: Mapping[str, Stopped]


def select(  # noqa: PLR0913  the day and the memory of a reader, each by its name
    candidates: Candidates,
    ranking: Ranking,
    subscriber: Subscriber,
    *,
    sent: Mapping[str, Sent],
    cursor: datetime | None,
    day: date,
) -> Selection:
    """One reader's edition: what everyone talks about, what is theirs, and what else is new.

    Nothing appears twice, nothing was sent before unless it broke out since, nothing muted appears at all.
    """
    choice = _Choice(candidates, ranking, subscriber, sent=sent, cursor=cursor, day=day)
    trending = choice.trending()
    picked = choice.picked(without=trending)
    also_new = choice.also_new(without={*trending, *picked})
    picks = (
        *(choice.pick(place, Section.TRENDING) for place in trending),
        *(choice.pick(place, Section.PICKED, explores=explores) for place, explores in picked.items()),
        *(choice.pick(place, Section.ALSO_NEW) for place in also_new),
    )
    return Selection(picks, choice.stopped(chosen={*trending, *picked, *also_new}))


class _Choice:
    """What is open to one reader today; places are those of the candidates."""

    def __init__(  # noqa: PLR0913  as select
        self,
        candidates: Candidates,
        ranking: Ranking,
        subscriber: Subscriber,
        *,
        sent: Mapping[str, Sent],
        cursor: datetime | None,
        day: date,
    ) -> None:
        self._papers, self._heat = candidates.papers, candidates.heat
        if again := broken_out(candidates.heat, sent):
            self._heat = {**candidates.heat, **again}
        self._ranking, self._wants = ranking, subscriber.preferences
        self._cursor, self._day = cursor, day
        self._near = THRESHOLDS[subscriber.preferences.threshold]
        self._has_votes = any(heat.votes is not None for heat in candidates.heat.values())
        self._barred = {
            paper.id: Stopped.MUTED if hidden else Stopped.SENT
            for paper, hidden in zip(self._papers, ranking.muted, strict=True)
            if hidden or (paper.id in sent and self._heat_of(paper).broke_out_from is None)
        }
        self._free = [place for place, paper in enumerate(self._papers) if paper.id not in self._barred]

    def trending(self) -> list[int]:
        """The hottest, the same for every reader but for what they had or muted."""
        hot = [place for place in self._free if self._is_talked_about(self._papers[place])]
        return nsmallest(self._wants.trending, hot, key=self._hotness)

    def picked(self, *, without: Iterable[int]) -> dict[int, bool]:
        """What stands out for this reader, fairly shared among interests; True for a paper to explore."""
        if not self._ranking.is_personal:
            return {}
        taken, room = set(without), self._wants.picked
        near = [place for place in self._free if self._is_near(place) and place not in taken]
        best = nsmallest(room * LOOKED_AT, near, key=self._order)
        chosen = shared(best, [self._ranking.facet(place) for place in best], room=room)
        chosen = various(chosen, best, self._ranking.evidence.alike(best), room=room)
        rest = [place for place in best if place not in chosen]
        if room < ROOM_TO_EXPLORE or len(chosen) < room or not rest or self._wants.mix is Mix.MINE:
            return dict.fromkeys(chosen, False)
        return {**dict.fromkeys(chosen[:-1], False), min(rest, key=self._hotness): True}

    def also_new(self, *, without: Iterable[int]) -> list[int]:
        """What came since the last digest, nearest first; without interests the hottest first."""
        taken = set(without)
        new = [place for place in self._free if self._is_new(self._papers[place]) and place not in taken]
        return nsmallest(
            self._wants.also_new, new, key=self._order if self._ranking.is_personal else self._hotness
        )

    def pick(self, place: int, section: Section, *, explores: bool = False) -> Pick:
        """The paper with both its numbers and its reason."""
        paper = self._papers[place]
        return Pick(
            paper=paper,
            section=section,
            heat=self._heat_of(paper),
            affinity=float(self._ranking.affinity[place]),
            score=self._score(place),
            reason=self._reason(place, section, explores=explores),
        )

    def stopped(self, *, chosen: Iterable[int]) -> dict[str, Stopped]:
        """The first rule that stopped every other paper."""
        left = set(self._free).difference(chosen)
        return {**self._barred, **{self._papers[place].id: self._missed(place) for place in sorted(left)}}

    def _missed(self, place: int) -> Stopped:
        if self._is_new(self._papers[place]) or self._is_near(place):
            return Stopped.NO_ROOM
        return Stopped.OLD if self._cursor is not None else Stopped.BELOW_THRESHOLD

    def _reason(self, place: int, section: Section, *, explores: bool) -> Reason:
        if section is Section.TRENDING:
            return Reason(because=Because.TREND)
        if section is Section.ALSO_NEW:
            return Reason(because=Because.NEW, held_since=self._held_since(self._papers[place]))
        found = self._ranking.reason(place)
        found = replace(found, held_since=self._held_since(self._papers[place]))
        return replace(found, because=Because.EXPLORATION) if explores else found

    def _held_since(self, paper: Paper) -> date | None:
        if paper.first_seen is None or self._cursor is None or not self._is_new(paper):
            return None
        seen = paper.first_seen.date()
        return seen if (self._day - seen).days >= HELD_DAYS else None

    def _is_new(self, paper: Paper) -> bool:
        return self._cursor is None or paper.first_seen is None or paper.first_seen > self._cursor

    def _is_near(self, place: int) -> bool:
        return self._ranking.is_personal and bool(self._ranking.affinity[place] >= self._near)

    def _is_talked_about(self, paper: Paper) -> bool:
        """Votes were read; or none were read at all today, and a source listed the paper."""
        heat = self._heat_of(paper)
        return heat.votes is not None or (not self._has_votes and paper.listed is not None)

    def _heat_of(self, paper: Paper) -> Heat:
        return self._heat.get(paper.id, NO_HEAT)

    def _hotness(self, place: int) -> tuple[float, float, str]:
        paper = self._papers[place]
        return (*hotness(self._heat_of(paper)), paper.id)

    def _score(self, place: int) -> float:
        heat = self._heat_of(self._papers[place]) if self._has_votes else None
        return score(heat, float(self._ranking.relevance[place]), self._wants.mix)

    def _order(self, place: int) -> tuple[float, float, str]:
        return -self._score(place), -float(self._ranking.affinity[place]), self._papers[place].id
