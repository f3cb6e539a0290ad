"""Terminal output of the commands: tables, JSON, progress bars."""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from enum import Enum
from typing import Any, TextIO

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from digest.models.text import escape_unprintable, replace_unprintable

HOUR_MINUTES, DAY_MINUTES = 60, 24 * 60
COLOURS = {
    **dict.fromkeys(("OK", "ok"), "green"),
    **dict.fromkeys(("WARN", "stale", "truncated", "uncertain", "paused"), "yellow"),
    **dict.fromkeys(("FAIL", "failed", "changed", "rejected", "expired"), "bold red"),
}
MIN_WRAP_WIDTH = 14  # characters: narrower columns are never wrapped, wider ones keep at least this width
_BLANK = re.compile(r"[\t\n\v\f\r]")
NUMBER = re.compile(r"[+-]?[\d,.]*%?")
PLAIN_WIDTH = 10_000  # in a pipe nothing may be wrapped or cut


def make_console(stream: TextIO | None = None) -> Console:
    """Return a console on *stream* (standard output): as wide as the terminal, unlimited in a pipe."""
    stream = stream or sys.stdout
    return Console(file=stream, width=None if stream.isatty() else PLAIN_WIDTH, highlight=False)


def show_table(
    headers: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "", empty: str = ""
) -> None:
    """Print a table in a terminal; in a pipe tab-separated lines, the headers first.

    Without rows *empty* goes to standard error; a terminal then shows no table.
    """
    rows = list(rows)
    if empty and not rows:
        echo_err(empty)
    if not sys.stdout.isatty():
        for row in (headers, *rows):
            click.echo("\t".join(_format_cell(cell) for cell in row))
        return
    if empty and not rows:
        return
    screen = make_console()
    screen.print(
        build_table(headers, [[_style_cell(cell) for cell in row] for row in rows], screen.width, title=title)
    )


def build_table(
    headers: Sequence[str], rows: Sequence[Sequence[Text]], max_width: int, *, title: str = ""
) -> Table:
    """Build a table of at most *max_width* columns; if that is too narrow, a line for each cell."""
    columns = [[row[index].plain for row in rows] for index in range(len(headers))]
    widths = [max(map(len, (header, *column))) for header, column in zip(headers, columns, strict=True)]
    min_width = sum(min(width, MIN_WRAP_WIDTH) for width in widths) + 2 * (len(widths) - 1)
    if min_width > max_width:
        return _build_stacked_table(headers, rows, title)
    table = Table(title=title or None, title_justify="left", header_style="bold", pad_edge=False, box=None)
    for header, width, column in zip(headers, widths, columns, strict=True):
        is_numeric = any(column) and all(NUMBER.fullmatch(cell) for cell in column)
        table.add_column(
            header,
            overflow="fold",
            no_wrap=width <= MIN_WRAP_WIDTH,
            justify="right" if is_numeric else "left",
        )
    for row in rows:
        table.add_row(*row)
    return table


def _build_stacked_table(headers: Sequence[str], rows: Sequence[Sequence[Text]], title: str) -> Table:
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
    """Print one JSON document, indented in a terminal."""
    indent = 2 if sys.stdout.isatty() else None
    document = json.dumps(value, indent=indent, ensure_ascii=False, default=_encode_value)
    click.echo(escape_unprintable(document))


def show_line(value: object) -> None:
    """Print one JSON object on a line of its own."""
    click.echo(escape_unprintable(json.dumps(value, ensure_ascii=False, default=_encode_value)))


def _encode_value(value: object) -> str:
    """Return dates and times in ISO 8601 with a `T`, anything else as text."""
    return value.isoformat() if isinstance(value, date) else str(value)


def to_jsonable(value: Any) -> Any:
    """Return *value* with dates and enums as text and tuples as lists, at any depth."""
    if isinstance(value, dict):
        return {name: to_jsonable(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_jsonable(item) for item in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value) if isinstance(value, Enum) else value


def echo(message: str, *, err: bool = False) -> None:
    """Print a message that may repeat what others wrote: without what would steer the terminal."""
    click.echo(replace_unprintable(message), err=err)


def echo_err(message: str) -> None:
    """Print a message for people on standard error, so that piped output stays clean."""
    echo(message, err=True)


@contextmanager
def show_progress(label: str) -> Iterator["ProgressBar"]:
    """Show a progress bar on standard error during long work; in a pipe print a line for each step."""
    if not sys.stderr.isatty():
        yield ProgressBar(None)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=make_console(sys.stderr), transient=True) as bars:
        yield ProgressBar(bars, label)


class ProgressBar:
    """A progress callback that draws a bar, or prints each new label once if there is no terminal."""

    def __init__(self, bars: Progress | None, label: str = "") -> None:
        self._bars = bars
        self._last_label = ""
        self._task = bars.add_task(label, total=None) if bars else None

    def __call__(self, label: str, done: int, total: int | None) -> None:
        """Show that *done* of *total* steps are done; *total* is None while it is unknown."""
        label = replace_unprintable(label)
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, completed=done, total=total, description=label)
        elif label != self._last_label:
            self._last_label = label
            echo_err(f"{label} ...")


def format_age(moment: datetime, now: datetime) -> str:
    """Return the time from *moment* to *now* in its largest unit: `5 min ago`, `3 h ago`, `in 2 days`."""
    minutes = round((now - moment).total_seconds() / 60)
    if minutes < 0:
        return f"in {format_age(now, moment).removesuffix(' ago')}"
    if minutes < HOUR_MINUTES:
        return f"{minutes} min ago" if minutes else "now"
    return (
        f"{minutes // HOUR_MINUTES} h ago"
        if minutes < 2 * DAY_MINUTES
        else f"{minutes // DAY_MINUTES} days ago"
    )


def _style_cell(cell: object) -> Text:
    """Return a cell for a terminal, coloured by what it says; brackets are text, never rich markup."""
    text = f"{cell:%Y-%m-%d %H:%M}" if isinstance(cell, datetime) else _format_cell(cell)
    return Text(text, style=COLOURS.get(text, ""))


def _format_cell(cell: object) -> str:
    if isinstance(cell, datetime):
        return cell.isoformat()
    return "" if cell is None else replace_unprintable(_BLANK.sub(" ", str(cell)))
