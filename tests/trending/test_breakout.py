"""A paper comes once more only when it truly broke out, and never often."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from digest.models import Heat, Sent
from digest.trending.breakout import LEADERS, broken_out

DAY = date(2026, 11, 22)
NOW = Heat(value=3, expected=100, votes=50)
THEN = Sent(day=DAY, expected=50, votes=20)


def comes_again(now: Heat, then: Sent) -> bool:
    return bool(broken_out({"sheep": now}, {"sheep": then}))


def test_who_got_a_paper_before_it_broke_out_is_told_from_where_and_when() -> None:
    assert broken_out({"sheep": NOW}, {"sheep": THEN}) == {
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
    assert comes_again(NOW, then) is again


def test_without_votes_of_today_nothing_broke_out() -> None:
    assert not comes_again(replace(NOW, votes=None), THEN)


@pytest.mark.parametrize(("days", "again"), [(6, False), (7, True)])
def test_two_that_come_again_are_a_week_apart(days: int, *, again: bool) -> None:
    before = Sent(day=DAY - timedelta(days=days), resent=True)
    assert bool(broken_out({"sheep": NOW}, {"sheep": THEN, "lambs": before})) is again


def test_only_the_five_that_lead_the_list_can_come_again() -> None:
    """The list is led by how surely a paper ends among the best, not by its heat of the moment."""
    leaders = {f"hot {n}": Heat(value=0, expected=9, order=2.0) for n in range(LEADERS)}
    assert not broken_out(leaders | {"sheep": replace(NOW, order=1.0)}, {"sheep": THEN})
    assert broken_out(leaders | {"sheep": replace(NOW, order=3.0)}, {"sheep": THEN})


def test_while_nothing_orders_the_list_the_heat_of_the_moment_does() -> None:
    hotter = {f"hot {n}": Heat(value=4, expected=9) for n in range(LEADERS)}
    assert not broken_out(hotter | {"sheep": NOW}, {"sheep": THEN})
    assert broken_out(hotter | {"sheep": replace(NOW, value=5)}, {"sheep": THEN})
