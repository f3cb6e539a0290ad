"""`digest subscribers export`: write subscribers as CSV or JSON lines that import can read."""

import sys
from pathlib import Path

import click

from digest.cli.common import open_services
from digest.cli.output import echo_err
from digest.db.backup import create_private_file
from digest.db.subscribers.search import SubscriberCriteria
from digest.models import Status
from digest.subscribers.transfer import export_csv, export_json_lines


@click.command("export", epilog="Example: digest subscribers export --out people.csv")
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True)
@click.option(
    "--status",
    type=click.Choice([str(status) for status in Status]),
    help="Only subscribers with this status.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Default: standard output.")
def command(*, form: str, status: str | None, out: Path | None) -> None:
    """Write subscribers as CSV (safe to open in a spreadsheet) or JSON lines; import reads both again."""
    criteria = SubscriberCriteria(status=Status(status) if status else None)
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
