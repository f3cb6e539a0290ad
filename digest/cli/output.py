"""Terminal output of the commands: tables, JSON, progress bars."""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from digest.models.text import escape_unprintable, replace_unprintable

if TYPE_CHECKING:
    from rich.progress import Progress

HOUR_MINUTES, DAY_MINUTES = 60, 24 * 60
_BLANK = re.compile(r"[\t\n\v\f\r]")


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
            click.echo("\t".join(format_cell(cell) for cell in row))
    elif rows or not empty:
        from digest.cli.terminal import print_table  # noqa: PLC0415  rich is heavy, and needless in a pipe

        print_table(headers, rows, title=title)


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
    from digest.cli.terminal import draw_bars  # noqa: PLC0415  as in show_table

    with draw_bars() as bars:
        yield ProgressBar(bars, label)


class ProgressBar:
    """A progress callback that draws a bar, or prints each new label once if there is no terminal."""

    def __init__(self, bars: "Progress | None", label: str = "") -> None:
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


def format_cell(cell: object) -> str:
    """Return a value on one line, without what would steer the terminal."""
    if isinstance(cell, datetime):
        return cell.isoformat()
    return "" if cell is None else replace_unprintable(_BLANK.sub(" ", str(cell)))
