"""Tests of terminal output: ages, cells, and tables of different widths."""

import json
import re
from contextlib import redirect_stdout
from datetime import timedelta
from io import StringIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from digest.cli import output
from digest.cli.output import _style_cell, build_table, format_age
from tests.factories import NOW
from tests.models.test_text import HOSTILE, STEERING


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(seconds=20), "now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=3, minutes=20), "3 h ago"),
        (timedelta(days=3, hours=5), "3 days ago"),
        (-timedelta(minutes=90), "in 1 h"),
    ],
)
def test_age_is_given_in_its_largest_unit(age: timedelta, expected: str) -> None:
    assert format_age(NOW - age, NOW) == expected


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


class Terminal(StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [StringIO, Terminal])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=HOSTILE | st.text())
def test_no_output_steers_the_terminal(
    stream: type[StringIO], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    out, err = stream(), stream()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)

    output.show_table(("paper",), [(text,)])
    output.show_table(("paper", "empty"), [], empty=text)
    output.show_json({text: [text]})
    output.show_line({text: [text]})
    output.echo(text)
    output.echo_err(text)
    with output.show_progress("reading") as progress:
        progress(text, 1, 2)

    ours = r"\x1b\[[\d;?]*[a-zA-Z]|\r" if stream is Terminal else r"(?<=paper)\t(?=empty\n)"
    for written in (out.getvalue(), err.getvalue()):
        assert not STEERING.search(re.sub(ours, "", written))


@given(text=HOSTILE)
def test_json_output_has_the_value_that_was_given(text: str) -> None:
    with redirect_stdout(StringIO()) as out:
        output.show_line({"title": text})
    assert json.loads(out.getvalue()) == {"title": text}
