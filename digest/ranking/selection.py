"""Which papers go into one reader's mail, in which section, and what stopped the others?"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property

import numpy as np

from digest.models import Candidates, Mix, Pick, Reason, ReasonKind, Section, Sent, Subscriber, Threshold
from digest.ranking.bm25 import Floats
from digest.ranking.candidate_arrays import CandidateArrays, Numbers, Truths
from digest.ranking.ranker import Ranking
from digest.ranking.score import OPENNESS

NARROW = 0.15  # mean likeness of the best papers from which a reader's interest is narrow
VARIETY = 0.3  # how much unlikeness then counts beside the order (MMR)


def shared(best: Sequence[int], facets: Sequence[str], *, room: int) -> list[int]:
    """The first papers of each interest up to its share, then the best of the rest; in the given order."""
    share = max(1, room // (len(set(facets)) or 1))
    count: Counter[str] = Counter()
    chosen: list[int] = []
    for place, facet in zip(best, facets, strict=True):
        if count[facet] < share and len(chosen) < room:
            chosen.append(place)
            count[facet] += 1
    rest = [place for place in best if place not in chosen]
    kept = {*chosen, *rest[: room - len(chosen)]}
    return [place for place in best if place in kept]


def various(chosen: Sequence[int], best: Sequence[int], alike: Floats, *, room: int) -> list[int]:
    """The chosen papers; for a narrow reader instead a run through the best that avoids repeating itself."""
    first = min(len(best), room)
    if first < 2 or _likeness(alike[:first, :first]) < NARROW:
        return list(chosen)
    left, taken = list(range(len(best))), [0]
    left.remove(0)
    while left and len(taken) < first:
        loss = {at: (1 - VARIETY) * at / len(best) + VARIETY * float(alike[at, taken].max()) for at in left}
        following = min(left, key=lambda at: (loss[at], at))
        taken.append(following)
        left.remove(following)
    return [best[at] for at in taken]


def _likeness(alike: Floats) -> float:
    size = len(alike)
    return float((alike.sum() - np.trace(alike)) / (size * (size - 1)))


# Affinity in standard deviations: below it a paper is not picked, and nothing pads. By score.relevance a
# paper right at it is worth showing with a probability of 0.07, 0.12 or 0.22.
THRESHOLDS = {Threshold.LOOSE: 1.0, Threshold.USUAL: 1.6, Threshold.STRICT: 2.6}
LOOKED_AT = 3  # times as many papers as there are places are looked at for variety and exploration
ROOM_TO_EXPLORE = 5  # places; with fewer, every one goes to the best
DECIMALS = 4
HELD_DAYS = 2  # a paper announced so long ago was kept for the reader, and the mail says so


class Stopped(StrEnum):
    """The first rule that kept a paper out of an edition."""

    SENT = "sent"
    MUTED = "muted"
    OLD = "old"
    BELOW_THRESHOLD = "below-threshold"
    NO_ROOM = "no-room"


@dataclass(frozen=True)
class Selection:
    """What was chosen for one reader, and for every other candidate the first rule that stopped it.

    The picks are worked out when somebody asks: whoever plans for many readers asks when all have chosen.
    """

    _choice: "_Choice"
    _places: Mapping[Section, Sequence[int]]
    _explored: int | None

    @cached_property
    def picks(self) -> tuple[Pick, ...]:
        """The picks in the order of the mail."""
        sections = [section for section, places in self._places.items() for _ in places]
        return tuple(self._choice.picks(self._chosen, sections, explored=self._explored))

    @cached_property
    def stopped(self) -> Mapping[str, Stopped]:
        """What stopped the others."""
        return self._choice.stopped(self._chosen)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader is told for whom nothing was picked, though they said what they care about."""
        return self._choice.notes(self._places)

    @property
    def _chosen(self) -> list[int]:
        return [place for places in self._places.values() for place in places]


def select(  # noqa: PLR0913  the day and the memory of a reader, each by its name
    candidates: Candidates | CandidateArrays,
    ranking: Ranking,
    subscriber: Subscriber,
    *,
    sent: Mapping[str, Sent],
    cursor: datetime | None,
    day: date,
) -> Selection:
    """One reader's edition: what everyone talks about, what is theirs, and what else is new.

    Nothing appears twice, nothing was sent before unless it broke out since, nothing muted appears at all.
    Whoever selects for many readers gives the day as `Columns`, made once.
    """
    columns = candidates if isinstance(candidates, CandidateArrays) else CandidateArrays(candidates)
    choice = _Choice(columns, ranking, subscriber, sent=sent, cursor=cursor, day=day)
    trending, (picked, explored) = choice.trending(), choice.picked()
    ranking.note(picked)
    places = {Section.TRENDING: trending, Section.PICKED: picked, Section.ALSO_NEW: choice.also_new()}
    return Selection(choice, places, explored)


