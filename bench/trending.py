"""Quality of trending: how many of a week's ten most voted papers each order finds, on recorded votes.

    DIGEST_REPLAY=../shared/replay python bench/trending.py [--history]

Prints recall and timely recall with 95 % intervals for the shipped order beside raw votes, Hacker News,
Reddit and EWMA, then with bought votes and with mornings on which no votes could be read.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path
from statistics import fmean
from time import monotonic

import numpy as np

from digest.models import SignalKind
from digest.tools.evaluation.formulas import ORDERS
from digest.tools.evaluation.replay import (
    CANDIDATE_DAYS,
    ONE_DAY,
    PaperOrder,
    ReplayDay,
    ReplayedPaper,
    Signals,
    compare,
    list_sending_times,
    read_replay,
)

Run = tuple[Sequence[ReplayedPaper], Sequence[ReplayDay]]

SEEDS = range(3)
FAKE_SHARE = 0.05  # of all papers
SILENT_SHARE = 0.3  # of all days
LIMITS = (5, 3)
HARDER_ORDERS = {
    name: ORDERS[name] for name in ("shipped", "E, one prior", "raw votes", "Hacker News", "EWMA 72 h")
}


def main() -> None:
    """Measure the replay, and with --history the months before it."""
    folder = Path(os.environ.get("DIGEST_REPLAY") or Path(__file__).parents[2] / "shared" / "replay")
    paths = sorted(folder.glob("papers-*.jsonl.gz"))
    if "--history" in sys.argv:
        paths += sorted(folder.glob("history-*.jsonl.gz"))
    if not paths:
        sys.exit(f"no replay in {folder.name}; set DIGEST_REPLAY to the folder that holds papers-*.jsonl.gz")
    for path in paths:
        measure(read_replay(path), path.name)


def measure(replay: Sequence[ReplayedPaper], title: str) -> None:
    """Print the results of one replay, unchanged and made harder."""
    started = monotonic()
    days = build_replay_days(replay)
    best = sum(paper.is_best for paper in replay)
    print(
        f"\n{title}: {len(replay)} papers, {len(days)} weekdays at 09:30 UTC, {best} of the weeks' best ten"
    )
    print(f"{'order':16} K  recall                timely recall")
    for row in compare(replay, ORDERS, days, limits=LIMITS):
        print(f"{row.name:16} {row.limit}  {row.recall}  {row.timely}")
    print(
        f"\nmade harder: timely recall, mean of {len(SEEDS)} seeds (in brackets: slots given to bought votes)"
    )
    print(f"{'order':16} K  " + "".join(f"{head:16}" for head in ("silent 30 %", "+20", "+40", "+80")))
    for line in _measure_harder(replay, days, HARDER_ORDERS):
        print(line)
    print(f"{monotonic() - started:.0f} s")


def build_replay_days(replay: Sequence[ReplayedPaper]) -> list[ReplayDay]:
    """Return every weekday of a replay, with what was known on it."""
    return [_build_day(replay, now) for now in list_sending_times(replay)]


def _build_day(replay: Sequence[ReplayedPaper], now: datetime) -> ReplayDay:
    oldest = now.date() - CANDIDATE_DAYS * ONE_DAY
    candidates = [
        paper for paper in replay if paper.first_seen <= now and oldest < paper.listed <= now.date()
    ]
    return ReplayDay(
        now,
        tuple(candidate.paper for candidate in candidates),
        {
            candidate.paper.id: tuple(signal for signal in candidate.signals if signal.observed_at <= now)
            for candidate in candidates
        },
    )


def add_fake_votes(replay: Sequence[ReplayedPaper], votes: float, *, seed: int) -> tuple[ReplayedPaper, ...]:
    """Add so many bought votes, from the first reading on, to one paper in twenty."""
    chosen = np.random.default_rng(seed).random(len(replay)) < FAKE_SHARE
    return tuple(
        _fake_paper(paper, votes) if is_chosen else paper
        for paper, is_chosen in zip(replay, chosen, strict=True)
    )


def _fake_paper(paper: ReplayedPaper, votes: float) -> ReplayedPaper:
    signals = tuple(
        replace(signal, value=signal.value + votes) if signal.kind is SignalKind.UPVOTES else signal
        for signal in paper.signals
    )
    return replace(paper, signals=signals, is_fake=True)


def drop_votes_on_random_days(days: Sequence[ReplayDay], *, seed: int) -> tuple[ReplayDay, ...]:
    """Drop that day's readings on three days in ten: the papers are known, but not their newest votes."""
    chosen = np.random.default_rng(seed).random(len(days)) < SILENT_SHARE
    return tuple(
        _drop_todays_signals(day) if is_chosen else day for day, is_chosen in zip(days, chosen, strict=True)
    )


def _drop_todays_signals(day: ReplayDay) -> ReplayDay:
    midnight = datetime.combine(day.now, time(), UTC)
    signals: Signals = {
        paper_id: tuple(signal for signal in readings if signal.observed_at < midnight)
        for paper_id, readings in day.signals.items()
    }
    return replace(day, signals=signals)


def _measure_harder(
    replay: Sequence[ReplayedPaper], days: Sequence[ReplayDay], orders: Mapping[str, PaperOrder]
) -> list[str]:
    silent_days = [drop_votes_on_random_days(days, seed=seed) for seed in SEEDS]
    bought = {votes: [add_fake_votes(replay, votes, seed=seed) for seed in SEEDS] for votes in (20, 40, 80)}
    bought_days = {
        votes: [build_replay_days(papers) for papers in replays] for votes, replays in bought.items()
    }
    lines = []
    for name, order in orders.items():
        cells: dict[int, list[str]] = {limit: [] for limit in LIMITS}
        runs_by_column: list[list[Run]] = [[(replay, hard) for hard in silent_days]]
        runs_by_column += [list(zip(bought[votes], bought_days[votes], strict=True)) for votes in bought]
        for runs in runs_by_column:
            rows = [
                row
                for papers, run_days in runs
                for row in compare(papers, {name: order}, run_days, limits=LIMITS)
            ]
            for limit in LIMITS:
                of_limit = [row for row in rows if row.limit == limit]
                timely, fakes = fmean(r.timely.mean for r in of_limit), fmean(r.fakes for r in of_limit)
                cells[limit].append(f"{timely:.3f}" + (f" ({fakes:.2f})" if fakes else ""))
        lines += [f"{name:16} {limit}  " + "".join(f"{cell:16}" for cell in cells[limit]) for limit in LIMITS]
    return lines


if __name__ == "__main__":
    main()
