"""Signed link tokens: who may do what by following a link, and until when."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import b2a_base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from hashlib import blake2b
from hmac import compare_digest

from digest.models.errors import ConfigError, InvalidToken, LinkExpired

URL_LETTERS = bytes.maketrans(b"+/", b"-_")
MAC_BYTES = 12  # 96 bits: 16 characters, far beyond guessing over a network
PUBLIC_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Purpose(StrEnum):
    """What a link may be used for; also its place in the URL."""

    CONFIRM = "c"
    UNSUBSCRIBE = "u"
    PREFERENCES = "p"
    VERDICT = "v"
    FEED = "f"
    EDITION = "e"
    OPENING = "o"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a verified token says."""

    purpose: Purpose
    pid: str
    extra: str = ""
    expires: datetime | None = None


@dataclass(frozen=True)
class Keys:
    """The current signing key, and retired ones whose links still work."""

    current: bytes
    retired: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an empty key: anyone could sign with it."""
        if not all((self.current, *self.retired)):
            raise ConfigError("A signing key is empty; set DIGEST_SECRET_KEY to 32 random characters.")

    def sign(self, purpose: Purpose, pid: str, extra: str = "", *, expires: datetime | None = None) -> str:
        """Write a token. The same arguments always give the same token."""
        if not PUBLIC_ID.fullmatch(pid):
            raise ValueError(f"{pid!r} is not a public id: letters, digits, - and _ only")
        fields = [self._signer.id, pid]
        if extra or expires:
            fields.append(packed(extra))
        if expires:
            fields.append(_minutes(expires))
        body = ".".join(fields)
        return f"{body}.{self._signer.mac(purpose, body)}"

    def sealer(self, purpose: Purpose, pid: str) -> Callable[[bytes], bytes]:
        """Seals many `packed` extras for one reader: the last field of each token that `form` shows."""
        return self._signer.sealer(purpose, pid)

    def form(self, pid: str, extra: str, seal: str) -> str:
        """How a token with an extra is written."""
        return f"{self._signer.id}.{pid}.{extra}.{seal}"

    def verify(self, purpose: Purpose, token: str, *, now: datetime) -> Claim:
        """Read a token. InvalidToken if forged, cut or for another purpose; LinkExpired if it was good."""
        body, _, mac = token.rpartition(".")
        fields = body.split(".")
        # Every key with this id is compared in full; which one fits shows in no timing that matters.
        genuine = [signer.fits(purpose, body, mac) for signer in self._signers if signer.id == fields[0]]
        if not any(genuine) or not 2 <= len(fields) <= 4:
            raise InvalidToken
        claim = _claim(purpose, fields[1:])
        if claim.expires and now >= claim.expires:
            raise LinkExpired
        return claim

    @cached_property
    def _signer(self) -> "_Signer":
        return _Signer(self.current)

    @cached_property
    def _signers(self) -> Sequence["_Signer"]:
        return (self._signer, *map(_Signer, self.retired))


class _Signer:
    """One key: its public id and its keyed hash."""

    def __init__(self, secret: bytes) -> None:
        key = blake2b(secret, person=b"digest.links").digest()
        self.id = _base64(blake2b(key, person=b"digest.link-id", digest_size=3).digest())[:3]
        self._keyed = blake2b(key=key, digest_size=MAC_BYTES)

    def mac(self, purpose: Purpose, body: str) -> str:
        hashed = self._keyed.copy()
        hashed.update(f"{purpose.value}/{body}".encode(errors="replace"))
        return _seal(hashed.digest()).decode()

    def sealer(self, purpose: Purpose, pid: str) -> Callable[[bytes], bytes]:
        begun = self._keyed.copy()
        begun.update(f"{purpose.value}/{self.id}.{pid}.".encode())

        def seal(extra: bytes) -> bytes:
            hashed = begun.copy()
            hashed.update(extra)
            return _seal(hashed.digest())

        return seal

    def fits(self, purpose: Purpose, body: str, mac: str) -> bool:
        return compare_digest(self.mac(purpose, body).encode(), mac.encode(errors="replace"))


def packed(extra: str) -> str:
    """Any text in the letters of a URL."""
    return _base64(extra.encode())


def verdicts(paper_id: str) -> tuple[str, str]:
    """What the links `more` and `less` of a paper sign."""
    return f"+{paper_id}", f"-{paper_id}"


def _claim(purpose: Purpose, fields: Sequence[str]) -> Claim:
    extra = urlsafe_b64decode(fields[1] + "=" * (-len(fields[1]) % 4)).decode() if len(fields) > 1 else ""
    expires = datetime.fromtimestamp(int(fields[2], 36) * 60, UTC) if len(fields) > 2 else None
    return Claim(purpose, fields[0], extra, expires)


def _seal(octets: bytes) -> bytes:
    """Twelve octets as sixteen letters of a URL."""
    return b2a_base64(octets, newline=False).translate(URL_LETTERS)


def _base64(octets: bytes) -> str:
    return urlsafe_b64encode(octets).decode("ascii").rstrip("=")


def _minutes(moment: datetime) -> str:
    """Whole minutes since 1970 in base 36; a broken minute is rounded down."""
    left, written = int(moment.timestamp()) // 60, ""
    while left:
        left, digit = divmod(left, 36)
        written = DIGITS[digit] + written
    return written
