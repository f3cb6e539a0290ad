"""Tests of the redaction of mailboxes, passwords and tokens."""

import pytest

from digest.mail.tokens import Keys, Purpose
from digest.models.redaction import redact


def test_redact_keeps_only_the_domain_of_an_address() -> None:
    redacted = redact("550 5.1.1 <ada.loveless@example.com> unknown; see smtp://ada:hush@mx.example")
    assert redacted == "550 5.1.1 <…example.com> unknown; see smtp://…mx.example"


def test_redact_removes_the_token_of_a_link() -> None:
    assert redact("GET https://x.example/p/k1x.pid12345678.0123456789abcdef failed").endswith("/p/… failed")


@pytest.mark.parametrize("purpose", Purpose)
def test_redact_removes_tokens_of_every_purpose(purpose: Purpose) -> None:
    token = Keys(b"a key").sign(purpose, "pid12345678", "arxiv:2611.00001")
    assert redact(f"GET https://x.example/{purpose}/{token} failed").endswith(f"/{purpose}/… failed")


def test_redact_takes_linear_time_on_a_long_word() -> None:
    """Messages of other programs may be of any length."""
    assert redact("a" * 1_000_000) == "a" * 1_000_000
