"""Which papers go into one reader's mail, in which section, and what stopped the others?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from digest.model import Because, Candidates, Heat, Paper, Pick, Reason, Section, Sent, Subscriber
from digest.rank.interest import Ranking
from digest.rank.score import score

THRESHOLD = 1.6  # affinity in standard deviations: below it a paper is not picked, and nothing pads
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


def select(
    candidates: Candidates,
    ranking: Ranking,
    subscriber: Subscriber,
    *,
    sent: Mapping[str, Sent],
    cursor: datetime | None,
    day: date,
) -> Selection:
    """One reader's edition: what everyone talks about, what is theirs, and what else is new."""
    papers, wants = candidates.papers, subscriber.preferences
    stopped: dict[str, Stopped] = {}
    for paper, hidden in zip(papers, ranking.muted, strict=True):
        if hidden:
            stopped[paper.id] = Stopped.MUTED
        elif paper.id in sent and (heat := candidates.heat.get(paper.id)) and heat.broke_out_from is None:
            stopped[paper.id] = Stopped.SENT
        elif paper.id in sent and paper.id not in candidates.heat:
            stopped[paper.id] = Stopped.SENT
    free = [place for place, paper in enumerate(papers) if paper.id not in stopped]
    picks: list[Pick] = []

    def take(places: list[int], section: Section) -> None:
        for place in places:
            picks.append(_pick(candidates, ranking, subscriber, place, section))
            free.remove(place)

    heated = [place for place in free if papers[place].id in candidates.heat]
    heated.sort(key=lambda place: (-candidates.heat[papers[place].id].value, papers[place].id))
    take(heated[: wants.trending], Section.TRENDING)
    if ranking.is_personal:
        near = [place for place in free if ranking.affinity[place] >= THRESHOLD]
        near.sort(key=lambda place: (-_score(candidates, ranking, subscriber, place), papers[place].id))
        take(near[: wants.picked], Section.PICKED)
    fresh = [place for place in free if _is_new(papers[place], cursor)]
    fresh.sort(key=lambda place: (-float(ranking.affinity[place]), papers[place].id))
    take(fresh[: wants.also_new], Section.ALSO_NEW)
    for place in free:
        old = not _is_new(papers[place], cursor)
        stopped[papers[place].id] = Stopped.OLD if old else Stopped.NO_ROOM
    return Selection(tuple(picks), stopped)


def _is_new(paper: Paper, cursor: datetime | None) -> bool:
    return cursor is None or paper.first_seen is None or paper.first_seen > cursor


def _score(candidates: Candidates, ranking: Ranking, subscriber: Subscriber, place: int) -> float:
    heat = candidates.heat.get(candidates.papers[place].id)
    return score(heat, float(ranking.relevance[place]), subscriber.preferences.mix)


def _pick(
    candidates: Candidates, ranking: Ranking, subscriber: Subscriber, place: int, section: Section
) -> Pick:
    paper = candidates.papers[place]
    because = {Section.TRENDING: Because.TREND, Section.ALSO_NEW: Because.NEW}.get(section)
    return Pick(
        paper=paper,
        section=section,
        heat=candidates.heat.get(paper.id, NO_HEAT),
        affinity=float(ranking.affinity[place]),
        score=_score(candidates, ranking, subscriber, place),
        reason=Reason(because=because) if because else ranking.reason(place),
    )
