"""Do readers find what they liked? The last days sent again under a setting, each knowing only its past.

What a reader liked of these days is held out of the profile and hoped for in the mails. nDCG@10 takes the
papers of a mail by their score; repeats are papers that came before in the same replay.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from math import log2

from digest.db import Database
from digest.models import Edition, Profile, Section, Sent, Subscriber
from digest.pipeline.day import POOL, DayContext, morning
from digest.ranking.embeddings import Embedding
from digest.subscribers.validation import changed
from digest.tools.evaluation.replay import Estimate, estimate

DEPTH = 10
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to send the days: wishes that every reader is given, and what tells the meaning of texts."""

    name: str
    wishes: Mapping[str, object]
    vectors: Embedding | None


@dataclass(frozen=True, slots=True)
class Mailed:
    """How one mail of the replay did."""

    reader: int
    day: date
    ndcg: float | None  # None when nothing was there that the reader liked
    papers: int
    repeats: int
    facets: Mapping[str, int]  # picks for each interest


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """How a setting did; intervals from resampling readers. None: nobody liked anything of these days."""

    setting: str
    mails: int
    ndcg: Estimate | None
    repeats: float
    facets: Mapping[str, float]  # each interest's part of the picks


def replay(
    store: Database, setting: Setting, readers: Sequence[Subscriber], days: Sequence[datetime]
) -> list[Mailed]:
    """Every day's mail to every reader under a setting."""
    late = _first_seen_in(store, days)
    sent: dict[int, dict[str, Sent]] = defaultdict(dict)
    mailed: list[Mailed] = []
    for now in days:
        today = morning(store, now, vectors=setting.vectors)
        mailed += _sent_on(today, [_as_of(reader, today, late, setting) for reader in readers], sent)
    return mailed


def outcome(setting: str, mailed: Sequence[Mailed]) -> EvaluationResult:
    """The figures of a replay."""
    found = _by_reader((each.reader, each.ndcg) for each in mailed)
    papers = sum(each.papers for each in mailed)
    facets = sum((Counter(each.facets) for each in mailed), Counter[str]())
    return EvaluationResult(
        setting=setting,
        mails=len(mailed),
        ndcg=estimate(found) if found else None,
        repeats=sum(each.repeats for each in mailed) / max(1, papers),
        facets={name: count / facets.total() for name, count in facets.most_common()},
    )


def gained(before: Sequence[Mailed], after: Sequence[Mailed]) -> Estimate | None:
    """What the second setting gains in nDCG on the mails that both can be measured on."""
    known = {(each.reader, each.day): each.ndcg for each in before if each.ndcg is not None}
    both = (
        (each.reader, each.ndcg - known[each.reader, each.day])
        for each in after
        if each.ndcg is not None and (each.reader, each.day) in known
    )
    found = _by_reader(both)
    return estimate(found) if found else None


def ndcg(order: Sequence[str], wanted: frozenset[str]) -> float:
    """How high the wanted papers stand among the first ten; 1 when none could stand higher."""
    best = sum(1 / log2(place + 2) for place in range(min(DEPTH, len(wanted))))
    found = sum(1 / log2(place + 2) for place, paper in enumerate(order[:DEPTH]) if paper in wanted)
    return found / best if best else 0.0


def _by_reader(found: Iterable[tuple[int, float | None]]) -> list[list[float]]:
    readers: dict[int, list[float]] = defaultdict(list)
    for reader, value in found:
        if value is not None:
            readers[reader].append(value)
    return list(readers.values())


@dataclass(frozen=True, slots=True)
class _Asked:
    """A reader as they were before these days, and what they came to like of them."""

    reader: Subscriber
    wanted: frozenset[str]


def _as_of(reader: Subscriber, today: DayContext, late: frozenset[str], setting: Setting) -> _Asked:
    """What was liked of the replayed days is hoped for, and what was learnt from it is unlearnt."""
    seen = today.columns.place
    liked = {each.paper_id for each in reader.profile.liked}
    held = frozenset(liked & late)
    as_was = replace(reader, profile=_without(reader.profile, held), cursor=today.now - A_DAY)
    return _Asked(changed(as_was, setting.wishes), held & seen.keys())


def _first_seen_in(store: Database, days: Sequence[datetime]) -> frozenset[str]:
    """The papers that any of these days could send."""
    with store.begin(write=False) as tx:
        return frozenset(paper.id for paper in tx.papers.pool(days[0] - POOL, days[-1]))


def _without(profile: Profile, papers: frozenset[str]) -> Profile:
    kept = tuple(each for each in profile.liked if each.paper_id not in papers)
    return replace(profile, liked=kept, learnt=profile.learnt if len(kept) == len(profile.liked) else ())


def _sent_on(today: DayContext, asked: Sequence[_Asked], sent: dict[int, dict[str, Sent]]) -> list[Mailed]:
    readers = [(each.reader, today.now) for each in asked]
    editions = [edition for edition, _ in today.editions(readers, sent)]
    found = [_mailed(edition, each, sent) for edition, each in zip(editions, asked, strict=True)]
    for edition in editions:
        sent[edition.subscriber.id] |= {
            pick.paper.id: Sent(day=edition.day, expected=pick.heat.expected, votes=pick.heat.votes)
            for pick in edition.picks
        }
    return found


def _mailed(edition: Edition, asked: _Asked, sent: Mapping[int, Mapping[str, Sent]]) -> Mailed:
    before = sent[edition.subscriber.id]
    wanted = asked.wanted - before.keys()
    order = [pick.paper.id for pick in sorted(edition.picks, key=lambda pick: -pick.score)]
    return Mailed(
        reader=edition.subscriber.id,
        day=edition.day,
        ndcg=ndcg(order, wanted) if wanted else None,
        papers=len(edition.picks),
        repeats=sum(paper in before for paper in order),
        facets=Counter(pick.reason.facet for pick in edition.section(Section.PICKED)),
    )
