"""Sessions of administrators: roles, cookies and protection against forged requests.

A cookie is a random number, of which the database holds a keyed hash: sessions can be listed and ended one by
one. A session that a shared token of the settings opened is bound to that token, and ends when it is changed.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from hmac import compare_digest
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from digest.db import Transaction
from digest.db.subscribers.rows import create_public_id
from digest.models.administrators import Administrator, AdminSession, Role, SignInMethod
from digest.models.errors import InvalidToken

SESSION_LIFETIME = timedelta(hours=12)
# The names of the two shared tokens, as they stand in the audit log.
SHARED_TOKEN_NAMES = {Role.OWNER: "admin", Role.VIEWER: "viewer"}
# The first that is found names the browser: most name others too, for the sake of old servers.
BROWSERS = ("Edg", "OPR", "Firefox", "FxiOS", "Chromium", "Chrome", "CriOS", "Safari")
BROWSER_NAMES = {"Edg": "Edge", "OPR": "Opera", "FxiOS": "Firefox", "CriOS": "Chrome"}
SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "CrOS", "Linux")
SYSTEM_NAMES = {"Mac OS X": "macOS", "CrOS": "ChromeOS"}


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in and as what, and the token that the forms of this session carry."""

    role: Role
    csrf: str
    name: str  # in the audit log, after "admin:": a public id, or that of a shared token
    label: str  # what people read: the person's name, or which token it is
    public_id: str
    administrator: Administrator | None = None  # None: signed in by a shared token

    @property
    def may_change(self) -> bool:
        """Whether this session may change subscribers, suppressions and editions."""
        return self.role.allows(Role.EDITOR)

    @property
    def is_owner(self) -> bool:
        """Whether this session may say who administers."""
        return self.role is Role.OWNER


class AdminSessions:
    """Opens and verifies sessions; a role without a shared token can only be a person's."""

    def __init__(self, secret: bytes, *, admin: str, viewer: str = "") -> None:
        self._key = blake2b(secret, person=b"digest.session").digest()
        self._tokens = {role: token for role, token in ((Role.OWNER, admin), (Role.VIEWER, viewer)) if token}

    @property
    def has_admin_token(self) -> bool:
        """Whether DIGEST_ADMIN_TOKEN is set."""
        return Role.OWNER in self._tokens

    def is_enabled(self, tx: Transaction) -> bool:
        """Return whether anyone can administer at all."""
        return self.has_admin_token or tx.administrators.is_any()

    def find_role(self, token: str) -> Role | None:
        """Return the role of a shared token, if it is one. All are compared, each in constant time."""
        digest = self._hash(token)
        roles = [role for role, own in self._tokens.items() if compare_digest(self._hash(own), digest)]
        return roles[0] if token and roles else None

    def open(
        self,
        tx: Transaction,
        who: Administrator | Role,
        method: SignInMethod,
        *,
        user_agent: str,
        now: datetime,
    ) -> str:
        """Open a session of a person, or by the shared token of a role, and return its cookie."""
        cookie = secrets.token_urlsafe(32)
        session = AdminSession(
            public_id=create_public_id(),
            administrator=None if isinstance(who, Role) else who,
            credential=self._fingerprint(who) if isinstance(who, Role) else "",
            method=method,
            browser=describe_browser(user_agent),
            created_at=now,
            seen_at=now,
            ends_at=now + SESSION_LIFETIME,
        )
        tx.administrators.add_session(self._hash(cookie), session)
        return cookie

    def find(self, tx: Transaction, cookie: str, now: datetime) -> tuple[Session, AdminSession]:
        """Return the session of a cookie, and its row. Raises InvalidToken if it is not open."""
        row = tx.administrators.find_session(self._hash(cookie), now=now)
        session = row and self.describe(row, csrf=self._hash(f"csrf {cookie}"))
        if not row or not session:
            raise InvalidToken("You are no longer signed in; please sign in again.")
        return session, row

    def describe(self, row: AdminSession, *, csrf: str = "") -> Session | None:
        """Return whose session a row is; None if its shared token is not valid any more."""
        if row.administrator:
            person = row.administrator
            return Session(person.role, csrf, person.public_id, person.name, row.public_id, person)
        for role in self._tokens:
            if compare_digest(self._fingerprint(role), row.credential):
                name = SHARED_TOKEN_NAMES[role]
                return Session(role, csrf, name, f"DIGEST_{name.upper()}_TOKEN", row.public_id)
        return None

    def _fingerprint(self, role: Role) -> str:
        return self._hash(f"{SHARED_TOKEN_NAMES[role]} {self._tokens[role]}")

    def _hash(self, text: str) -> str:
        return blake2b(text.encode(errors="replace"), key=self._key, digest_size=24).hexdigest()


def describe_browser(user_agent: str) -> str:
    """Return browser and system of a User-Agent header in words, as "Firefox on Linux"."""
    browser = next((name for name in BROWSERS if re.search(rf"\b{name}/", user_agent)), "")
    system = next((name for name in SYSTEMS if name in user_agent), "")
    names = (BROWSER_NAMES.get(browser, browser) or "Another program", SYSTEM_NAMES.get(system, system))
    return " on ".join(filter(None, names))


def is_same_origin(headers: Headers, base_url: str) -> bool:
    """Return True if a POST comes from our own page. Browsers always send Origin with it; without: False."""
    site = headers.get("sec-fetch-site")
    if site not in (None, "same-origin"):
        return False
    origin = urlsplit(headers.get("origin", ""))
    return bool(origin.netloc) and origin.netloc in (headers.get("host"), urlsplit(base_url).netloc)
