"""Who sends these mails, and in which colours?"""

from dataclasses import replace

import pytest

from digest.mail.branding import DARK, LIGHT, ascii_domain, contrast, palettes
from digest.models.errors import ConfigError
from tests.mail.examples import SITE


def test_contrast_is_as_the_guidelines_compute_it() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#0a0a0a", "#ffffff") == pytest.approx(19.80, abs=0.01)


def test_our_own_palettes_are_easily_read() -> None:
    for palette in (LIGHT, DARK):
        for ink in (palette.text, palette.muted, palette.link, palette.why):
            assert contrast(ink, palette.card) >= 5


def test_colours_are_changed_one_by_one() -> None:
    light, dark = palettes("link=#7a1fa2, dark_why=#a0ffa0")
    assert light == replace(LIGHT, link="#7a1fa2")
    assert dark == replace(DARK, why="#a0ffa0")
    assert palettes("") == (LIGHT, DARK)


@pytest.mark.parametrize("changes", ["link", "link=red", "nonsense=#000000", "link=#0b57d0;x"])
def test_what_is_no_colour_is_refused_with_advice(changes: str) -> None:
    advice = "page, card, text, .* rule, with dark_ before it for the dark scheme, as in link=#0b57d0.$"
    with pytest.raises(ConfigError, match=advice):
        palettes(changes)


def test_faint_colours_are_refused() -> None:
    with pytest.raises(ConfigError, match="too faint"):
        palettes("why=#cccccc")


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
        ("post@my_host.Example", "my_host.Example"),  # what is ASCII is nobody's business
        ('"a@b"@example.org', "example.org"),
    ],
)
def test_a_domain_is_written_as_the_wire_has_it(address: str, domain: str) -> None:
    assert ascii_domain(address) == domain
