"""`digest subscribers export`: write subscribers as CSV or JSON lines that import can read."""

import csv
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

import click

from digest.app.services import Services
from digest.cli.common import open_services
from digest.cli.output import echo_err
from digest.cli.subscribers.common import subscriber_to_json
from digest.db.backup import create_private_file
from digest.models import Status, Subscriber
from digest.subscribers.table_files import escape_formula
from digest.subscribers.validation import FIELD_NAMES

COLUMNS = ("email", "status", *FIELD_NAMES)
LIST_SEPARATOR = re.compile(r"[,;\n]")  # where an import splits the items of a list


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
    write = write_csv if form == "csv" else write_lines
    with open_services() as services:
        readers = _iter_subscribers(services, Status(status) if status else None)
        if out is None:
            write(readers, sys.stdout)
            return
        create_private_file(out)
        with out.open("w", newline="", encoding="utf-8") as file:
            count = write(readers, file)
    echo_err(f"{count} subscribers written to {out}.")


def _iter_subscribers(services: Services, status: Status | None) -> Iterator[Subscriber]:
    last_id = 0
    while True:
        with services.store.begin(write=False) as tx:
            batch = tx.subscribers.list_after(last_id, status=status)
        yield from batch
        if not batch:
            return
        last_id = batch[-1].id


def write_csv(readers: Iterable[Subscriber], file: TextIO) -> int:
    """Write a header and a row for each reader; return the number of readers."""
    writer, count = csv.writer(file), 0
    writer.writerow(COLUMNS)
    for count, reader in enumerate(readers, 1):  # noqa: B007  counted while streaming; the list may not fit in memory
        writer.writerow([escape_formula(_format_cell(value)) for value in reader_to_json(reader).values()])
    return count


def write_lines(readers: Iterable[Subscriber], file: TextIO) -> int:
    """Write a JSON object for each reader; return the number of readers."""
    count = 0
    for count, reader in enumerate(readers, 1):  # noqa: B007  as above
        file.write(json.dumps(reader_to_json(reader), ensure_ascii=False) + "\n")
    return count


def reader_to_json(reader: Subscriber) -> dict[str, object]:
    """Return everything a reader chose, keyed by the `COLUMNS` that an import knows."""
    data = subscriber_to_json(reader)
    fields = data["profile"] | data["preferences"] | data | {"paused_until": data["paused_until"] or ""}
    return {name: fields[name] for name in COLUMNS}


def _format_cell(value: object) -> str:
    """Return a value as text: lists comma-separated, or as JSON if an import would split them differently."""
    if isinstance(value, list):
        is_plain = all(isinstance(item, str) and not LIST_SEPARATOR.search(item) for item in value)
        text = ", ".join(map(str, value))
        return text if is_plain and not text.startswith("[") else json.dumps(value, ensure_ascii=False)
    return json.dumps(value) if isinstance(value, bool) else str(value)
