"""`digest evaluate`: replay stored days and measure which order or setting finds the best papers."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

import click

from digest.app import embedding_models
from digest.app.services import Services
from digest.cli.common import INPUT_FILE, json_option, now_option, open_services
from digest.cli.output import echo_err, show_line, show_table
from digest.models import Status
from digest.models.errors import DigestError
from digest.tools.evaluation import personal
from digest.tools.evaluation.end_to_end import build_days_from_database, load_own_replay
from digest.tools.evaluation.formulas import ORDERS
from digest.tools.evaluation.replay import ReplayedPaper, compare, list_sending_times, read_replay

SETTINGS = ("vectors", "mix", "threshold", "trending", "picked", "also_new")


@click.command("evaluate", epilog="Example: digest evaluate --replay papers.jsonl.gz")
@click.option("--replay", type=INPUT_FILE, help="JSON lines of papers with their readings; may be gzipped.")
@click.option("--history", type=INPUT_FILE, help="Earlier papers in the same format, for the usual figures.")
@click.option(
    "--days",
    type=click.IntRange(7),
    default=60,
    show_default=True,
    help="Without --replay: number of your own last days.",
)
@click.option("--limit", "limits", type=click.IntRange(1), multiple=True, default=(5, 3), show_default=True,
              help="Papers per day; may be given several times.")  # fmt: skip
@click.option(
    "--first", multiple=True, metavar="NAME=VALUE", help="A setting of the first replay, like mix=mine."
)
@click.option(
    "--second",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting of the second replay, like vectors=static.",
)
@click.option(
    "--readers",
    "max_readers",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    help="Maximum number of readers.",
)
@now_option
@json_option
def command(
    *,
    first: tuple[str, ...],
    second: tuple[str, ...],
    max_readers: int,
    replay: Path | None,
    history: Path | None,
    days: int,
    limits: tuple[int, ...],
    now: datetime,
    as_json: bool,
) -> None:
    """Replay past days with the data of the time, and count how many of each week's top ten were found.

    Recall is the share of them that was sent at all; timely recall loses a seventh for each day of delay.
    The built-in order is compared with raw votes, Hacker News, Reddit and EWMA on the same days.

    With --first or --second the days are replayed for your own subscribers with two settings. The output
    is nDCG@10 of what they liked later, repeats, and the share of each interest. Settings: vectors, mix,
    threshold, trending, picked, also_new.
    """
    if first or second:
        _compare_settings((first, second), now, days=days, reader_limit=max_readers, as_json=as_json)
        return
    papers = read_replay(replay) if replay else _load_stored_days(now, days)
    earlier = read_replay(history) if history else ()
    scores = compare(papers, ORDERS, build_days_from_database(papers, earlier), limits=limits)
    if as_json:
        for score in scores:
            show_line(asdict(score))
        return
    day_count = len([*list_sending_times(papers)])
    title = f"{len(papers)} papers, {day_count} days; in brackets 95 % of resampled weeks"
    rows = [(score.name, score.limit, score.recall, score.timely) for score in scores]
    show_table(("order", "papers a day", "recall", "timely recall"), rows, title=title)


def _compare_settings(
    both: tuple[tuple[str, ...], tuple[str, ...]],
    now: datetime,
    *,
    days: int,
    reader_limit: int,
    as_json: bool,
) -> None:
    with open_services() as services:
        with services.store.begin(write=False) as tx:
            readers = tx.subscribers.list_after(0, limit=reader_limit, status=Status.CONFIRMED)
        if not readers:
            raise DigestError("There are no confirmed subscribers yet, so the days cannot be replayed.")
        moments = [now - timedelta(days=days_ago) for days_ago in reversed(range(days))]
        settings = [_parse_setting(services, " ".join(pairs) or "as it is", pairs) for pairs in both]
        mailed = [personal.replay(services.store, setting, readers, moments) for setting in settings]
    results = [
        personal.summarize(setting.name, mails) for setting, mails in zip(settings, mailed, strict=True)
    ]
    gain = personal.measure_gain(*mailed)
    if as_json:
        for result in results:
            show_line(asdict(result))
        show_line({"gain": asdict(gain) if gain else None})
        return
    rows = [
        (
            result.setting,
            result.mails,
            result.ndcg or "-",
            f"{result.repeats:.3f}",
            ", ".join(f"{name or 'unnamed'} {part:.0%}" for name, part in result.facets.items()) or "-",
        )
        for result in results
    ]
    title = f"{len(readers)} readers, {days} days; in brackets 95 % of resampled readers"
    show_table(("setting", "mails", "nDCG@10", "repeats", "interests"), rows, title=title)
    echo_err(f"The second gains {gain} in nDCG@10." if gain else "Nobody liked a paper of these days yet.")


def _parse_setting(services: Services, name: str, pairs: tuple[str, ...]) -> personal.EvaluationSetting:
    """Parse the NAME=VALUE *pairs* of --first or --second.

    Raises:
        click.UsageError: if one of them is not a known setting.
    """
    options: dict[str, object] = {}
    for pair in pairs:
        option, equals, value = pair.partition("=")
        if not equals or option not in SETTINGS:
            raise click.UsageError(
                f"{pair!r} is no setting; write one of {', '.join(SETTINGS)} as NAME=VALUE."
            )
        options[option] = value
    model = options.pop("vectors", None)
    return personal.EvaluationSetting(
        name, options, embedding_models.load_model(str(model)) if model else services.active_embedding_model
    )


def _load_stored_days(now: datetime, days: int) -> Sequence[ReplayedPaper]:
    with open_services() as services:
        papers = load_own_replay(services.store, now, days=days)
    if not papers:
        raise DigestError("Nothing was listed and read in these days yet; run `digest fetch` daily first.")
    return papers
