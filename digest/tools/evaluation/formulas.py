"""What do others sort by? Their formulas, as they publish them, and ours."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from math import log10

from digest.models import Paper, Signal, SignalKind
from digest.tools.evaluation.replay import PaperOrder, Signals
from digest.trending.baselines import DEFAULT, Baselines
from digest.trending.heat import expected, heat_of, trending_order
from digest.trending.surge import surge

HOUR = timedelta(hours=1)
REDDIT_SECONDS = 45_000  # one decade of votes is worth 12.5 hours

Worth = Callable[[Paper, Sequence[Signal], datetime], float]


def shipped(climate: Baselines = DEFAULT) -> PaperOrder:
    """The order that readers get."""

    def ordered(papers: Sequence[Paper], signals: Signals, now: datetime) -> list[Paper]:
        return trending_order(papers, heat_of(papers, signals, now, climate=climate))

    return ordered


def plain(papers: Sequence[Paper], signals: Signals, now: datetime) -> Sequence[Paper]:
    """E alone, with the same prior for every paper."""
    return _by(_course)(papers, signals, now)


def _by(worth: Worth) -> PaperOrder:
    """The most worthy first; equals keep their place."""

    def ordered(papers: Sequence[Paper], signals: Signals, now: datetime) -> list[Paper]:
        votes = {paper.id: _votes(signals.get(paper.id, ())) for paper in papers}
        return sorted(papers, key=lambda paper: -worth(paper, votes[paper.id], now))

    return ordered


def _votes(signals: Sequence[Signal]) -> list[Signal]:
    return [signal for signal in signals if signal.kind is SignalKind.UPVOTES]


def _raw(_paper: Paper, votes: Sequence[Signal], _now: datetime) -> float:
    return votes[-1].value if votes else 0.0


def _course(paper: Paper, votes: Sequence[Signal], _now: datetime) -> float:
    pace = DEFAULT.paces[0]
    if not votes:
        return pace.mean
    return expected(votes[-1].value, _age(paper, votes[-1].observed_at), pace)


def _hacker_news(paper: Paper, votes: Sequence[Signal], now: datetime) -> float:
    return _raw(paper, votes, now) / float((_age(paper, now) + 2) ** 1.8)


def _reddit(paper: Paper, votes: Sequence[Signal], now: datetime) -> float:
    return log10(max(_raw(paper, votes, now), 1)) + _listed(paper).timestamp() / REDDIT_SECONDS


def _moving_average(_paper: Paper, votes: Sequence[Signal], now: datetime) -> float:
    return surge(votes, now)


def _listed(paper: Paper) -> datetime:
    assert paper.listed  # noqa: S101  narrows the type: a replay has only listed papers
    return datetime.combine(paper.listed, time(), UTC)


def _age(paper: Paper, at: datetime) -> float:
    return (at - _listed(paper)) / HOUR


ORDERS: Mapping[str, PaperOrder] = {
    "shipped": shipped(),
    "E, one prior": plain,
    "raw votes": _by(_raw),
    "Hacker News": _by(_hacker_news),
    "Reddit": _by(_reddit),
    "EWMA 72 h": _by(_moving_average),
}
