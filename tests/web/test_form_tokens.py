"""Tickets of the sign-up form: time, signature and proof of work."""

from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models.errors import InvalidToken
from digest.web.form_tokens import MIN_READING_SECONDS, TICKET_LIFETIME, TicketIssuer, is_work_done
from tests.factories import NOW

TICKETS = TicketIssuer(b"a key of the tests")
GENUINE = TICKETS.issue(NOW)


def test_a_ticket_shows_whether_the_form_was_open_for_long_enough() -> None:
    ticket = TICKETS.verify(GENUINE, NOW)
    assert not ticket.has_waited(NOW + timedelta(seconds=MIN_READING_SECONDS - 0.5))
    assert ticket.has_waited(NOW + timedelta(seconds=MIN_READING_SECONDS))


def test_a_ticket_expires() -> None:
    with pytest.raises(InvalidToken, match="too long"):
        TICKETS.verify(GENUINE, NOW + TICKET_LIFETIME)


def test_no_two_tickets_are_the_same() -> None:
    assert len({TICKETS.issue(NOW) for _ in range(100)}) == 100


def test_a_ticket_signed_with_another_key_is_refused() -> None:
    with pytest.raises(InvalidToken):
        TicketIssuer(b"another key").verify(GENUINE, NOW)


@given(st.integers(0, len(GENUINE) - 1), st.characters(codec="ascii", categories=["L", "N"]))
def test_a_ticket_changed_at_any_position_is_refused(index: int, letter: str) -> None:
    changed = GENUINE[:index] + letter + GENUINE[index + 1 :]
    if changed != GENUINE:
        with pytest.raises(InvalidToken):
            TICKETS.verify(changed, NOW)


@given(st.text())
def test_arbitrary_text_is_no_ticket(text: str) -> None:
    with pytest.raises(InvalidToken):
        TICKETS.verify(text, NOW)


def test_work_is_proven_by_leading_zero_bits() -> None:
    answer = next(str(n) for n in count() if is_work_done(GENUINE, str(n), 8))
    assert is_work_done(GENUINE, answer, 8)
    assert not is_work_done(TICKETS.issue(NOW), answer, 32)
    assert not is_work_done(GENUINE, "", 8)
    assert not is_work_done(GENUINE, answer, 0)
