"""Replay of recorded days: how many of a week's best papers an order finds, and how soon.

A replay is a file of JSON lines, a paper a line, with every reading of its votes and the rank it had when
its week ended. The rule: on weekdays at 09:30 UTC a paper exists if a reading has shown it, its votes are
those of the last reading, and it was listed within seven days; the first K not sent before are sent.
"""

import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from digest.models import Paper, Signal, SignalKind
from digest.models.errors import DigestError

SENDING_TIME = time(9, 30)
BEST_RANKS = 10  # of a week: what the digest should not miss
CANDIDATE_DAYS = 7
BOOTSTRAP_ROUNDS = 1000
ONE_DAY = timedelta(days=1)
COUNTS = {
    "upvotes": SignalKind.UPVOTES,
    "comments": SignalKind.COMMENTS,
    "github_stars": SignalKind.STARS,
}

Signals = Mapping[str, Sequence[Signal]]
PaperOrder = Callable[[Sequence[Paper], Signals, datetime], Sequence[Paper]]


@dataclass(frozen=True, slots=True)
class ReplayedPaper:
    """A paper of a replay, all its readings, and the rank it had when its week ended."""

    paper: Paper
    signals: tuple[Signal, ...]
    listed: date
    week: str
    rank: int | None
    is_fake: bool = False  # votes were injected, to see which orders fall for them

    @property
    def first_seen(self) -> datetime:
        """When a reading first showed it."""
        return self.signals[0].observed_at

    @property
    def is_best(self) -> bool:
        """Whether it ended among its week's best."""
        return self.rank is not None and self.rank <= BEST_RANKS


@dataclass(frozen=True, slots=True)
class ReplayDay:
    """What is known at the moment of sending."""

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
    """How an order did: the share of the weeks' best it sent, the same lessened by delay, wasted slots."""

    name: str
    limit: int
    recall: Estimate
    timely: Estimate
    fakes: float  # share of all slots that went to papers with injected votes


def read_replay(path: Path) -> tuple[ReplayedPaper, ...]:
    """Return the papers of a replay file, plain or gzipped, that have at least one reading.

    Raises:
        DigestError: it is no replay.

    """
    open_file = gzip.open if path.suffix == ".gz" else open
    try:
        with open_file(path, "rt", encoding="utf-8") as lines:
            papers = [_parse_paper(json.loads(line)) for line in lines if line.strip()]
    except (ValueError, KeyError, TypeError, gzip.BadGzipFile) as error:
        raise DigestError(f"{path.name} is not a replay: {error}") from error
    return tuple(paper for paper in papers if paper.signals)


def _parse_paper(fields: Mapping[str, Any]) -> ReplayedPaper:
    listed = date.fromisoformat(fields["featured"])
    paper = Paper(
        id=f"arxiv:{fields['id']}",
        title=fields["title"],
        abstract=fields["abstract"],
        authors=tuple(fields["authors"]),
        published=datetime.fromisoformat(fields["published"]).replace(tzinfo=UTC),
        listed=listed,
        submitter=fields.get("submitter") or "",
        code_url=fields.get("github") or "",
        project_url=fields.get("project_page") or "",
    )
    signals = [signal for reading in fields["snapshots"] for signal in _parse_reading(paper.id, reading)]
    signals.sort(key=lambda signal: (signal.observed_at, signal.kind))
    return ReplayedPaper(paper, tuple(signals), listed, fields["week"], fields.get("week_rank"))


def _parse_reading(paper_id: str, reading: Mapping[str, Any]) -> Iterator[Signal]:
    observed_at = datetime.fromisoformat(reading["t"])
    for name, kind in COUNTS.items():
        if reading.get(name) is not None:
            yield Signal(
                paper_id=paper_id,
                kind=kind,
                value=float(reading[name]),
                observed_at=observed_at,
                source="github" if kind is SignalKind.STARS else "huggingface",
            )


def list_sending_times(replay: Sequence[ReplayedPaper]) -> Iterator[datetime]:
    """Yield when a digest is sent, from the first listing day to the last."""
    days = [paper.listed for paper in replay]
    for number in range((max(days) - min(days)).days + 1):
        day = min(days) + number * ONE_DAY
        if day.weekday() < 5:
            yield datetime.combine(day, SENDING_TIME, UTC)


def simulate_sending(
    days: Sequence[ReplayDay], order: PaperOrder, limits: Sequence[int]
) -> dict[int, dict[str, date]]:
    """Return, by papers a day, which paper is sent when if the days are ordered so. Nothing is sent twice."""
    sent: dict[int, dict[str, date]] = {limit: {} for limit in limits}
    for day in days:
        ordered = order(day.papers, day.signals, day.now)
        for limit in limits:
            unsent = (paper.id for paper in ordered if paper.id not in sent[limit])
            sent[limit] |= dict.fromkeys(islice(unsent, limit), day.now.date())
    return sent


def score(name: str, replay: Sequence[ReplayedPaper], sent: Mapping[str, date], limit: int) -> Score:
    """Measure how much of the weeks' best was sent, and how soon: a day of delay costs a seventh.

    Raises:
        DigestError: the replay has no ranked papers.

    """
    weeks: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for paper in replay:
        if paper.is_best:
            day = sent.get(paper.paper.id)
            timely = 0.0 if day is None else 1 - (day - paper.listed) / ONE_DAY / 7
            weeks[paper.week].append((float(day is not None), timely))
    if not weeks:
        raise DigestError("This replay ranks no weeks, so there is nothing to measure against.")
    recalls = [[recall for recall, _ in results] for results in weeks.values()]
    timelies = [[timely for _, timely in results] for results in weeks.values()]
    fakes = sum(paper.is_fake and paper.paper.id in sent for paper in replay)
    return Score(name, limit, estimate(recalls), estimate(timelies), fakes / max(1, len(sent)))


def estimate(groups: Sequence[Sequence[float]]) -> Estimate:
    """Return the mean of all results, with an interval from resampling whole groups (weeks or readers)."""
    sums, sizes = np.array([sum(group) for group in groups]), np.array([len(group) for group in groups])
    chosen = np.random.default_rng(7).integers(len(groups), size=(BOOTSTRAP_ROUNDS, len(groups)))
    means = sums[chosen].sum(axis=1) / sizes[chosen].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return Estimate(float(sums.sum() / sizes.sum()), float(low), float(high))


def compare(
    replay: Sequence[ReplayedPaper],
    orders: Mapping[str, PaperOrder],
    days: Sequence[ReplayDay],
    *,
    limits: Sequence[int] = (5, 3),
) -> list[Score]:
    """Score every order on the same days."""
    scores = []
    for name, order in orders.items():
        sent = simulate_sending(days, order, limits)
        scores += [score(name, replay, sent[limit], limit) for limit in limits]
    return scores