class _Choice:
    """What is open to one reader today; places are those of the candidates, and what is taken is gone."""

    def __init__(  # noqa: PLR0913  as select
        self,
        columns: CandidateArrays,
        ranking: Ranking,
        subscriber: Subscriber,
        *,
        sent: Mapping[str, Sent],
        cursor: datetime | None,
        day: date,
    ) -> None:
        self._columns, self._ranking, self._wants = columns, ranking, subscriber.preferences
        self._cursor, self._lately = cursor, day - timedelta(days=HELD_DAYS)
        self._again = columns.breakouts.of(sent)
        had = [columns.place[name] for name in sent if name in columns.place and name not in self._again]
        self._sent = [place for place in had if columns.heats[place].broke_out_from is None]
        self._is_near = ranking.affinity >= THRESHOLDS[self._wants.threshold]
        self._is_near &= ranking.is_personal
        self._is_new = columns.is_new(cursor)
        self._score = _scores(columns, ranking, self._wants.mix)
        self._open = ~ranking.muted
        self._open[self._sent] = False

    def trending(self) -> list[int]:
        """The hottest, the same for every reader but for what they had or muted."""
        return self._taken(self._hottest(self._wants.trending, self._columns.is_talked_about))

    def picked(self) -> tuple[list[int], int | None]:
        """What stands out for this reader, fairly shared among interests; and which is there to explore."""
        room = self._wants.picked
        best = self._best(room * LOOKED_AT, self._is_near)
        chosen = shared(best, self._ranking.facets(best), room=room)
        chosen = various(chosen, best, self._ranking.evidence.alike(best), room=room)
        rest = [place for place in best if place not in chosen]
        if room < ROOM_TO_EXPLORE or len(chosen) < room or not rest or self._wants.mix is Mix.MINE:
            return self._taken(chosen), None
        explored = min(rest, key=lambda place: self._columns.hottest[place])
        return self._taken([*chosen[:-1], explored]), explored

    def also_new(self) -> list[int]:
        """What came since the last digest, nearest first; without interests the hottest first."""
        room = self._wants.also_new
        order = self._best if self._ranking.is_personal else self._hottest
        return self._taken(order(room, self._is_new))

    def picks(
        self, places: Sequence[int], sections: Sequence[Section], *, explored: int | None
    ) -> Iterator[Pick]:
        """These papers with both their numbers and their reasons."""
        papers, heats = self._columns.candidates.papers, self._columns.heats
        at = np.array(places, np.intp)
        affinity, score = _rounded(self._ranking.affinity[at]), _rounded(self._score[at])
        for place, section, near, worth in zip(places, sections, affinity, score, strict=True):
            yield Pick(
                paper=papers[place],
                section=section,
                heat=self._again.get(papers[place].id) or heats[place],
                affinity=near,
                score=worth,
                reason=self._reason(place, section, explores=place == explored),
            )

    def notes(self, places: Mapping[Section, Sequence[int]]) -> tuple[str, ...]:
        """Why nothing was picked for a reader with interests: all that is near trends, or nothing is near."""
        asked = self._wants.picked and self._ranking.is_personal and any(places.values())
        if not asked or places[Section.PICKED]:
            return ()
        trends = self._is_near[[*places[Section.TRENDING]]].any()
        return ("near-is-trending" if trends else "nothing-near",)

    def stopped(self, chosen: Sequence[int]) -> dict[str, Stopped]:
        """The first rule that stopped every paper that was not chosen."""
        papers = self._columns.candidates.papers
        left = np.setdiff1d(np.arange(len(papers)), chosen)
        return {papers[place].id: self._missed(place) for place in left.tolist()}

    def _missed(self, place: int) -> Stopped:
        if self._ranking.muted[place]:
            return Stopped.MUTED
        if place in self._sent:
            return Stopped.SENT
        if self._is_near[place]:
            return Stopped.NO_ROOM
        if not self._is_new[place]:
            return Stopped.OLD
        return Stopped.BELOW_THRESHOLD if self._ranking.is_personal else Stopped.NO_ROOM

    def _taken(self, places: list[int]) -> list[int]:
        self._open[places] = False
        return places

    def _hottest(self, room: int, fit: Truths) -> list[int]:
        """The first of the trending list that are open to this reader and fit."""
        by_heat = self._columns.by_heat
        found: list[int] = by_heat[(self._open & fit)[by_heat]][:room].tolist()
        return found

    def _best(self, room: int, fit: Truths) -> list[int]:
        """The best by score, then by nearness, then by id, that are open to this reader and fit."""
        found = np.flatnonzero(self._open & fit)
        if 0 < room < len(found):  # sort only what can be among them; equals of the last one too
            scores = self._score[found]
            found = found[scores >= np.partition(scores, len(found) - room)[len(found) - room]]
        keys = (self._columns.alphabet[found], -self._ranking.affinity[found], -self._score[found])
        best: list[int] = found[np.lexsort(keys)[:room]].tolist()
        return best

    def _reason(self, place: int, section: Section, *, explores: bool) -> Reason:
        if section is Section.TRENDING:
            return _TREND
        held = self._held_since(place)
        if section is Section.ALSO_NEW:
            return Reason(because=ReasonKind.NEW, held_since=held) if held else _NEW
        found = self._ranking.reason(place, held_since=held)
        return replace(found, because=ReasonKind.EXPLORATION) if explores else found

    def _held_since(self, place: int) -> date | None:
        seen = self._columns.seen_on[place]
        if seen is None or self._cursor is None or seen > self._lately or not self._is_new[place]:
            return None
        return seen


_TREND, _NEW = Reason(because=ReasonKind.TREND), Reason(because=ReasonKind.NEW)


def _rounded(numbers: np.ndarray[tuple[int, ...], np.dtype[np.floating]]) -> list[float]:
    """As the ledger keeps them: what is shown again later is what was chosen."""
    return [round(number, DECIMALS) for number in numbers.tolist()]


def _scores(columns: CandidateArrays, ranking: Ranking, mix: Mix) -> Numbers:
    """`digest.ranking.score.score` of every paper at once."""
    wanted = ranking.relevance.astype(np.float64)
    return wanted if columns.attention is None else columns.attention * (wanted + OPENNESS[mix])
