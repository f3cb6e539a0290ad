"""Ranking formulas of other sites, as they publish them, and ours, as orders of papers."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from math import log10

from digest.models import Paper, Signal, SignalKind
from digest.tools.evaluation.replay import PaperOrder, Signals
from digest.trending.baselines import DEFAULT_BASELINES
from digest.trending.heat import compute_heat, forecast_final_votes, sort_by_heat
from digest.trending.surge import compute_surge

HOUR = timedelta(hours=1)
REDDIT_SECONDS = 45_000  # ten times the votes are worth 12.5 hours

Formula = Callable[[Paper, Sequence[Signal], datetime], float]


def order_as_shipped(papers: Sequence[Paper], signals: Signals, now: datetime) -> list[Paper]:
    """Return the papers in the order that readers get."""
    return sort_by_heat(papers, compute_heat(papers, signals, now, baselines=DEFAULT_BASELINES))


def _order_by(formula: Formula) -> PaperOrder:
    """Return an order by the formula's value, highest first; equals keep their order."""

    def order(papers: Sequence[Paper], signals: Signals, now: datetime) -> list[Paper]:
        votes = {
            paper.id: [signal for signal in signals.get(paper.id, ()) if signal.kind is SignalKind.UPVOTES]
            for paper in papers
        }
        return sorted(papers, key=lambda paper: -formula(paper, votes[paper.id], now))

    return order


def _raw_votes(_paper: Paper, votes: Sequence[Signal], _now: datetime) -> float:
    return votes[-1].value if votes else 0.0


def _forecast(paper: Paper, votes: Sequence[Signal], _now: datetime) -> float:
    """Forecast the final votes E, with the same prior for every paper."""
    curve = DEFAULT_BASELINES.curves[0]
    if not votes:
        return curve.mean
    return forecast_final_votes(votes[-1].value, _get_age(paper, votes[-1].observed_at), curve)


def _hacker_news(paper: Paper, votes: Sequence[Signal], now: datetime) -> float:
    return _raw_votes(paper, votes, now) / float((_get_age(paper, now) + 2) ** 1.8)


def _reddit(paper: Paper, votes: Sequence[Signal], now: datetime) -> float:
    return log10(max(_raw_votes(paper, votes, now), 1)) + _get_listed(paper).timestamp() / REDDIT_SECONDS


def _get_listed(paper: Paper) -> datetime:
    assert paper.listed  # noqa: S101  narrows the type: a replay has only listed papers
    return datetime.combine(paper.listed, time(), UTC)


def _get_age(paper: Paper, at: datetime) -> float:
    """Return the hours since the start of the listing day."""
    return (at - _get_listed(paper)) / HOUR


ORDERS: Mapping[str, PaperOrder] = {
    "shipped": order_as_shipped,
    "E, one prior": _order_by(_forecast),
    "raw votes": _order_by(_raw_votes),
    "Hacker News": _order_by(_hacker_news),
    "Reddit": _order_by(_reddit),
    "EWMA 72 h": _order_by(lambda _, votes, now: compute_surge(votes, now)),
}
