"""Nothing that is told to an operator repeats a mailbox, a password or a token."""

import pytest

from digest.mail.tokens import Keys, Purpose
from digest.models.redaction import discreet


def test_a_mailbox_is_told_by_its_domain_alone() -> None:
    told = discreet("550 5.1.1 <ada.loveless@example.com> unknown; see smtp://ada:hush@mx.example")
    assert told == "550 5.1.1 <…example.com> unknown; see smtp://…mx.example"


def test_the_link_of_a_reader_is_told_without_its_token() -> None:
    assert discreet("GET https://x.example/p/k1x.pid12345678.0123456789abcdef failed").endswith("/p/… failed")


@pytest.mark.parametrize("purpose", Purpose)
def test_no_link_of_a_reader_stays_whatever_it_is_for(purpose: Purpose) -> None:
    token = Keys(b"a key").sign(purpose, "pid12345678", "arxiv:2611.00001")
    assert discreet(f"GET https://x.example/{purpose}/{token} failed").endswith(f"/{purpose}/… failed")


def test_an_endless_word_is_told_at_once() -> None:
    """What another program said may be of any length, and nobody waits for its line."""
    assert discreet("a" * 1_000_000) == "a" * 1_000_000
