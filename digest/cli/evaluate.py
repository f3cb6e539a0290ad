"""`digest evaluate`: which order finds a week's best papers, and how soon?"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from digest.cli.house import clock, json_option, now_option, open_house, show_line, show_table
from digest.errors import DigestError
from digest.evaluation.replay import Replayed, Score, compare, mornings, read_replay
from digest.evaluation.rivals import ORDERS
from digest.evaluation.stored import remembered, stored_days

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("evaluate", epilog="Example: digest evaluate --replay papers.jsonl.gz")
@click.option("--replay", type=FILE, help="JSON lines of papers with their readings; may be gzipped.")
@click.option("--history", type=FILE, help="Earlier papers in the same form, for what is usual.")
@click.option(
    "--days", type=click.IntRange(7), default=60, show_default=True, help="Else: your own last days."
)
@click.option("--limit", "limits", type=click.IntRange(1), multiple=True, default=(5, 3), show_default=True,
              help="Papers a day; may be given several times.")  # fmt: skip
@now_option
@json_option
def command(
    *,
    replay: Path | None,
    history: Path | None,
    days: int,
    limits: tuple[int, ...],
    now: datetime | None,
    as_json: bool,
) -> None:
    """Send the days again, each knowing only its past, and count what was found of each week's best ten.

    Recall is the part of them that was sent at all; timely recall takes off a seventh for each day of
    delay. The shipped order stands beside raw votes, Hacker News, Reddit and EWMA, on the same mornings.
    """
    papers = read_replay(replay) if replay else _own(clock(now), days)
    earlier = read_replay(history) if history else ()
    scores = measure(papers, earlier, limits=limits)
    if as_json:
        for score in scores:
            show_line(asdict(score))
        return
    title = f"{len(papers)} papers, {len(mornings(papers))} mornings; in brackets 95 % of resampled weeks"
    show_table(("order", "papers a day", "recall", "timely recall"), [_row(s) for s in scores], title=title)


def measure(replay: Sequence[Replayed], history: Sequence[Replayed], *, limits: Sequence[int]) -> list[Score]:
    """Every order through the real store, on the same mornings."""
    return compare(replay, ORDERS, limits=limits, days=stored_days(replay, history))


def _own(now: datetime, days: int) -> Sequence[Replayed]:
    with open_house() as house:
        papers = remembered(house.store, now, days=days)
    if not papers:
        raise DigestError("Nothing was listed and read in these days yet; run `digest fetch` daily first.")
    return papers


def _row(score: Score) -> tuple[object, ...]:
    return score.name, score.limit, score.recall, score.timely
