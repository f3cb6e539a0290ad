"""`digest subscribers list`: list subscribers, filtered, sorted and in pages."""

import csv
import sys
from collections.abc import Sequence

import click

from digest.cli.common import json_option, open_services
from digest.cli.output import show_json, show_table
from digest.cli.subscribers.common import subscriber_to_json
from digest.db.subscribers.search import SORT_COLUMNS, SubscriberCriteria
from digest.models import Status, Subscriber
from digest.subscribers.table_files import escape_formula

NO_LIMIT, DEFAULT_LIMIT = 2**31, 50
COLUMNS = ("email", "status", "frequency", "timezone", "send_at", "next_due")


@click.command("list", epilog="Example: digest subscribers list --status confirmed --search example.org")
@click.option(
    "--status",
    type=click.Choice([str(status) for status in Status]),
    help="Only subscribers with this status.",
)
@click.option("--search", default="", help="Only addresses that contain this text.")
@click.option("--sort", type=click.Choice(SORT_COLUMNS), default="created_at", show_default=True)
@click.option("--descending", is_flag=True, help="In descending order.")
@click.option(
    "--limit", type=click.IntRange(1), help="Maximum number. Default: 50; with --json or --csv all."
)
@click.option("--offset", type=click.IntRange(0), default=0)
@click.option("--csv", "as_csv", is_flag=True, help="CSV, safe to open in a spreadsheet.")
@json_option
def command(
    *, status: str | None, search: str, sort: str, descending: bool, limit: int | None, offset: int,
    as_csv: bool, as_json: bool,
) -> None:  # fmt: skip
    """List subscribers, filtered and sorted. With --json or --csv all of them, unless --limit is given."""
    with open_services() as services, services.store.begin(write=False) as tx:
        criteria = SubscriberCriteria(status=Status(status) if status else None, address=search)
        page = tx.subscribers.search(criteria).get_page(
            sort=sort,
            descending=descending,
            limit=limit or (NO_LIMIT if as_json or as_csv else DEFAULT_LIMIT),
            offset=offset,
        )
    if as_json:
        show_json([subscriber_to_json(reader) for reader in page.subscribers])
        return
    rows = [_to_row(reader) for reader in page.subscribers]
    if as_csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(COLUMNS)
        writer.writerows([[escape_formula(cell) for cell in row] for row in rows])
        return
    show_table(
        COLUMNS, [[*row[:-1], reader.next_due] for row, reader in zip(rows, page.subscribers, strict=True)]
    )
    click.echo(f"{len(rows)} of {page.total}.", err=True)


def _to_row(reader: Subscriber) -> Sequence[str]:
    fields = subscriber_to_json(reader)
    return [str(fields[name] or "") for name in COLUMNS]
