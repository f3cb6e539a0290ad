"""Administrators of the installation, what each may do, their sessions and their tokens."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Role(StrEnum):
    """What an administrator may do. Each role may do all that the one before it may."""

    VIEWER = "viewer"  # reads everything, changes nothing
    EDITOR = "editor"  # also changes subscribers, suppressions, tags and held editions
    OWNER = "owner"  # also says who else may administer

    def allows(self, needed: "Role") -> bool:
        """Return whether this role may do what *needed* may."""
        order = [*Role]
        return order.index(self) >= order.index(needed)

    def limit(self, other: "Role") -> "Role":
        """Return the lesser of two roles."""
        return self if other.allows(self) else other


INVITATION_LIFETIME = timedelta(days=7)
SIGN_IN_LINK_LIFETIME = timedelta(hours=1)


class SignInMethod(StrEnum):
    """How somebody signed in."""

    TOKEN = "token"  # noqa: S105  DIGEST_ADMIN_TOKEN or DIGEST_VIEWER_TOKEN
    LINK = "link"  # mailed
    OIDC = "oidc"  # OpenID Connect


@dataclass(frozen=True, slots=True, kw_only=True)
class Administrator:
    """A person who administers. After removal only the name stays, for the audit log."""

    id: int
    public_id: str
    name: str
    address: str
    role: Role
    created_at: datetime
    accepted_at: datetime | None = None  # None: invited, and did not sign in yet
    links_used: int = 0  # a mailed link is valid until the next one is used
    oidc_subject: str = ""  # issuer and subject at the OpenID provider; empty until the first sign-in there


def get_link_key(administrator: Administrator) -> str:
    """Return how the key of every mail with a sign-in link of this person begins."""
    return f"admin-link/{administrator.public_id}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminSession:
    """A browser that is signed in: as a person, or by a shared token of the settings."""

    public_id: str
    administrator: Administrator | None  # None: by a shared token
    credential: str  # fingerprint of the shared token; empty for a person
    method: SignInMethod
    browser: str
    created_at: datetime
    seen_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminToken:
    """A person's token for the API; it never allows more than the person's role."""

    public_id: str
    administrator: Administrator
    name: str
    hint: str  # the beginning of the token
    scope: Role
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None = None
