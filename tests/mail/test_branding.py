"""Branding: colours, contrast and addresses of the sender."""

import re
from dataclasses import replace

import pytest

from digest.mail.branding import DARK, LIGHT, ascii_domain, contrast_ratio, parse_palettes, parse_sender
from digest.models.errors import ConfigError
from tests.mail.examples import SITE


def test_contrast_ratio_matches_wcag() -> None:
    assert contrast_ratio("#000000", "#ffffff") == pytest.approx(21)
    assert contrast_ratio("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast_ratio("#0a0a0a", "#ffffff") == pytest.approx(19.80, abs=0.01)


def test_built_in_palettes_have_enough_contrast() -> None:
    for palette in (LIGHT, DARK):
        for foreground in (palette.text, palette.muted, palette.link, palette.why):
            assert contrast_ratio(foreground, palette.card) >= 5


def test_parse_palettes_changes_single_colours() -> None:
    light, dark = parse_palettes("link=#7a1fa2, dark_why=#a0ffa0")
    assert light == replace(LIGHT, link="#7a1fa2")
    assert dark == replace(DARK, why="#a0ffa0")
    assert parse_palettes("") == (LIGHT, DARK)


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ("font=#000000", "'font' is not a colour of the emails; write one of"),
        ("link", "'link' needs a colour of six hexadecimal digits, as in link="),
        ("link=red", "'link=red' needs a colour"),
        ("dark_link=#0b57d0;x", "'dark_link=#0b57d0;x' needs a colour"),
    ],
)
def test_parse_palettes_refuses_what_is_no_colour_with_advice(changes: str, advice: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(advice)):
        parse_palettes(changes)


def test_faint_colours_are_refused() -> None:
    with pytest.raises(ConfigError, match="too faint"):
        parse_palettes("why=#cccccc")


@pytest.mark.parametrize(
    "sender", ["Papers <digest@example.org>", "digest", "a@b@c", "a b@c", "a@b\r\nBcc: c@d"]
)
def test_a_sender_is_a_plain_address(sender: str) -> None:
    with pytest.raises(ConfigError, match="plain address"):
        replace(SITE, sender=sender)


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("post@bücher.example", "xn--bcher-kva.example"),
        ("post@BÜCHER.Example", "xn--bcher-kva.example"),
        ("post@my_host.Example", "my_host.Example"),  # ASCII stays as written, also if IDNA forbids it
        ('"a@b"@example.org', "example.org"),
    ],
)
def test_domains_are_converted_to_ascii(address: str, domain: str) -> None:
    assert ascii_domain(address) == domain


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("digest@example.org", "", "digest@example.org"),
        ("<digest@example.org>", "", "digest@example.org"),
        ("Ada Lovelace <digest@example.org>", "Ada Lovelace", "digest@example.org"),
        (' "Lovelace, Ada"  < digest@example.org > ', "Lovelace, Ada", "digest@example.org"),
        ("Überblick<digest@example.org>", "Überblick", "digest@example.org"),
    ],
)
def test_a_sender_may_have_a_name(text: str, name: str, address: str) -> None:
    assert parse_sender(text) == (name, address)


@pytest.mark.parametrize(
    "text", ["Ada <a@b.org> <c@d.org>", "Ada <a@b.org", 'A "B" <a@b.org>', "<a@b.org>, c"]
)
def test_a_sender_that_is_not_one_address_is_left_to_the_check(text: str) -> None:
    assert parse_sender(text) == ("", text)
