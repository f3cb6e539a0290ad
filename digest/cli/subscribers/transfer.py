"""`digest subscribers import` and `export`: subscribers as CSV or JSON lines, in batches."""

import csv
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import click

from digest.app.services import Services
from digest.cli.common import (
    INPUT_FILE,
    OUTPUT_FILE,
    get_actor_name,
    json_option,
    now_option,
    open_services,
)
from digest.cli.output import ProgressBar, echo_err, show_json, show_progress, show_table
from digest.cli.subscribers.common import status_option, tag_option
from digest.db.backup import create_private_file
from digest.db.subscribers.search import SubscriberCriteria
from digest.models import Status
from digest.subscribers import Actor
from digest.subscribers.importing import ImportResult, Row, RowResult, import_rows
from digest.subscribers.table_files import escape_formula, read_rows
from digest.subscribers.transfer import (
    check_file,
    export_csv,
    export_json_lines,
    import_batches,
)

BATCH_ROWS = 1000
FAILED_RESULTS = (RowResult.INVALID,)


@click.command(
    "import",
    epilog="Example: digest subscribers import people.csv --dry-run --report report.csv",
)
@click.argument("file", type=INPUT_FILE)
@click.option("--dry-run", is_flag=True, help="Report what would happen to each row; write nothing.")
@click.option("--confirmed", is_flag=True, help="You assert that these people have already consented.")
@click.option("--report", type=OUTPUT_FILE, help="Write the result of each row to this file.")
@now_option
@json_option
def import_(
    *, file: Path, dry_run: bool, confirmed: bool, report: Path | None, now: datetime, as_json: bool
) -> None:
    """Import subscribers from CSV with a header or from JSON, including exports of other mailing programs.

    Columns: email and any of keywords, muted, authors, categories, text, timezone, send_at, frequency,
    status, tags. Known addresses are updated. Everybody is asked to confirm, unless you assert --confirmed.
    Suppressed addresses and people who unsubscribed, here or according to the file, are not subscribed
    again; the report says why. Exit code 1 when a row could not be read, 2 when the file could not.
    """
    with open_services() as services, file.open("rb") as source, ExitStack() as stack:
        actor = services.actor(get_actor_name(), now)
        progress = stack.enter_context(show_progress("reading"))
        on_results = _open_report(stack, report)
        unused = check_file(source)  # refuses one that cannot be read, before anything is imported
        batches = _read_batches(read_rows(source), source, file.stat().st_size, progress)
        counts = _import(
            services, batches, actor=actor, confirmed=confirmed, dry_run=dry_run, on_results=on_results,
            file_name=file.name,
        )  # fmt: skip
    _show_counts(counts, dry_run=dry_run, as_json=as_json)
    if unused:
        echo_err(f"Columns that were not used: {', '.join(unused)}.")
    if any(counts[result] for result in FAILED_RESULTS):
        sys.exit(1)


def _import(
    services: Services,
    batches: Iterator[list[Row]],
    *,
    actor: Actor,
    confirmed: bool,
    dry_run: bool,
    on_results: Callable[[Iterable[ImportResult]], object],
    file_name: str,
) -> Counter[RowResult]:
    """Import, or do so in one transaction and roll it back, so that the results equal those of a real run."""
    counts: Counter[RowResult] = Counter()

    def note(results: Sequence[ImportResult]) -> None:
        on_results(results)
        counts.update(row_result.result for row_result in results)

    import_batch = partial(import_rows, actor=actor, confirmed=confirmed, defaults=services.default_settings)
    if dry_run:
        with services.store.begin(commit=False) as tx:
            for batch in batches:
                note(import_batch(tx, batch))
        return counts
    import_batches(
        services.store,
        batches,
        import_batch,
        kind="subscribers",
        actor=actor,
        dry_run=False,
        file_name=file_name,
        consent="asserted" if confirmed else "asked",
        on_results=note,
    )
    return counts


def _read_batches(
    rows: Iterator[Row], source: BinaryIO, size: int, progress: ProgressBar
) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH_ROWS)):
        progress("importing", min(source.tell(), size), size)
        yield batch


def _open_report(stack: ExitStack, path: Path | None) -> Callable[[Iterable[ImportResult]], None]:
    """Return what writes a line of CSV for each result, or without a *path* nothing."""
    if path is None:
        return lambda _: None
    create_private_file(path)
    writer = csv.writer(stack.enter_context(path.open("w", newline="", encoding="utf-8")))
    writer.writerow(("row", "email", "result", "note"))
    return lambda results: writer.writerows(
        (result.number, escape_formula(result.address), result.result, result.note) for result in results
    )


def _show_counts(counts: Counter[RowResult], *, dry_run: bool, as_json: bool) -> None:
    counts_by_name = {str(result): counts[result] for result in RowResult}
    if as_json:
        show_json({"dry_run": dry_run, "rows": counts.total(), **counts_by_name})
        return
    labels = {"left": "unsubscribed before"}
    rows = [(labels.get(name, name), count) for name, count in counts_by_name.items() if count]
    show_table(("result", "rows"), rows)
    click.echo("Dry run: nothing was written." if dry_run else f"{counts.total()} rows read.", err=True)


@click.command("export", epilog="Example: digest subscribers export --out people.csv")
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True)
@status_option
@tag_option
@click.option("--out", type=OUTPUT_FILE, help="Default: standard output.")
def export(*, form: str, status: str | None, tag: str, out: Path | None) -> None:
    """Write subscribers as CSV (safe to open in a spreadsheet) or JSON lines; import reads both again."""
    criteria = SubscriberCriteria(status=Status(status) if status else None, tag=tag)
    with open_services() as services:
        parts = (export_csv if form == "csv" else export_json_lines)(services.store, criteria)
        if out is None:
            sys.stdout.writelines(parts)
            return
        create_private_file(out)
        with out.open("w", newline="", encoding="utf-8") as file:
            file.writelines(parts)
        with services.store.begin(write=False) as tx:
            count = tx.subscribers.search(criteria).count()
    echo_err(f"{count} subscribers written to {out}.")
