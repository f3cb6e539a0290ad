"""How commands talk: a moment as people say it, a cell as it is and never as markup."""

from datetime import timedelta
from io import StringIO

import pytest
from rich.console import Console
from rich.text import Text

from digest.cli.output import _shown, ago, tabled
from tests.factories import NOW


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (timedelta(seconds=20), "now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=3, minutes=20), "3 h ago"),
        (timedelta(days=3, hours=5), "3 days ago"),
        (-timedelta(minutes=90), "in 1 h"),
    ],
)
def test_a_moment_is_told_in_the_largest_unit_that_fits(before: timedelta, said: str) -> None:
    assert ago(NOW - before, NOW) == said


def test_a_title_in_brackets_is_shown_as_it_is() -> None:
    assert _shown("[bold]Sheep[/nonsense]").plain == "[bold]Sheep[/nonsense]"
    assert str(_shown("FAIL").style) == "bold red"
    assert _shown(NOW).plain == f"{NOW:%Y-%m-%d %H:%M}"


def on_screen(width: int, *rows: tuple[str, ...]) -> str:
    screen = Console(width=width, record=True, file=StringIO())
    screen.print(tabled(("email", "status", "votes", "note"), [[*map(Text, row)] for row in rows], width))
    return screen.export_text()


ADA = ("ada@a-rather-long-department.example.org", "confirmed", "7", "Nothing new since the last reading.")
BOB = ("bob@example.org", "unsubscribed", "1,234", "")


def test_a_table_breaks_no_short_word_and_counts_stand_under_each_other() -> None:
    lines = on_screen(80, ADA, BOB).splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert sum("confirmed" in line for line in lines) == 1
    assert [line.index(word) + len(word) for line, word in ((lines[1], " 7"), (lines[-1], "1,234"))] == [
        lines[0].index("votes") + len("votes")
    ] * 2


def test_a_narrow_screen_shows_one_cell_a_line_and_no_empty_one() -> None:
    told = on_screen(44, ADA, BOB)
    assert all(len(line) <= 44 for line in told.splitlines())
    assert "status  confirmed" in told
    assert told.count("note") == 1


def test_a_table_without_rows_has_its_headers() -> None:
    assert "email" in on_screen(80)
