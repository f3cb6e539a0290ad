"""Evaluation of the personal picks: recent days sent again under a setting, each knowing only its past.

What a reader liked of these days is held out of the profile and looked for in the mails. nDCG@10 takes the
papers of a mail by their score; repeats are papers that were sent before in the same replay.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from math import log2

from digest.db import Database
from digest.models import Edition, Profile, Section, Sent, Subscriber
from digest.pipeline.day import CANDIDATE_WINDOW, DayContext, load_day
from digest.ranking.embeddings import EmbeddingModel
from digest.subscribers.validation import apply_changes
from digest.tools.evaluation.replay import Estimate, estimate

NDCG_DEPTH = 10
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class EvaluationSetting:
    """One way to send the days: changes applied to every reader, and the embedding model."""

    name: str
    changes: Mapping[str, object]
    embedding_model: EmbeddingModel | None


@dataclass(frozen=True, slots=True)
class EvaluatedMail:
    """How one mail of the replay did."""

    reader: int
    day: date
    ndcg: float | None  # None when there was no unsent candidate that the reader liked
    papers: int
    repeats: int
    facets: Mapping[str, int]  # picks for each interest


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """How a setting did; intervals from resampling readers. None: nobody liked a paper of these days."""

    setting: str
    mails: int
    ndcg: Estimate | None
    repeats: float
    facets: Mapping[str, float]  # each interest's share of the picks


TestReader = tuple[Subscriber, frozenset[str]]  # as they were before these days, and the papers to find


def replay(
    store: Database, setting: EvaluationSetting, readers: Sequence[Subscriber], days: Sequence[datetime]
) -> list[EvaluatedMail]:
    """Build and evaluate every day's mail to every reader under a setting."""
    with store.begin(write=False) as tx:
        papers = tx.papers.list_candidates(days[0] - CANDIDATE_WINDOW, days[-1])
    candidates = frozenset(paper.id for paper in papers)
    sent: dict[int, dict[str, Sent]] = defaultdict(dict)
    mails: list[EvaluatedMail] = []
    for now in days:
        today = load_day(store, now, embedding_model=setting.embedding_model)
        mails += _send_day(today, [_hold_out(reader, today, candidates, setting) for reader in readers], sent)
    return mails


def summarize(setting: str, mails: Sequence[EvaluatedMail]) -> EvaluationResult:
    """Return the figures of a replay."""
    values = _group_by_reader((mail.reader, mail.ndcg) for mail in mails)
    papers = sum(mail.papers for mail in mails)
    facets = sum((Counter(mail.facets) for mail in mails), Counter[str]())
    return EvaluationResult(
        setting=setting,
        mails=len(mails),
        ndcg=estimate(values) if values else None,
        repeats=sum(mail.repeats for mail in mails) / max(1, papers),
        facets={name: count / facets.total() for name, count in facets.most_common()},
    )


def measure_gain(before: Sequence[EvaluatedMail], after: Sequence[EvaluatedMail]) -> Estimate | None:
    """Return the gain in nDCG on the mails that have one under both settings; None if there are none."""
    base = {(mail.reader, mail.day): mail.ndcg for mail in before if mail.ndcg is not None}
    gains = (
        (mail.reader, mail.ndcg - base[mail.reader, mail.day])
        for mail in after
        if mail.ndcg is not None and (mail.reader, mail.day) in base
    )
    values = _group_by_reader(gains)
    return estimate(values) if values else None


def ndcg(order: Sequence[str], liked: frozenset[str]) -> float:
    """Return nDCG@10 of an order: 1 when no liked paper could stand higher, 0 when none is liked."""
    ideal = sum(1 / log2(index + 2) for index in range(min(NDCG_DEPTH, len(liked))))
    actual = sum(1 / log2(index + 2) for index, paper in enumerate(order[:NDCG_DEPTH]) if paper in liked)
    return actual / ideal if ideal else 0.0


def _group_by_reader(values: Iterable[tuple[int, float | None]]) -> list[list[float]]:
    by_reader: dict[int, list[float]] = defaultdict(list)
    for reader, value in values:
        if value is not None:
            by_reader[reader].append(value)
    return list(by_reader.values())


def _hold_out(
    reader: Subscriber, today: DayContext, candidates: frozenset[str], setting: EvaluationSetting
) -> TestReader:
    """Remove what was liked of the replayed days from the profile, with what was learnt from it."""
    held_out = frozenset(liked.paper_id for liked in reader.profile.liked) & candidates
    past_reader = replace(reader, profile=_forget(reader.profile, held_out), cursor=today.now - ONE_DAY)
    return (apply_changes(past_reader, setting.changes), held_out & today.candidate_arrays.index_by_id.keys())


def _forget(profile: Profile, papers: frozenset[str]) -> Profile:
    liked = tuple(paper for paper in profile.liked if paper.paper_id not in papers)
    return replace(profile, liked=liked, learnt=profile.learnt if len(liked) == len(profile.liked) else ())


def _send_day(
    today: DayContext, test_readers: Sequence[TestReader], sent: dict[int, dict[str, Sent]]
) -> list[EvaluatedMail]:
    """Evaluate the day's mail to every reader, then add its papers to *sent*."""
    readers = [(reader, today.now) for reader, _ in test_readers]
    editions = [edition for edition, _ in today.build_editions(readers, sent)]
    mails = [
        _evaluate_mail(edition, liked, sent)
        for edition, (_, liked) in zip(editions, test_readers, strict=True)
    ]
    for edition in editions:
        sent[edition.subscriber.id] |= {
            pick.paper.id: Sent(day=edition.day, expected=pick.heat.expected, votes=pick.heat.votes)
            for pick in edition.picks
        }
    return mails


def _evaluate_mail(
    edition: Edition, liked: frozenset[str], sent: Mapping[int, Mapping[str, Sent]]
) -> EvaluatedMail:
    sent_before = sent[edition.subscriber.id]
    liked -= sent_before.keys()
    order = [pick.paper.id for pick in sorted(edition.picks, key=lambda pick: -pick.score)]
    return EvaluatedMail(
        reader=edition.subscriber.id,
        day=edition.day,
        ndcg=ndcg(order, liked) if liked else None,
        papers=len(edition.picks),
        repeats=sum(paper in sent_before for paper in order),
        facets=Counter(pick.reason.facet for pick in edition.get_picks(Section.PICKED)),
    )
