"""Bearer tokens of the API: how they are written, and the hash under which they are stored.

A token reads `digest_admin_` or `digest_reader_` and 48 hexadecimal digits: 192 random bits, so that a plain
hash protects it, and a prefix that scanners for leaked secrets can find. Administrators and readers share
this form; a token of one kind is never looked up among the other's.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b

SECRET_BYTES = 24
SHOWN_CHARS = 4  # of the secret, by which people tell their tokens apart
MAX_READER_TOKENS = 10  # of one subscriber


class TokenKind(StrEnum):
    """Whose token it is; also its prefix."""

    ADMINISTRATOR = "digest_admin"
    READER = "digest_reader"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderToken:
    """A token by which a program acts for one subscriber."""

    id: int
    subscriber_id: int
    name: str
    shown: str  # its beginning, by which people tell their tokens apart
    may_write: bool  # vote and save; every token may read
    created_at: datetime
    used_at: datetime | None = None


def create_token(kind: TokenKind) -> str:
    """Return a new token. Show it once and store only `hash_token` and `shorten_token` of it."""
    return f"{kind}_{secrets.token_hex(SECRET_BYTES)}"


def is_token(kind: TokenKind, text: str) -> bool:
    """Return whether *text* is written like a token of this kind; whether it is valid the database knows."""
    return re.fullmatch(rf"{kind}_[0-9a-f]{{{2 * SECRET_BYTES}}}", text) is not None


def hash_token(token: str) -> str:
    """Return the hash under which a token is stored and looked up, in hexadecimal."""
    return blake2b(token.encode(errors="replace"), digest_size=32, person=b"digest.token").hexdigest()


def shorten_token(token: str) -> str:
    """Return the beginning of a token, to be shown in lists."""
    kind = token.rpartition("_")[0]
    return f"{token[: len(kind) + 1 + SHOWN_CHARS]}…"
