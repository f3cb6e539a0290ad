"""Signed tokens of links: each allows one purpose for one subscriber, some until an expiry.

A token reads `KEY.PUBLIC_ID.MAC`, `KEY.PUBLIC_ID.EXTRA.MAC` or `KEY.PUBLIC_ID.EXTRA.EXPIRY.MAC`. KEY tells
which signing key was used, EXTRA is base32, EXPIRY counts minutes since 1970 in base 36. A token is always
the same for the same arguments, so that a preview equals the mail sent, and so short that no mailer folds the
header it stands in. It has only small letters and ends in a letter or digit, because mail systems change the
case of addresses and mail programs leave a dash at the end out of the link; it is verified in any case.

Tokens of earlier versions verify for ever. Their KEY has three characters instead of four, EXTRA and MAC are
base64url, and case counts.
"""

import re
from base64 import b32decode, b32encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property, lru_cache
from hashlib import blake2b
from hmac import compare_digest

from digest.models.errors import ConfigError, InvalidToken, LinkExpired, PreviewLink

MAC_BYTES = 10  # 80 bits: far beyond guessing over a network
OLD_MAC_BYTES = 12
KEY_ID_CHARS, OLD_KEY_ID_CHARS = 4, 3
PUBLIC_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
ARXIV_ID = re.compile(r"arxiv:(\d{4}\.\d{4,5})", re.ASCII)
CASE_MARK = "0"  # begins a public id with capitals, as `encode_public_id` writes it
PREVIEW_ID = "preview"  # stands for the public id in the preview of a digest for nobody
BASE36_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Purpose(StrEnum):
    """What a link may be used for; also the first part of its path."""

    CONFIRM = "c"
    UNSUBSCRIBE = "u"
    PREFERENCES = "p"
    FEEDBACK = "v"
    FEED = "f"
    EDITION = "e"
    OPENING = "o"
    ADMINISTRATION = "a"


@dataclass(frozen=True, slots=True)
class Claim:
    """The content of a verified token. What `extra` holds depends on the purpose, see `Links`."""

    purpose: Purpose
    public_id: str
    extra: str = ""
    expires: datetime | None = None


