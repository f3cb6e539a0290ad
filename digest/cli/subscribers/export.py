"""`digest subscribers export`."""

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
from digest.cli.output import tell
from digest.cli.subscribers.common import subscriber_json
from digest.models import Status, Subscriber
from digest.subscribers.table_files import guarded
from digest.subscribers.validation import NAMES

COLUMNS = ("email", "status", *NAMES)
_PARTS = re.compile(r"[,;\n]")  # what an import parts the items of a list at


@click.command("export", epilog="Example: digest subscribers export --out people.csv")
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True)
@click.option("--status", type=click.Choice([str(status) for status in Status]), help="Only these.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Default: standard output.")
def command(*, form: str, status: str | None, out: Path | None) -> None:
    """Write subscribers as CSV (safe to open in a spreadsheet) or JSON lines; import reads both again."""
    write = write_csv if form == "csv" else write_lines
    with open_services() as services:
        readers = _all(services, Status(status) if status else None)
        if out is None:
            write(readers, sys.stdout)
            return
        with out.open("w", newline="", encoding="utf-8") as file:
            count = write(readers, file)
    tell(f"{count} subscribers written to {out}.")


def _all(services: Services, status: Status | None) -> Iterator[Subscriber]:
    last = 0
    while True:
        with services.store.begin(write=False) as tx:
            some = tx.subscribers.after(last, status=status)
        yield from some
        if not some:
            return
        last = some[-1].id


def write_csv(readers: Iterable[Subscriber], file: TextIO) -> int:
    """A line each, under a header; how many there were."""
    writer, count = csv.writer(file), 0
    writer.writerow(COLUMNS)
    for count, reader in enumerate(readers, 1):  # noqa: B007  counted while they pass, never held
        writer.writerow([guarded(_cell(value)) for value in exported(reader).values()])
    return count


def write_lines(readers: Iterable[Subscriber], file: TextIO) -> int:
    """A JSON object each; how many there were."""
    count = 0
    for count, reader in enumerate(readers, 1):  # noqa: B007  as above
        file.write(json.dumps(exported(reader), ensure_ascii=False) + "\n")
    return count


def exported(reader: Subscriber) -> dict[str, object]:
    """Everything the reader chose, by the names an import knows."""
    told = subscriber_json(reader)
    fields = told["profile"] | told["preferences"] | told | {"paused_until": told["paused_until"] or ""}
    return {name: fields[name] for name in COLUMNS}


def _cell(value: object) -> str:
    """Lists as people write them, where that says it all; as JSON otherwise."""
    if isinstance(value, list):
        is_plain = all(isinstance(item, str) and not _PARTS.search(item) for item in value)
        text = ", ".join(map(str, value))
        return text if is_plain and not text.startswith("[") else json.dumps(value, ensure_ascii=False)
    return json.dumps(value) if isinstance(value, bool) else str(value)
