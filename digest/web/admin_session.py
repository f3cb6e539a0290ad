"""Sessions of administrators: roles, signed cookies and protection against forged requests.

The key of a cookie's signature is derived from the secret key, the token of the role and an epoch in the
database: changing a token, or signing out everywhere, ends every session at once.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from hmac import compare_digest
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from digest.models.administrators import Role
from digest.models.errors import InvalidToken

SESSION_LIFETIME = timedelta(hours=12)


# The names of the two shared tokens, as they stand in the audit log and in cookies.
SHARED_TOKEN_NAMES = {Role.OWNER: "admin", Role.VIEWER: "viewer"}


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in and as what, and the token that the forms of this session carry."""

    role: Role
    csrf: str
    name: str  # in the audit log, after "admin:"

    @property
    def may_change(self) -> bool:
        """Whether this session may change subscribers, suppressions and editions."""
        return self.role.allows(Role.EDITOR)

    @property
    def is_owner(self) -> bool:
        """Whether this session may say who administers."""
        return self.role is Role.OWNER


class AdminSessions:
    """Issues and verifies session cookies; a role without a token cannot sign in."""

    def __init__(self, secret: bytes, *, admin: str, viewer: str = "") -> None:
        self._secret = secret
        self._tokens = {role: token for role, token in ((Role.OWNER, admin), (Role.VIEWER, viewer)) if token}

    @property
    def is_enabled(self) -> bool:
        """Whether anyone can administer at all."""
        return Role.OWNER in self._tokens

    def find_role(self, token: str) -> Role | None:
        """Return the role with this token, if any. Every role's token is compared, each in constant time."""
        digest = _hash(token)
        roles = [role for role, own in self._tokens.items() if compare_digest(_hash(own), digest)]
        return roles[0] if token and roles else None

    def create_cookie(self, role: Role, now: datetime, *, epoch: str) -> str:
        """Return the cookie of a new session with this role."""
        body = f"{SHARED_TOKEN_NAMES[role]}.{int(now.timestamp())}.{secrets.token_urlsafe(12)}"
        return f"{body}.{self._mac(role, epoch, body)}"

    def verify_cookie(self, cookie: str, now: datetime, *, epoch: str) -> Session:
        """Return the session of a cookie. Raises InvalidToken if it is forged, too old or signed out."""
        body, _, mac = cookie.rpartition(".")
        name = body.partition(".")[0]
        role = next((role for role in self._tokens if SHARED_TOKEN_NAMES[role] == name), None)
        if role is None or not compare_digest(self._mac(role, epoch, body).encode(), _encode(mac)):
            raise InvalidToken
        issued = datetime.fromtimestamp(int(body.split(".")[1]), UTC)
        if now - issued > SESSION_LIFETIME:
            raise InvalidToken("You were signed out after twelve hours; please sign in again.")
        return Session(role, self._mac(role, epoch, f"csrf.{body}"), name)

    def _mac(self, role: Role, epoch: str, body: str) -> str:
        key_input = f"{epoch}/{SHARED_TOKEN_NAMES[role]}/{self._tokens[role]}".encode()
        key = blake2b(key_input, key=blake2b(self._secret).digest(), person=b"digest.session").digest()
        return blake2b(_encode(body), key=key, digest_size=20).hexdigest()


def is_same_origin(headers: Headers, base_url: str) -> bool:
    """Return True if a POST comes from our own page. Browsers always send Origin with it; without: False."""
    site = headers.get("sec-fetch-site")
    if site not in (None, "same-origin"):
        return False
    origin = urlsplit(headers.get("origin", ""))
    return bool(origin.netloc) and origin.netloc in (headers.get("host"), urlsplit(base_url).netloc)


def _hash(token: str) -> bytes:
    return blake2b(_encode(token)).digest()


def _encode(text: str) -> bytes:
    return text.encode(errors="replace")
