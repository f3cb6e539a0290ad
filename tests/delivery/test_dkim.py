"""DKIM: a signed message is unchanged, and an independent verifier accepts it."""

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

from digest.delivery.dkim import SIGNED_HEADERS, Signer, canonicalize_body
from digest.models.errors import ConfigError
from tests.mail.examples import render_every_mail

DOMAIN, SELECTOR = "papers.example.org", "digest"
SignerAndDns = tuple[Signer, Callable[..., bytes]]


@pytest.fixture(params=["ed25519", "rsa"])
def signer_and_dns(request: pytest.FixtureRequest, tmp_path: Path) -> SignerAndDns:
    """A signer, and a DNS lookup that returns its public key."""
    is_rsa = request.param == "rsa"
    key = generate_private_key(65537, 2048) if is_rsa else Ed25519PrivateKey.generate()
    path = tmp_path / "key.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key()
    if is_rsa:
        published = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        published = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    record = f"v=DKIM1; k={request.param}; p={base64.b64encode(published).decode()}".encode()

    def dns(name: bytes, timeout: int = 5) -> bytes:
        assert name.rstrip(b".") == f"{SELECTOR}._domainkey.{DOMAIN}".encode()
        return record

    return Signer.load(path, domain=DOMAIN, selector=SELECTOR), dns


@pytest.mark.parametrize("name", ["digest", "confirm", "empty_day"])
def test_independent_verifier_accepts_every_mail(signer_and_dns: SignerAndDns, name: str) -> None:
    signer, dns = signer_and_dns
    raw = render_every_mail()[name][1]
    signed = signer.sign(raw)
    assert signed.endswith(raw)
    assert dkim.verify(signed, dnsfunc=dns)


def test_changed_message_fails_verification(signer_and_dns: SignerAndDns) -> None:
    signer, dns = signer_and_dns
    signed = signer.sign(render_every_mail()["digest"][1])
    assert not dkim.verify(signed.replace(b"\nSubject: ", b"\nSubject: Re: ", 1), dnsfunc=dns)
    assert not dkim.verify(signed[:-200] + b"x" + signed[-199:], dnsfunc=dns)
    assert not dkim.verify(signed.replace(b"\nTo: ", b"\nFrom: mallory@example.com\r\nTo: ", 1), dnsfunc=dns)


def test_both_unsubscribe_headers_are_covered_and_from_twice(signer_and_dns: SignerAndDns) -> None:
    head = (
        signer_and_dns[0]
        .sign(render_every_mail()["digest"][1])
        .partition(b"\r\n\r\n")[0]
        .replace(b"\r\n\t", b"")
    )
    covered = head.partition(b"h=")[2].partition(b";")[0].split(b":")
    assert {b"list-unsubscribe", b"list-unsubscribe-post"} <= set(covered)
    assert covered.count(b"from") == 2
    assert set(covered) <= set(SIGNED_HEADERS)


def test_no_line_of_the_signature_is_long(signer_and_dns: SignerAndDns) -> None:
    top = signer_and_dns[0].sign(render_every_mail()["digest"][1]).partition(b"\r\nFrom:")[0]
    assert max(map(len, top.split(b"\r\n"))) <= 150


@given(st.binary())
@example(b"\t")  # a last line of only whitespace, without a line end
def test_canonicalize_body_is_idempotent(body: bytes) -> None:
    assert canonicalize_body(canonicalize_body(body)) == canonicalize_body(body)


def test_unreadable_key_is_refused_with_the_name_of_its_setting(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("nonsense")
    for name in ("key.pem", "absent.pem"):
        with pytest.raises(ConfigError, match="DIGEST_DKIM_KEY"):
            Signer.load(tmp_path / name, domain=DOMAIN, selector=SELECTOR)
