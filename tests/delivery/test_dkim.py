"""A signed mail is the same mail, and an independent verifier believes it."""

import base64
from collections.abc import Callable
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import example, given
from hypothesis import strategies as st

from digest.delivery.dkim import SIGNED, Signer, relaxed_body
from digest.models.errors import ConfigError
from tests.mail.examples import every_mail

DOMAIN, SELECTOR = "papers.example.org", "digest"
Keyed = tuple[Signer, Callable[..., bytes]]


@pytest.fixture(params=["ed25519", "rsa"])
def keyed(request: pytest.FixtureRequest, tmp_path: Path) -> Keyed:
    """A signer, and the DNS that publishes its key."""
    is_rsa = request.param == "rsa"
    key = generate_private_key(65537, 2048) if is_rsa else Ed25519PrivateKey.generate()
    path = tmp_path / "key.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key()
    if is_rsa:
        shown = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        shown = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    record = f"v=DKIM1; k={request.param}; p={base64.b64encode(shown).decode()}".encode()

    def dns(name: bytes, timeout: int = 5) -> bytes:
        assert name.rstrip(b".") == f"{SELECTOR}._domainkey.{DOMAIN}".encode()
        return record

    return Signer.load(path, domain=DOMAIN, selector=SELECTOR), dns


@pytest.mark.parametrize("name", ["digest", "confirm", "empty_day"])
def test_an_independent_verifier_believes_every_mail(keyed: Keyed, name: str) -> None:
    signer, dns = keyed
    raw = every_mail()[name][1]
    signed = signer.signed(raw)
    assert signed.endswith(raw)
    assert dkim.verify(signed, dnsfunc=dns)


def test_what_is_changed_on_the_way_is_no_longer_believed(keyed: Keyed) -> None:
    signer, dns = keyed
    signed = signer.signed(every_mail()["digest"][1])
    assert not dkim.verify(signed.replace(b"\nSubject: ", b"\nSubject: Re: ", 1), dnsfunc=dns)
    assert not dkim.verify(signed[:-200] + b"x" + signed[-199:], dnsfunc=dns)
    assert not dkim.verify(signed.replace(b"\nTo: ", b"\nFrom: mallory@example.com\r\nTo: ", 1), dnsfunc=dns)


def test_both_unsubscribe_headers_are_covered_and_from_twice(keyed: Keyed) -> None:
    head = keyed[0].signed(every_mail()["digest"][1]).partition(b"\r\n\r\n")[0].replace(b"\r\n\t", b"")
    covered = head.partition(b"h=")[2].partition(b";")[0].split(b":")
    assert {b"list-unsubscribe", b"list-unsubscribe-post"} <= set(covered)
    assert covered.count(b"from") == 2
    assert set(covered) <= set(SIGNED)


def test_no_line_of_the_signature_is_long(keyed: Keyed) -> None:
    top = keyed[0].signed(every_mail()["digest"][1]).partition(b"\r\nFrom:")[0]
    assert max(map(len, top.split(b"\r\n"))) <= 150


@given(st.binary())
@example(b"\t")  # a last line of blanks, and no end to it
def test_the_relaxed_form_of_a_body_is_its_own_relaxed_form(body: bytes) -> None:
    assert relaxed_body(relaxed_body(body)) == relaxed_body(body)


def test_a_key_that_is_none_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("nonsense")
    for name in ("key.pem", "absent.pem"):
        with pytest.raises(ConfigError, match="DIGEST_DKIM_KEY"):
            Signer.load(tmp_path / name, domain=DOMAIN, selector=SELECTOR)