@dataclass(frozen=True)
class Keys:
    """The current signing key, and retired ones whose links still work."""

    current: bytes
    retired: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Raise ConfigError for an empty key: anyone could sign with it."""
        if not all((self.current, *self.retired)):
            raise ConfigError("A signing key is empty; set DIGEST_SECRET_KEY to 32 random characters.")

    def sign(
        self, purpose: Purpose, public_id: str, extra: str = "", *, expires: datetime | None = None
    ) -> str:
        """Return a token, always the same for the same arguments. *expires* is rounded down to the minute."""
        if not PUBLIC_ID.fullmatch(public_id):
            raise ValueError(f"{public_id!r} is not a public id: letters, digits, - and _ only")
        fields = [self._signer.id, encode_public_id(public_id)]
        if extra or expires:
            fields.append(encode_extra(extra))
        if expires:
            fields.append(_encode_minutes(expires))
        body = ".".join(fields)
        return f"{body}.{self._signer.compute_mac(purpose, body)}"

    def verify(self, purpose: Purpose, token: str, *, now: datetime) -> Claim:
        """Return the claim of a token, which may be written in capitals.

        Raises InvalidToken if it is forged, cut or for another purpose, LinkExpired if it was valid once,
        PreviewLink if it stands in the preview of a digest for nobody.
        """
        is_old = token.find(".") == OLD_KEY_ID_CHARS
        body, _, mac = (token if is_old else token.lower()).rpartition(".")
        fields = body.split(".")
        # Every key with this id is compared in full, so that the time taken does not tell which one matches.
        signers = self._old_signers if is_old else self._signers
        matches = [signer.is_valid(purpose, body, mac) for signer in signers if signer.id == fields[0]]
        if not any(matches) or not 2 <= len(fields) <= 4:
            raise InvalidToken
        claim = _parse_old_claim(purpose, fields[1:]) if is_old else _parse_claim(purpose, fields[1:])
        if claim.expires and now >= claim.expires:
            raise LinkExpired
        if claim.public_id == PREVIEW_ID:
            raise PreviewLink
        return claim

    @cached_property
    def _signer(self) -> "_Signer":
        return _Signer(self.current)

    @cached_property
    def _signers(self) -> Sequence["_Signer"]:
        return (self._signer, *map(_Signer, self.retired))

    @cached_property
    def _old_signers(self) -> Sequence["_OldSigner"]:
        return tuple(map(_OldSigner, (self.current, *self.retired)))


class _Signer:
    """One key: its public id and its keyed hash."""

    def __init__(self, secret: bytes) -> None:
        key = blake2b(secret, person=b"digest.links").digest()
        self.id = blake2b(key, person=b"digest.link-id", digest_size=KEY_ID_CHARS // 2).hexdigest()
        self._keyed_hash = blake2b(key=key, digest_size=MAC_BYTES)

    def compute_mac(self, purpose: Purpose, body: str) -> str:
        state = self._keyed_hash.copy()
        state.update(f"{purpose.value}/{body}".encode(errors="replace"))
        return state.hexdigest()

    def is_valid(self, purpose: Purpose, body: str, mac: str) -> bool:
        return compare_digest(self.compute_mac(purpose, body).encode(), mac.encode(errors="replace"))


class _OldSigner:
    """One key as earlier versions used it; it only verifies."""

    def __init__(self, secret: bytes) -> None:
        key = blake2b(secret, person=b"digest.links").digest()
        key_id = blake2b(key, person=b"digest.link-id", digest_size=3).digest()
        self.id = _encode_base64url(key_id)[:OLD_KEY_ID_CHARS]
        self._keyed_hash = blake2b(key=key, digest_size=OLD_MAC_BYTES)

    def is_valid(self, purpose: Purpose, body: str, mac: str) -> bool:
        """Return whether the MAC is right, also without dashes at its end: they get lost with the link."""
        state = self._keyed_hash.copy()
        state.update(f"{purpose.value}/{body}".encode(errors="replace"))
        expected = _encode_base64url(state.digest()).rstrip("-_")
        return compare_digest(expected.encode(), mac.rstrip("-_").encode(errors="replace"))


@lru_cache(maxsize=64)  # every link of a mail has the same
def encode_public_id(public_id: str) -> str:
    """Return a public id in small letters: as it is, or after a mark and a bit for each capital (hex)."""
    small = public_id.lower()
    if small == public_id and not public_id.startswith(CASE_MARK):
        return public_id
    capitals = int("".join(str(int(char.isupper())) for char in public_id), 2)
    return f"{CASE_MARK}{capitals:0{-(-len(public_id) // 4)}x}{small}"


def _decode_public_id(encoded: str) -> str:
    if not encoded.startswith(CASE_MARK):
        return encoded
    length = (len(encoded) - len(CASE_MARK)) * 4 // 5  # a character, and a quarter of one for its bit
    capitals = int(encoded[len(CASE_MARK) : -length], 16)
    bits = f"{capitals:0{length}b}"
    return "".join(
        char.upper() if bit == "1" else char for char, bit in zip(encoded[-length:], bits, strict=True)
    )


@lru_cache(maxsize=4096)  # of the papers and days of a run
def encode_extra(extra: str) -> str:
    """Return the extra of a token as base32."""
    return b32encode(extra.encode()).decode("ascii").rstrip("=").lower()


def encode_paper_id(paper_id: str) -> str:
    """Return how links name a paper: by its arXiv number, which has a dot, else by its id in base32."""
    match = ARXIV_ID.fullmatch(paper_id)
    return match[1] if match else encode_extra(paper_id)


def decode_paper_id(name: str) -> str:
    """Return the id of a paper from its name in a link, in any case. Raises InvalidToken for nonsense."""
    if "." in name:
        return f"arxiv:{name}"
    try:
        return _decode_extra(name)
    except ValueError as error:
        raise InvalidToken from error


def _parse_claim(purpose: Purpose, fields: Sequence[str]) -> Claim:
    extra = _decode_extra(fields[1]) if len(fields) > 1 else ""
    return Claim(purpose, _decode_public_id(fields[0]), extra, _parse_expiry(fields))


def _decode_extra(encoded: str) -> str:
    return b32decode(_pad(encoded, 8), casefold=True).decode()


def _parse_old_claim(purpose: Purpose, fields: Sequence[str]) -> Claim:
    extra = urlsafe_b64decode(_pad(fields[1], 4)).decode() if len(fields) > 1 else ""
    return Claim(purpose, fields[0], extra, _parse_expiry(fields))


def _parse_expiry(fields: Sequence[str]) -> datetime | None:
    return datetime.fromtimestamp(int(fields[2], 36) * 60, UTC) if len(fields) > 2 else None


def _pad(encoded: str, block: int) -> str:
    return encoded + "=" * (-len(encoded) % block)


def _encode_base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode("ascii").rstrip("=")


def _encode_minutes(moment: datetime) -> str:
    """Return the whole minutes since 1970 in base 36."""
    rest, encoded = int(moment.timestamp()) // 60, ""
    while rest:
        rest, digit = divmod(rest, 36)
        encoded = BASE36_DIGITS[digit] + encoded
    return encoded
