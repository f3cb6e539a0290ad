"""How commands talk: a moment as people say it, a cell as it is and never as markup."""

from datetime import timedelta

import pytest

from digest.cli.house import _shown, ago
from tests.house import NOW


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
