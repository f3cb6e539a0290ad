"""`digest subscribers import`."""

import csv
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import click

from digest.app.services import Services
from digest.cli.common import clock, json_option, now_option, open_services
from digest.cli.output import Bar, progress, show_json, show_table
from digest.cli.subscribers.common import actor, defaults_of
from digest.subscribers import Actor
from digest.subscribers.importing import ImportResult, Result, Row, take_in
from digest.subscribers.table_files import guarded, rows_of

BATCH = 1000
BAD = (Result.INVALID,)


class _NothingWritten(Exception):
    """Takes a dry run's transaction back."""


@click.command(
    "import",
    epilog="Example: digest subscribers import people.csv --dry-run --report report.csv",
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would happen to each row; write nothing.")
@click.option("--confirmed", is_flag=True, help="You assert that these people consented before.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Write a line per row here.")
@now_option
@json_option
def command(
    *, file: Path, dry_run: bool, confirmed: bool, report: Path | None, now: datetime | None, as_json: bool
) -> None:
    """Take in subscribers from CSV with a header or JSON lines; listmonk and Mailchimp exports work.

    Columns: email and any of keywords, muted, authors, categories, text, timezone, send_at, frequency,
    status. Known addresses are updated. Everybody gets a mail to confirm, unless you assert --confirmed.
    Suppressed addresses and people who left stay away. Exit code 1 when a row could not be read.
    """
    with open_services() as services, file.open("rb") as source, ExitStack() as stack:
        by = Actor(actor=f"cli:{actor()}", now=clock(now), suppression_key=services.suppression_key)
        bar = stack.enter_context(progress("reading"))
        note = _reporter(stack, report)
        batches = _batches(rows_of(source), source, file.stat().st_size, bar)
        run = _dry_run if dry_run else _run
        counts = run(services, batches, by=by, confirmed=confirmed, note=note)
    _show(counts, dry_run=dry_run, as_json=as_json)
    if any(counts[result] for result in BAD):
        sys.exit(1)


def _run(
    services: Services, batches: Iterator[list[Row]], *, by: Actor, confirmed: bool, note: "_Report"
) -> Counter[Result]:
    counts: Counter[Result] = Counter()
    for batch in batches:
        with services.store.begin() as tx:
            outcomes = take_in(tx, batch, by=by, confirmed=confirmed, defaults=defaults_of(services))
        note(outcomes)
        counts.update(outcome.result for outcome in outcomes)
    return counts


def _dry_run(
    services: Services, batches: Iterator[list[Row]], *, by: Actor, confirmed: bool, note: "_Report"
) -> Counter[Result]:
    """All of it in one transaction that is then taken back: so the report is the one of the real run."""
    counts: Counter[Result] = Counter()
    with suppress(_NothingWritten), services.store.begin() as tx:
        for batch in batches:
            outcomes = take_in(tx, batch, by=by, confirmed=confirmed, defaults=defaults_of(services))
            note(outcomes)
            counts.update(outcome.result for outcome in outcomes)
        raise _NothingWritten
    return counts


def _batches(rows: Iterator[Row], source: BinaryIO, size: int, bar: Bar) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH)):
        bar(min(source.tell(), size), size, "importing")
        yield batch


class _Report:
    """A line per row, for whoever prepared the file; nothing when nobody asked for it."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def __call__(self, outcomes: Iterable[ImportResult]) -> None:
        """Write down what became of these rows."""
        if self._writer:
            self._writer.writerows(
                (each.number, guarded(each.address), each.result, each.note) for each in outcomes
            )


def _reporter(stack: ExitStack, path: Path | None) -> _Report:
    if path is None:
        return _Report(None)
    writer = csv.writer(stack.enter_context(path.open("w", newline="", encoding="utf-8")))
    writer.writerow(("row", "email", "result", "note"))
    return _Report(writer)


def _show(counts: Counter[Result], *, dry_run: bool, as_json: bool) -> None:
    told = {str(result): counts[result] for result in Result}
    if as_json:
        show_json({"dry_run": dry_run, "rows": counts.total(), **told})
        return
    show_table(("result", "rows"), [(name, number) for name, number in told.items() if number])
    click.echo("Dry run: nothing was written." if dry_run else f"{counts.total()} rows read.", err=True)
