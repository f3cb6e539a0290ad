"""Was a form opened by someone who took the time to read it?"""

from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models.errors import InvalidToken
from digest.web.form_tokens import LIFETIME, READING, Tickets, is_worked
from tests.factories import NOW

TICKETS = Tickets(b"a key of the tests")
GENUINE = TICKETS.issue(NOW)


def test_a_ticket_says_how_long_the_form_lay_open() -> None:
    ticket = TICKETS.read(GENUINE, NOW)
    assert not ticket.has_waited(NOW + timedelta(seconds=READING - 0.5))
    assert ticket.has_waited(NOW + timedelta(seconds=READING))


def test_a_ticket_ends() -> None:
    with pytest.raises(InvalidToken, match="too long"):
        TICKETS.read(GENUINE, NOW + LIFETIME)


def test_no_two_tickets_are_the_same() -> None:
    assert len({TICKETS.issue(NOW) for _ in range(100)}) == 100


def test_another_houses_ticket_is_worth_nothing() -> None:
    with pytest.raises(InvalidToken):
        Tickets(b"another key").read(GENUINE, NOW)


@given(st.integers(0, len(GENUINE) - 1), st.characters(codec="ascii", categories=["L", "N"]))
def test_a_ticket_changed_in_any_place_is_worth_nothing(place: int, letter: str) -> None:
    changed = GENUINE[:place] + letter + GENUINE[place + 1 :]
    if changed != GENUINE:
        with pytest.raises(InvalidToken):
            TICKETS.read(changed, NOW)


@given(st.text())
def test_nonsense_is_no_ticket(text: str) -> None:
    with pytest.raises(InvalidToken):
        TICKETS.read(text, NOW)


def test_work_is_proven_by_leading_zero_bits() -> None:
    answer = next(str(n) for n in count() if is_worked(GENUINE, str(n), 8))
    assert is_worked(GENUINE, answer, 8)
    assert not is_worked(TICKETS.issue(NOW), answer, 32)
    assert not is_worked(GENUINE, "", 8)
    assert not is_worked(GENUINE, answer, 0)
