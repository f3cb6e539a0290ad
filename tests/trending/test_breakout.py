"""Tests of breakouts: when a paper may be sent once more."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from digest.models import Heat, Sent
from digest.trending.breakout import MAX_LEADERS, BreakoutFinder

DAY = date(2026, 11, 22)
TODAY = DAY + timedelta(days=1)
NOW = Heat(value=3, expected=100, votes=50)
THEN = Sent(day=DAY, expected=50, votes=20)


def is_resent(now: Heat, then: Sent) -> bool:
    return bool(BreakoutFinder({"sheep": now}).find({"sheep": then}, TODAY))


def test_a_breakout_has_the_votes_and_day_of_the_first_sending() -> None:
    assert BreakoutFinder({"sheep": NOW}).find({"sheep": THEN}, TODAY) == {
        "sheep": replace(NOW, broke_out_from=20, broke_out_on=DAY)
    }


@pytest.mark.parametrize(
    ("then", "again"),
    [
        (replace(THEN, votes=20), True),  # thirty more
        (replace(THEN, votes=21), False),
        (replace(THEN, expected=50), True),  # twice as much
        (replace(THEN, expected=51), False),
        (replace(THEN, expected=0.5), True),
        (replace(THEN, expected=0), False),
        (replace(THEN, votes=1), True),
        (replace(THEN, votes=0), False),
        (replace(THEN, votes=None), False),
        (replace(THEN, resent=True), False),
    ],
)
def test_twice_as_much_and_thirty_votes_more_is_a_breakout(then: Sent, *, again: bool) -> None:
    assert is_resent(NOW, then) is again


def test_without_votes_of_today_nothing_broke_out() -> None:
    assert not is_resent(replace(NOW, votes=None), THEN)


@pytest.mark.parametrize(("days", "again"), [(6, False), (7, True)])
def test_two_resent_papers_are_a_week_apart(days: int, *, again: bool) -> None:
    before = Sent(day=TODAY - timedelta(days=days), resent=True)
    assert bool(BreakoutFinder({"sheep": NOW}).find({"sheep": THEN, "lambs": before}, TODAY)) is again


def test_only_the_first_five_of_the_list_can_be_resent() -> None:
    """The trending list is sorted by `Heat.order`, not by `Heat.value`."""
    leaders = {f"hot {n}": Heat(value=0, expected=9, order=2.0) for n in range(MAX_LEADERS)}
    assert not BreakoutFinder(leaders | {"sheep": replace(NOW, order=1.0)}).find({"sheep": THEN}, TODAY)
    assert BreakoutFinder(leaders | {"sheep": replace(NOW, order=3.0)}).find({"sheep": THEN}, TODAY)


def test_without_order_the_five_hottest_can_be_resent() -> None:
    hotter = {f"hot {n}": Heat(value=4, expected=9) for n in range(MAX_LEADERS)}
    assert not BreakoutFinder(hotter | {"sheep": NOW}).find({"sheep": THEN}, TODAY)
    assert BreakoutFinder(hotter | {"sheep": replace(NOW, value=5)}).find({"sheep": THEN}, TODAY)
