"""Does an order of the papers find a week's best, and how soon? Days replayed, each knowing only its past.

A replay is a file of JSON lines, a paper a line, with every reading of its votes and the place it had when
its week ended. The rule: on weekday mornings at 09:30 UTC a paper exists if a reading has shown it, its
votes are those of the last reading, listed within seven days; the first K not sent before are sent.
"""

import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from digest.models import Paper, Signal, SignalKind
from digest.models.errors import DigestError

SENDING = time(9, 30)
BEST = 10  # of a week: what the digest should not miss
POOL_DAYS = 7
ROUNDS = 1000  # of the bootstrap
ONE_DAY = timedelta(days=1)
Signals = Mapping[str, Sequence[Signal]]
PaperOrder = Callable[[Sequence[Paper], Signals, datetime], Sequence[Paper]]


@dataclass(frozen=True, slots=True)
class Replayed:
    """A paper of a replay, all its readings, and the place it had when its week ended."""

    paper: Paper
    signals: tuple[Signal, ...]
    listed: date
    week: str
    rank: int | None
    is_fake: bool = False  # votes were injected, to see who falls for them

    @property
    def seen(self) -> datetime:
        """When a reading first showed it."""
        return self.signals[0].observed_at

    @property
    def is_best(self) -> bool:
        """Whether it ended among its week's best."""
        return self.rank is not None and self.rank <= BEST


@dataclass(frozen=True, slots=True)
class ReplayDay:
    """What can be known at the moment of sending."""

    now: datetime
    papers: tuple[Paper, ...]
    signals: Signals


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured mean with its 95 % interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True)
class Score:
    """How an order did: the part of the weeks' best it found, the same lessened by delay, wasted slots."""

    name: str
    limit: int
    recall: Estimate
    timely: Estimate
    fakes: float  # part of all slots that went to papers with injected votes


def read_replay(path: Path) -> tuple[Replayed, ...]:
    """The papers of a replay file, plain or gzipped, that were read at least once."""
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8") as lines:
            papers = [_replayed(json.loads(line)) for line in lines if line.strip()]
    except (ValueError, KeyError, TypeError, gzip.BadGzipFile) as error:
        raise DigestError(f"{path.name} is not a replay: {error}") from error
    return tuple(each for each in papers if each.signals)


def mornings(replay: Sequence[Replayed]) -> list[ReplayDay]:
    """Every weekday of a replay, with what could be known on it."""
    return [_morning(replay, now) for now in sendings(replay)]


def sendings(replay: Sequence[Replayed]) -> Iterator[datetime]:
    """When a digest goes out, from the first listing day to the last."""
    days = [each.listed for each in replay]
    for number in range((max(days) - min(days)).days + 1):
        day = min(days) + number * ONE_DAY
        if day.weekday() < 5:
            yield datetime.combine(day, SENDING, UTC)


def play(days: Sequence[ReplayDay], order: PaperOrder, limits: Sequence[int]) -> dict[int, dict[str, date]]:
    """What is sent when, for each number of papers a day, if the days are ordered so. Nothing twice."""
    sent: dict[int, dict[str, date]] = {limit: {} for limit in limits}
    for morning in days:
        ordered = order(morning.papers, morning.signals, morning.now)
        for limit in limits:
            fresh = (paper.id for paper in ordered if paper.id not in sent[limit])
            sent[limit] |= dict.fromkeys(islice(fresh, limit), morning.now.date())
    return sent


def score(name: str, replay: Sequence[Replayed], sent: Mapping[str, date], limit: int) -> Score:
    """How much of the weeks' best was sent, and how soon: a day of delay costs a seventh."""
    weeks: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for each in replay:
        if each.is_best:
            day = sent.get(each.paper.id)
            timely = 0.0 if day is None else 1 - (day - each.listed) / ONE_DAY / 7
            weeks[each.week].append((float(day is not None), timely))
    if not weeks:
        raise DigestError("This replay ranks no weeks, so there is nothing to measure against.")
    found = [[recall for recall, _ in results] for results in weeks.values()]
    soon = [[timely for _, timely in results] for results in weeks.values()]
    fakes = sum(each.is_fake and each.paper.id in sent for each in replay)
    return Score(name, limit, estimate(found), estimate(soon), fakes / max(1, len(sent)))


