"""Terminal output of the commands: tables, JSON, progress bars."""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import TextIO

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

HOUR, DAY = 60, 24 * 60  # minutes
COLOURS = {
    **dict.fromkeys(("OK", "ok"), "green"),
    **dict.fromkeys(("WARN", "stale", "truncated", "uncertain", "paused"), "yellow"),
    **dict.fromkeys(("FAIL", "failed", "changed", "rejected", "expired"), "bold red"),
}
LEAST_WIDE = 14  # columns: what is no wider is never broken, what is wider has at least as many
COUNT = re.compile(r"[+-]?[\d,.]*%?")
PLAIN_WIDTH = 10_000  # in a pipe nothing is wrapped or cut


def console(stream: TextIO | None = None) -> Console:
    """Colours and tables in a terminal, plain wide text in a pipe."""
    stream = stream or sys.stdout
    return Console(file=stream, width=None if stream.isatty() else PLAIN_WIDTH, highlight=False)


def show_table(
    headers: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "", empty: str = ""
) -> None:
    """A table in a terminal; in a pipe a line a row, fields parted by tabs, the headers first.

    `empty` is said instead of a table without rows.
    """
    rows = list(rows)
    if empty and not rows:
        tell(empty)
    if not sys.stdout.isatty():
        for row in (headers, *rows):
            click.echo("\t".join(_plain(cell) for cell in row))
        return
    if empty and not rows:
        return
    screen = console()
    screen.print(tabled(headers, [[_shown(cell) for cell in row] for row in rows], screen.width, title=title))


def tabled(headers: Sequence[str], rows: Sequence[Sequence[Text]], room: int, *, title: str = "") -> Table:
    """Rows under headers; on a screen too narrow for that, the cells of a row below each other."""
    columns = [[row[place].plain for row in rows] for place in range(len(headers))]
    widths = [max(map(len, (header, *column))) for header, column in zip(headers, columns, strict=True)]
    least = sum(min(width, LEAST_WIDE) for width in widths) + 2 * (len(widths) - 1)
    if least > room:
        return _below_each_other(headers, rows, title)
    table = Table(title=title or None, title_justify="left", header_style="bold", pad_edge=False, box=None)
    for header, width, column in zip(headers, widths, columns, strict=True):
        counts = any(column) and all(COUNT.fullmatch(cell) for cell in column)
        table.add_column(
            header, overflow="fold", no_wrap=width <= LEAST_WIDE, justify="right" if counts else "left"
        )
    for row in rows:
        table.add_row(*row)
    return table


def _below_each_other(headers: Sequence[str], rows: Sequence[Sequence[Text]], title: str) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.title, table.title_justify, table.show_header = title or None, "left", False
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for number, row in enumerate(rows):
        if number:
            table.add_row("", "")
        for header, cell in zip(headers, row, strict=True):
            if cell.plain:
                table.add_row(header, cell)
    return table


def show_json(value: object) -> None:
    """One JSON document."""
    click.echo(
        json.dumps(value, indent=2 if sys.stdout.isatty() else None, ensure_ascii=False, default=_json)
    )


def show_line(value: object) -> None:
    """One JSON object on a line of its own."""
    click.echo(json.dumps(value, ensure_ascii=False, default=_json))


def _json(value: object) -> str:
    """What JSON has no form for: moments and days as ISO 8601 writes them, with the T of parsers."""
    return value.isoformat() if isinstance(value, date) else str(value)


def tell(sentence: str) -> None:
    """A word to the person at the keyboard, on standard error: never in the way of a pipe."""
    click.echo(sentence, err=True)


@contextmanager
def progress(what: str) -> Iterator["Bar"]:
    """A bar on standard error while long work runs; in a pipe one plain line at the end of each step."""
    if not sys.stderr.isatty():
        yield Bar(None)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(sys.stderr), transient=True) as bars:
        yield Bar(bars, what)


class Bar:
    """How far the work is."""

    def __init__(self, bars: Progress | None, what: str = "") -> None:
        self._bars = bars
        self._said = ""
        self._task = bars.add_task(what, total=None) if bars else None

    def __call__(self, done: int, total: int | None, what: str) -> None:
        """Say that `done` of `total` steps are done, the last being `what`."""
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, completed=done, total=total, description=what)
        elif what != self._said:
            self._said = what
            tell(f"{what} ...")


def ago(moment: datetime, now: datetime) -> str:
    """How long before now that was, in the largest unit that fits: `5 min ago`, `3 h ago`, `2 days ago`."""
    minutes = round((now - moment).total_seconds() / 60)
    if minutes < 0:
        return f"in {ago(now, moment).removesuffix(' ago')}"
    if minutes < HOUR:
        return f"{minutes} min ago" if minutes else "now"
    return f"{minutes // HOUR} h ago" if minutes < 2 * DAY else f"{minutes // DAY} days ago"


def _shown(cell: object) -> Text:
    """A cell in a terminal: text and never markup, what is well in green and what is not in red."""
    text = f"{cell:%Y-%m-%d %H:%M}" if isinstance(cell, datetime) else _plain(cell)
    return Text(text, style=COLOURS.get(text, ""))


def _plain(cell: object) -> str:
    if isinstance(cell, datetime):
        return cell.isoformat()
    return "" if cell is None else str(cell).replace("\t", " ").replace("\n", " ")
