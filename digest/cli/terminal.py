"""Tables and progress bars in a terminal."""

import re
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from digest.cli.output import format_cell

COLOURS = {
    **dict.fromkeys(("OK", "ok"), "green"),
    **dict.fromkeys(("WARN", "stale", "truncated", "uncertain", "paused"), "yellow"),
    **dict.fromkeys(("FAIL", "failed", "changed", "rejected", "expired"), "bold red"),
}
MIN_WRAP_WIDTH = 14  # characters: narrower columns are never wrapped, wider ones keep at least this width
NUMBER = re.compile(r"[+-]?[\d,.]*%?")


def print_table(headers: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> None:
    """Print a table as wide as the terminal."""
    console = Console(file=sys.stdout, highlight=False)
    cells = [[_style_cell(cell) for cell in row] for row in rows]
    console.print(build_table(headers, cells, console.width, title=title))


def draw_bars() -> Progress:
    """Return progress bars on standard error, which disappear at the end."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(file=sys.stderr, highlight=False), transient=True)


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


def _style_cell(cell: object) -> Text:
    """Return a cell for a terminal, coloured by what it says; brackets are text, never rich markup."""
    text = f"{cell:%Y-%m-%d %H:%M}" if isinstance(cell, datetime) else format_cell(cell)
    return Text(text, style=COLOURS.get(text, ""))
