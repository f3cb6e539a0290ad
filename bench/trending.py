"""How well does the trending order find a week's best ten? Measured on recorded votes.

    DIGEST_REPLAY=../shared/replay python bench/trending.py [--history]

Prints recall and timely recall with 95 % intervals for the shipped order beside raw votes, Hacker News,
Reddit and EWMA, then with bought votes and with mornings on which no votes could be read.
"""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from digest.tools.evaluation.formulas import ORDERS
from digest.tools.evaluation.replay import (
    PaperOrder,
    ReplayDay,
    Replayed,
    compare,
    mornings,
    read_replay,
    with_fake_votes,
    with_silent_mornings,
)

Trial = tuple[Sequence[Replayed], Sequence[ReplayDay]]

SEEDS = range(3)
LIMITS = (5, 3)
HARD = {name: ORDERS[name] for name in ("shipped", "E, one prior", "raw votes", "Hacker News", "EWMA 72 h")}


def main() -> None:
    """Everything, on the replay and with --history on the months before it."""
    folder = Path(os.environ.get("DIGEST_REPLAY") or Path(__file__).parents[2] / "shared" / "replay")
    names = sorted(folder.glob("papers-*.jsonl.gz"))
    if "--history" in sys.argv:
        names += sorted(folder.glob("history-*.jsonl.gz"))
    if not names:
        sys.exit(f"no replay in {folder.name}; set DIGEST_REPLAY to the folder that holds papers-*.jsonl.gz")
    for name in names:
        measure(read_replay(name), name.name)


def measure(replay: Sequence[Replayed], title: str) -> None:
    """One replay, plain and made harder."""
    started = time.monotonic()
    days = mornings(replay)
    best = sum(each.is_best for each in replay)
    print(
        f"\n{title}: {len(replay)} papers, {len(days)} weekdays at 09:30 UTC, {best} of the weeks' best ten"
    )
    print(f"{'order':16} K  recall                timely recall")
    for row in compare(replay, ORDERS, limits=LIMITS, days=days):
        print(f"{row.name:16} {row.limit}  {row.recall}  {row.timely}")
    print(
        f"\nmade harder: timely recall, mean of {len(SEEDS)} seeds (in brackets: slots given to bought votes)"
    )
    print(f"{'order':16} K  " + "".join(f"{head:16}" for head in ("silent 30 %", "+20", "+40", "+80")))
    for line in _hard(replay, days, HARD):
        print(line)
    print(f"{time.monotonic() - started:.0f} s")


def _hard(
    replay: Sequence[Replayed], days: Sequence[ReplayDay], orders: Mapping[str, PaperOrder]
) -> list[str]:
    silent = [with_silent_mornings(days, seed=seed) for seed in SEEDS]
    bought = {votes: [with_fake_votes(replay, votes, seed=seed) for seed in SEEDS] for votes in (20, 40, 80)}
    met = {votes: [mornings(each) for each in faked] for votes, faked in bought.items()}
    lines = []
    for name, order in orders.items():
        cells: dict[int, list[str]] = {limit: [] for limit in LIMITS}
        trials: list[list[Trial]] = [[(replay, hard) for hard in silent]]
        trials += [list(zip(bought[votes], met[votes], strict=True)) for votes in bought]
        for trial in trials:
            rows = [row for on, d in trial for row in compare(on, {name: order}, limits=LIMITS, days=d)]
            for limit in LIMITS:
                of_limit = [row for row in rows if row.limit == limit]
                timely, fakes = fmean(r.timely.mean for r in of_limit), fmean(r.fakes for r in of_limit)
                cells[limit].append(f"{timely:.3f}" + (f" ({fakes:.2f})" if fakes else ""))
        lines += [f"{name:16} {limit}  " + "".join(f"{cell:16}" for cell in cells[limit]) for limit in LIMITS]
    return lines


if __name__ == "__main__":
    main()
