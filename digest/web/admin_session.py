"""Who may administer, and is it really their own page that asks? Sessions, roles and forged requests.

A session is a signed cookie. Its key is made from the house's secret, the role's own token and an
epoch in the database: changing a token, or signing out everywhere, ends every session at once.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from hmac import compare_digest
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from digest.models.errors import InvalidToken

LIFETIME = timedelta(hours=12)


class Role(StrEnum):
    """What an administrator may do: the viewer only looks."""

    ADMIN = "admin"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in, and the token that their own forms carry."""

    role: Role
    csrf: str

    @property
    def may_change(self) -> bool:
        """Whether this person may change anything."""
        return self.role is Role.ADMIN


class Badges:
    """The tokens of the roles; a role without a token does not exist."""

    def __init__(self, secret: bytes, *, admin: str, viewer: str = "") -> None:
        self._secret = secret
        self._tokens = {role: token for role, token in ((Role.ADMIN, admin), (Role.VIEWER, viewer)) if token}

    @property
    def exist(self) -> bool:
        """Whether anyone may administer at all."""
        return Role.ADMIN in self._tokens

    def role_of(self, token: str) -> Role | None:
        """Whose token this is. Every role's token is compared, each in constant time."""
        given = _fingerprint(token)
        fitting = [r for r, own in self._tokens.items() if compare_digest(_fingerprint(own), given)]
        return fitting[0] if token and fitting else None

    def open(self, role: Role, now: datetime, *, epoch: str) -> str:
        """A cookie for that role."""
        body = f"{role.value}.{int(now.timestamp())}.{secrets.token_urlsafe(12)}"
        return f"{body}.{self._mac(role, epoch, body)}"

    def read(self, cookie: str, now: datetime, *, epoch: str) -> Session:
        """The session of a cookie, or InvalidToken if it is forged, too old or ended."""
        body, _, mac = cookie.rpartition(".")
        name = body.partition(".")[0]
        role = Role(name) if name in self._tokens else None
        if role is None or not compare_digest(self._mac(role, epoch, body).encode(), _bytes(mac)):
            raise InvalidToken
        issued = datetime.fromtimestamp(int(body.split(".")[1]), UTC)
        if now - issued > LIFETIME:
            raise InvalidToken("You were signed out after twelve hours; please sign in again.")
        return Session(role, self._mac(role, epoch, f"csrf.{body}"))

    def _mac(self, role: Role, epoch: str, body: str) -> str:
        own = f"{epoch}/{role.value}/{self._tokens[role]}".encode()
        key = blake2b(own, key=blake2b(self._secret).digest(), person=b"digest.session").digest()
        return blake2b(_bytes(body), key=key, digest_size=20).hexdigest()


def is_same_origin(headers: Headers, base_url: str) -> bool:
    """Whether a POST comes from a page of ours. Browsers say so on every POST; silence counts as no."""
    site = headers.get("sec-fetch-site")
    if site not in (None, "same-origin"):
        return False
    origin = urlsplit(headers.get("origin", ""))
    return bool(origin.netloc) and origin.netloc in (headers.get("host"), urlsplit(base_url).netloc)


def _fingerprint(token: str) -> bytes:
    return blake2b(_bytes(token)).digest()


def _bytes(text: str) -> bytes:
    return text.encode(errors="replace")
