"""`digest evaluate`: which order finds a week's best papers, and how soon?"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

import click

from digest.app import embedding_models
from digest.app.services import Services
from digest.cli.common import clock, json_option, now_option, open_services
from digest.cli.output import show_line, show_table, tell
from digest.models import Status
from digest.models.errors import DigestError
from digest.tools.evaluation import personal
from digest.tools.evaluation.end_to_end import remembered, stored_days
from digest.tools.evaluation.formulas import ORDERS
from digest.tools.evaluation.replay import Replayed, Score, compare, mornings, read_replay

SETTINGS = ("vectors", "mix", "threshold", "trending", "picked", "also_new")
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("evaluate", epilog="Example: digest evaluate --replay papers.jsonl.gz")
@click.option("--replay", type=FILE, help="JSON lines of papers with their readings; may be gzipped.")
@click.option("--history", type=FILE, help="Earlier papers in the same form, for what is usual.")
@click.option(
    "--days", type=click.IntRange(7), default=60, show_default=True, help="Else: your own last days."
)
@click.option("--limit", "limits", type=click.IntRange(1), multiple=True, default=(5, 3), show_default=True,
              help="Papers a day; may be given several times.")  # fmt: skip
@click.option(
    "--first", multiple=True, metavar="NAME=VALUE", help="A setting of the one replay, like mix=mine."
)
@click.option("--second", multiple=True, metavar="NAME=VALUE", help="Of the other, like vectors=static.")
@click.option(
    "--readers", "asked", type=click.IntRange(1), default=200, show_default=True, help="Most that are asked."
)
@now_option
@json_option
def command(
    *,
    first: tuple[str, ...],
    second: tuple[str, ...],
    asked: int,
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

    With --first or --second the days are sent again to your own readers under two settings, and nDCG@10 of
    what they came to like, repeats and the part of each interest are told. Settings: vectors, mix,
    threshold, trending, picked, also_new.
    """
    if first or second:
        _compare_settings((first, second), clock(now), days=days, most=asked, as_json=as_json)
        return
    papers = read_replay(replay) if replay else _own(clock(now), days)
    earlier = read_replay(history) if history else ()
    scores = measure(papers, earlier, limits=limits)
    if as_json:
        for score in scores:
            show_line(asdict(score))
        return
    title = f"{len(papers)} papers, {len(mornings(papers))} mornings; in brackets 95 % of resampled weeks"
    show_table(("order", "papers a day", "recall", "timely recall"), [_row(s) for s in scores], title=title)


def _compare_settings(
    given: tuple[tuple[str, ...], tuple[str, ...]], now: datetime, *, days: int, most: int, as_json: bool
) -> None:
    with open_services() as services:
        with services.store.begin(write=False) as tx:
            people = tx.subscribers.after(0, limit=most, status=Status.CONFIRMED)
        if not people:
            raise DigestError("Nobody is confirmed yet, so there is nobody to send the days to again.")
        moments = [now - timedelta(days=back) for back in reversed(range(days))]
        settings = [_setting(services, " ".join(each) or "as it is", each) for each in given]
        mailed = [personal.replay(services.store, setting, people, moments) for setting in settings]
    found = [personal.outcome(setting.name, mails) for setting, mails in zip(settings, mailed, strict=True)]
    gain = personal.gained(*mailed)
    if as_json:
        for each in found:
            show_line(asdict(each))
        show_line({"gain": asdict(gain) if gain else None})
        return
    title = f"{len(people)} readers, {days} days; in brackets 95 % of resampled readers"
    show_table(("setting", "mails", "nDCG@10", "repeats", "interests"), map(_told, found), title=title)
    tell(f"The second gains {gain} in nDCG@10." if gain else "Nobody liked a paper of these days yet.")


def _setting(services: Services, name: str, given: tuple[str, ...]) -> personal.Setting:
    wishes: dict[str, object] = {}
    for each in given:
        wish, equals, value = each.partition("=")
        if not equals or wish not in SETTINGS:
            raise click.UsageError(
                f"{each!r} is no setting; write one of {', '.join(SETTINGS)} as NAME=VALUE."
            )
        wishes[wish] = value
    model = wishes.pop("vectors", None)
    return personal.Setting(name, wishes, embedding_models.named(str(model)) if model else services.vectors)


def _told(found: personal.EvaluationResult) -> tuple[object, ...]:
    interests = ", ".join(f"{name or 'unnamed'} {part:.0%}" for name, part in found.facets.items())
    return found.setting, found.mails, found.ndcg or "-", f"{found.repeats:.3f}", interests or "-"


def measure(replay: Sequence[Replayed], history: Sequence[Replayed], *, limits: Sequence[int]) -> list[Score]:
    """Every order through the real store, on the same mornings."""
    return compare(replay, ORDERS, limits=limits, days=stored_days(replay, history))


def _own(now: datetime, days: int) -> Sequence[Replayed]:
    with open_services() as services:
        papers = remembered(services.store, now, days=days)
    if not papers:
        raise DigestError("Nothing was listed and read in these days yet; run `digest fetch` daily first.")
    return papers


def _row(score: Score) -> tuple[object, ...]:
    return score.name, score.limit, score.recall, score.timely
