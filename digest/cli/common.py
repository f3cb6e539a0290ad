"""What do the commands share? The house they open, and how they talk to people and to programs."""

import gc
import json
import logging
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, TextIO

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from digest.app import logs
from digest.app.services import House
from digest.app.services import open_house as open_app
from digest.app.settings import load

YEARS = (1990, 2200)  # before arXiv there is nothing, and calendars end
MANY_VALUES = 50_000  # made and not yet ended, before circular garbage is looked for
HOUR, DAY = 60, 24 * 60  # minutes
COLOURS = {
    **dict.fromkeys(("OK", "ok"), "green"),
    **dict.fromkeys(("WARN", "stale", "truncated", "uncertain", "paused"), "yellow"),
    **dict.fromkeys(("FAIL", "failed", "changed", "rejected", "expired"), "bold red"),
}
LEAST_WIDE = 14  # columns: what is no wider is never broken, what is wider has at least as many
COUNT = re.compile(r"[+-]?[\d,.]*%?")
PLAIN_WIDTH = 10_000  # in a pipe nothing is wrapped or cut


@contextmanager
def open_house(*, log_level: int = logging.WARNING, **given: Any) -> Iterator[House]:
    """The house as the environment describes it; closed again however the command ends.

    What a command has to say it says itself: the log speaks only of what went wrong.
    """
    settings = load(**given)
    logs.set_up(settings.log_format, level=log_level)
    house = open_app(settings)
    leave_alone_what_stays()
    try:
        yield house
    finally:
        house.close()


def leave_alone_what_stays() -> None:
    """Have Python search for circular garbage more rarely, and never among what was imported.

    A run makes hundreds of thousands of small values that end by themselves; searching them all again and
    again takes a sixth of the time of planning (`python -m bench.whole`).
    """
    gc.freeze()
    gc.set_threshold(MANY_VALUES, 20, 100)


class Moment(click.ParamType[datetime]):
    """An ISO 8601 moment; without a zone it is UTC."""

    name = "iso8601"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The aware moment, or a usage error with an example."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a moment; write one like 2026-11-23T07:00:00Z.", param, ctx)
        if not YEARS[0] <= moment.year <= YEARS[1]:
            self.fail(f"{value!r} is too far away; the years {YEARS[0]} to {YEARS[1]} are known.", param, ctx)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


class Day(click.DateTime):
    """A day, shown as DATE in the help."""

    name = "date"

    def __init__(self) -> None:
        super().__init__(["%Y-%m-%d"])

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002  click asks
        """The word that stands for it in the help."""
        return "DATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Midnight of that day, or a usage error with an example."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is not a day; write one like 2026-11-23.", param, ctx)


now_option = click.option(
    "--now", type=Moment(), default=None, help="Act as if it were this moment (ISO 8601). Default: the clock."
)
json_option = click.option("--json", "as_json", is_flag=True, help="JSON for programs.")


def clock(now: datetime | None) -> datetime:
    """The given moment, or this one: the only place where a command asks the clock."""
    return now or datetime.now(UTC)


def ticking(now: datetime | None) -> Callable[[], datetime]:
    """A clock that begins at the given moment, or at this one, and goes on."""
    beginning, started = clock(now), time.monotonic()
    return lambda: beginning + timedelta(seconds=time.monotonic() - started)


def spoken() -> int:
    """How much the log says of a run: in a terminal the command says it itself, elsewhere a line does."""
    return logging.WARNING if sys.stderr.isatty() else logging.INFO


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
