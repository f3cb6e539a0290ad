"""`digest subscribers export`."""

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import click

from digest.app import House
from digest.cli.house import open_house, tell
from digest.cli.subscribers.desk import formula_safe, subscriber_json
from digest.model import Status, Subscriber

COLUMNS = (
    "email", "status", "keywords", "muted", "authors", "categories", "text", "timezone", "send_at",
    "frequency",
)  # fmt: skip


@click.command("export", epilog="Example: digest subscribers export --out people.csv")
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True)
@click.option("--status", type=click.Choice([str(status) for status in Status]), help="Only these.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Default: standard output.")
def command(*, form: str, status: str | None, out: Path | None) -> None:
    """Write subscribers as CSV (safe to open in a spreadsheet) or JSON lines; import reads both again."""
    write = _write_csv if form == "csv" else _write_lines
    with open_house() as house:
        readers = _all(house, Status(status) if status else None)
        if out is None:
            write(readers, sys.stdout)
            return
        with out.open("w", newline="", encoding="utf-8") as file:
            count = write(readers, file)
    tell(f"{count} subscribers written to {out}.")


def _all(house: House, status: Status | None) -> Iterator[Subscriber]:
    last = 0
    while True:
        with house.store.begin(write=False) as tx:
            some = tx.subscribers.after(last, status=status)
        yield from some
        if not some:
            return
        last = some[-1].id


def _write_csv(readers: Iterator[Subscriber], file: TextIO) -> int:
    writer, count = csv.writer(file), 0
    writer.writerow(COLUMNS)
    for reader in readers:
        told = subscriber_json(reader)
        fields = told["profile"] | told
        writer.writerow([formula_safe(_cell(fields[name])) for name in COLUMNS])
        count += 1
    return count


def _write_lines(readers: Iterator[Subscriber], file: TextIO) -> int:
    count = 0
    for reader in readers:
        told = subscriber_json(reader)
        fields = told["profile"] | told
        file.write(json.dumps({name: fields[name] for name in COLUMNS}, ensure_ascii=False) + "\n")
        count += 1
    return count


def _cell(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")