def estimate(weeks: Sequence[Sequence[float]]) -> Estimate:
    """The mean of all results, with an interval from resampling whole weeks."""
    sums, sizes = np.array([sum(week) for week in weeks]), np.array([len(week) for week in weeks])
    chosen = np.random.default_rng(7).integers(len(weeks), size=(ROUNDS, len(weeks)))
    means = sums[chosen].sum(axis=1) / sizes[chosen].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return Estimate(float(sums.sum() / sizes.sum()), float(low), float(high))


def compare(
    replay: Sequence[Replayed],
    orders: Mapping[str, PaperOrder],
    *,
    limits: Sequence[int] = (5, 3),
    days: Sequence[ReplayDay] | None = None,
) -> list[Score]:
    """Every order on the same days."""
    days = mornings(replay) if days is None else days
    scores = []
    for name, order in orders.items():
        sent = play(days, order, limits)
        scores += [score(name, replay, sent[limit], limit) for limit in limits]
    return scores


def _morning(replay: Sequence[Replayed], now: datetime) -> ReplayDay:
    oldest = now.date() - POOL_DAYS * ONE_DAY
    there = [each for each in replay if each.seen <= now and oldest < each.listed <= now.date()]
    return ReplayDay(
        now,
        tuple(each.paper for each in there),
        {each.paper.id: tuple(s for s in each.signals if s.observed_at <= now) for each in there},
    )


def _replayed(told: Mapping[str, Any]) -> Replayed:
    listed = date.fromisoformat(told["featured"])
    paper = Paper(
        id=f"arxiv:{told['id']}",
        title=told["title"],
        abstract=told["abstract"],
        authors=tuple(told["authors"]),
        published=datetime.fromisoformat(told["published"]).replace(tzinfo=UTC),
        listed=listed,
        submitter=told.get("submitter") or "",
        code_url=told.get("github") or "",
        project_url=told.get("project_page") or "",
    )
    signals = [signal for reading in told["snapshots"] for signal in _signals(paper.id, reading)]
    signals.sort(key=lambda signal: (signal.observed_at, signal.kind))
    return Replayed(paper, tuple(signals), listed, told["week"], told.get("week_rank"))


COUNTS = {
    "upvotes": SignalKind.UPVOTES,
    "comments": SignalKind.COMMENTS,
    "github_stars": SignalKind.STARS,
}


def _signals(paper_id: str, reading: Mapping[str, Any]) -> Iterator[Signal]:
    at = datetime.fromisoformat(reading["t"])
    for name, kind in COUNTS.items():
        if reading.get(name) is not None:
            source = "github" if kind is SignalKind.STARS else "huggingface"
            yield Signal(
                paper_id=paper_id, kind=kind, value=float(reading[name]), observed_at=at, source=source
            )


FAKED = 0.05  # of all papers
SILENT = 0.3  # of all mornings


def with_fake_votes(replay: Sequence[Replayed], votes: float, *, seed: int) -> tuple[Replayed, ...]:
    """One paper in twenty got so many bought votes before its first reading."""
    chosen = np.random.default_rng(seed).random(len(replay)) < FAKED
    return tuple(_faked(each, votes) if fake else each for each, fake in zip(replay, chosen, strict=True))


def with_silent_mornings(days: Sequence[ReplayDay], *, seed: int) -> tuple[ReplayDay, ...]:
    """On three mornings in ten the list is known, but no votes have been read that day."""
    chosen = np.random.default_rng(seed).random(len(days)) < SILENT
    return tuple(_silenced(day) if silent else day for day, silent in zip(days, chosen, strict=True))


def _faked(each: Replayed, votes: float) -> Replayed:
    signals = tuple(_more(signal, votes) for signal in each.signals)
    return replace(each, signals=signals, is_fake=True)


def _more(signal: Signal, votes: float) -> Signal:
    return replace(signal, value=signal.value + votes) if signal.kind is SignalKind.UPVOTES else signal


def _silenced(day: ReplayDay) -> ReplayDay:
    midnight = datetime.combine(day.now, time(), UTC)
    signals: Signals = {
        name: tuple(signal for signal in readings if signal.observed_at < midnight)
        for name, readings in day.signals.items()
    }
    return replace(day, signals=signals)
