"""Tests of tables in a terminal: cells, and tables of different widths."""

from io import StringIO

from rich.console import Console
from rich.text import Text

from digest.cli.terminal import _style_cell, build_table
from tests.factories import NOW


def test_brackets_in_a_cell_are_no_markup() -> None:
    assert _style_cell("[bold]Sheep[/nonsense]").plain == "[bold]Sheep[/nonsense]"
    assert str(_style_cell("FAIL").style) == "bold red"
    assert _style_cell(NOW).plain == f"{NOW:%Y-%m-%d %H:%M}"


def render_table(width: int, *rows: tuple[str, ...]) -> str:
    screen = Console(width=width, record=True, file=StringIO())
    screen.print(
        build_table(("email", "status", "votes", "note"), [[*map(Text, row)] for row in rows], width)
    )
    return screen.export_text()


ADA = ("ada@a-rather-long-department.example.org", "confirmed", "7", "Nothing new since the last reading.")
BOB = ("bob@example.org", "unsubscribed", "1,234", "")


def test_table_wraps_no_short_cell_and_aligns_numbers_right() -> None:
    lines = render_table(80, ADA, BOB).splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert sum("confirmed" in line for line in lines) == 1
    assert [line.index(word) + len(word) for line, word in ((lines[1], " 7"), (lines[-1], "1,234"))] == [
        lines[0].index("votes") + len("votes")
    ] * 2


def test_narrow_terminal_shows_one_cell_a_line_without_empty_ones() -> None:
    rendered = render_table(44, ADA, BOB)
    assert all(len(line) <= 44 for line in rendered.splitlines())
    assert "status  confirmed" in rendered
    assert rendered.count("note") == 1


def test_empty_table_shows_its_headers() -> None:
    assert "email" in render_table(80)
