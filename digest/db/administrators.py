"""Administrators, the browsers they are signed in with, and their tokens for the API."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from digest.db.base import Repository, from_row
from digest.db.deliveries.repository import erase_deliveries
from digest.db.subscribers.rows import create_public_id
from digest.db.tables import ADMIN_SESSION, ADMIN_TOKEN, ADMINISTRATOR, DELIVERY
from digest.models.addresses import parse_address
from digest.models.administrators import (
    Administrator,
    AdminSession,
    AdminToken,
    Role,
    SignInMethod,
    get_link_key,
)
from digest.models.errors import StateConflict, require

SEEN_EVERY = timedelta(minutes=5)  # a use is written at most so often: reading a page must rarely write
_IS_ACTIVE = ADMINISTRATOR.c.removed_at.is_(None)


class Administrators(Repository):
    """Repository of administrators, sessions and API tokens."""

    # ---- people

    def add(self, name: str, address: str, role: Role, *, now: datetime) -> Administrator:
        """Add an administrator who has not accepted yet.

        Raises:
            StateConflict: this address administers already.
        """
        row = {
            "pid": create_public_id(),
            "name": name,
            "address": parse_address(address).display,
            "mailbox": parse_address(address).mailbox,
            "role": str(role),
            "created_at": now,
            "links_used": 0,
        }
        if self._insert_new(ADMINISTRATOR, [row]) != 1:
            raise StateConflict("Somebody with this address is already an administrator.")
        return self.get(str(row["pid"]))

    def get(self, public_id: str) -> Administrator:
        """Return the administrator with this public id; raise NotFound if there is none, or not any more."""
        return require(self.find(public_id), "There is no such administrator.")

    def find(self, public_id: str) -> Administrator | None:
        """Return the administrator with this public id, or None if there is none, or not any more."""
        return self._find(ADMINISTRATOR.c.pid == public_id)

    def find_by_address(self, address: str) -> Administrator | None:
        """Return the administrator with this address in any spelling, or None."""
        return self._find(ADMINISTRATOR.c.mailbox == parse_address(address).mailbox)

    def find_by_oidc_subject(self, subject: str) -> Administrator | None:
        """Return the administrator who signed in as this subject before, or None."""
        return self._find(ADMINISTRATOR.c.oidc_subject == subject)

    def list_all(self) -> tuple[Administrator, ...]:
        """Return all administrators but the removed ones, by name."""
        query = sa.select(ADMINISTRATOR).where(_IS_ACTIVE).order_by(ADMINISTRATOR.c.name, ADMINISTRATOR.c.id)
        return tuple(map(_to_administrator, self._connection.execute(query)))

    def is_any(self) -> bool:
        """Return whether there is any administrator."""
        return self._connection.scalar(sa.select(ADMINISTRATOR.c.id).where(_IS_ACTIVE).limit(1)) is not None

    def count_other_owners(self, administrator: Administrator) -> int:
        """Return how many other owners have accepted."""
        return self._count(
            ADMINISTRATOR,
            _IS_ACTIVE,
            ADMINISTRATOR.c.role == Role.OWNER,
            ADMINISTRATOR.c.accepted_at.is_not(None),
            ADMINISTRATOR.c.id != administrator.id,
        )

    def get_names(self, public_ids: Collection[str]) -> dict[str, str]:
        """Return the names of administrators by public id, also of those who were removed."""
        query = sa.select(ADMINISTRATOR.c.pid, ADMINISTRATOR.c.name)
        query = query.where(self._in(ADMINISTRATOR.c.pid, public_ids))
        return {row.pid: row.name for row in self._connection.execute(query)}

    def set_role(self, administrator: Administrator, role: Role) -> None:
        """Change a role; it holds from the next request on, also for sessions and tokens."""
        self._update(ADMINISTRATOR, ADMINISTRATOR.c.id == administrator.id, role=str(role))

    def record_sign_in(self, administrator: Administrator, *, now: datetime, oidc_subject: str = "") -> None:
        """Note a sign-in, which also accepts the invitation and voids every link mailed before."""
        values: dict[str, Any] = {"signed_in_at": now, "accepted_at": administrator.accepted_at or now}
        values["links_used"] = ADMINISTRATOR.c.links_used + 1
        if oidc_subject:
            values["oidc_subject"] = oidc_subject
        self._update(ADMINISTRATOR, ADMINISTRATOR.c.id == administrator.id, **values)

    def remove(self, administrator: Administrator, *, now: datetime) -> None:
        """Take all rights away: sessions, tokens and links end, the address is forgotten, the name stays."""
        for table in (ADMIN_SESSION, ADMIN_TOKEN):
            self._delete(table, table.c.administrator_id == administrator.id)
        is_link = DELIVERY.c.key.startswith(get_link_key(administrator), autoescape=True)
        erase_deliveries(self._connection, is_link, now=now)
        forgotten = {"address": "", "mailbox": None, "oidc_subject": None}
        self._update(ADMINISTRATOR, ADMINISTRATOR.c.id == administrator.id, removed_at=now, **forgotten)

    def _find(self, condition: sa.ColumnElement[bool]) -> Administrator | None:
        row = self._connection.execute(sa.select(ADMINISTRATOR).where(condition, _IS_ACTIVE)).first()
        return _to_administrator(row) if row else None

    # ---- sessions

    def add_session(self, key: str, session: AdminSession) -> None:
        """Add a session under the hash of its cookie; those that have ended are deleted."""
        self._delete(ADMIN_SESSION, ADMIN_SESSION.c.ends_at <= session.created_at)
        row = {
            "pid": session.public_id,
            "key": key,
            "administrator_id": session.administrator.id if session.administrator else None,
            "credential": session.credential,
            "method": str(session.method),
            "browser": session.browser,
            "created_at": session.created_at,
            "seen_at": session.seen_at,
            "ends_at": session.ends_at,
        }
        self._connection.execute(sa.insert(ADMIN_SESSION).values(row))

    def find_session(self, key: str, *, now: datetime) -> AdminSession | None:
        """Return the session with this hash of a cookie, or None if there is none or it has ended."""
        found = self._select_sessions(ADMIN_SESSION.c.key == key, ADMIN_SESSION.c.ends_at > now)
        return next(iter(found), None)

    def list_sessions(
        self, *, now: datetime, administrator: Administrator | None = None
    ) -> tuple[AdminSession, ...]:
        """Return the open sessions of one administrator or of all, lately used first."""
        is_own = ADMIN_SESSION.c.administrator_id == administrator.id if administrator else sa.true()
        return self._select_sessions(ADMIN_SESSION.c.ends_at > now, is_own)

    def touch_session(self, session: AdminSession, *, now: datetime) -> None:
        """Note that a session was used."""
        self._update(ADMIN_SESSION, ADMIN_SESSION.c.pid == session.public_id, seen_at=now)

    def end_session(self, public_id: str) -> bool:
        """End a session; return whether there was one."""
        return self._delete(ADMIN_SESSION, ADMIN_SESSION.c.pid == public_id) == 1

    def _select_sessions(self, *conditions: sa.ColumnElement[bool]) -> tuple[AdminSession, ...]:
        return tuple(map(_to_session, self._select_owned(ADMIN_SESSION.c.seen_at, *conditions)))

    # ---- tokens for the API

    def add_token(self, key: str, token: AdminToken) -> None:
        """Add a token under its hash.

        Raises:
            StateConflict: this person has a token of this name.
        """
        row = {
            "pid": token.public_id,
            "key": key,
            "administrator_id": token.administrator.id,
            "name": token.name,
            "hint": token.hint,
            "scope": str(token.scope),
            "created_at": token.created_at,
            "expires_at": token.expires_at,
        }
        if self._insert_new(ADMIN_TOKEN, [row]) != 1:
            raise StateConflict("You already have a token with this name; revoke it or choose another name.")

    def find_token(self, key: str, *, now: datetime) -> AdminToken | None:
        """Return the token with this hash, or None if there is none or it has expired."""
        is_valid = ADMIN_TOKEN.c.expires_at.is_(None) | (ADMIN_TOKEN.c.expires_at > now)
        return next(iter(self._select_tokens(ADMIN_TOKEN.c.key == key, is_valid)), None)

    def find_token_by_id(self, public_id: str) -> AdminToken | None:
        """Return the token with this public id, expired or not, or None."""
        return next(iter(self._select_tokens(ADMIN_TOKEN.c.pid == public_id)), None)

    def list_tokens(self, administrator: Administrator | None = None) -> tuple[AdminToken, ...]:
        """Return the tokens of one administrator or of all, newest first, also expired ones."""
        is_own = ADMIN_TOKEN.c.administrator_id == administrator.id if administrator else sa.true()
        return self._select_tokens(is_own)

    def touch_token(self, token: AdminToken, *, now: datetime) -> None:
        """Note that a token was used."""
        self._update(ADMIN_TOKEN, ADMIN_TOKEN.c.pid == token.public_id, used_at=now)

    def end_token(self, public_id: str) -> bool:
        """End a token for ever; return whether there was one."""
        return self._delete(ADMIN_TOKEN, ADMIN_TOKEN.c.pid == public_id) == 1

    def _select_tokens(self, *conditions: sa.ColumnElement[bool]) -> tuple[AdminToken, ...]:
        return tuple(map(_to_token, self._select_owned(ADMIN_TOKEN.c.created_at, *conditions)))

    def _select_owned(self, at: sa.Column[Any], *conditions: sa.ColumnElement[bool]) -> sa.CursorResult[Any]:
        """Return the rows of the table of *at*, the latest first, with the administrators they belong to.

        The columns of the table begin with `own_`; rows of administrators who were removed are left out.
        """
        table, owner = at.table, at.table.c.administrator_id
        own = [column.label(f"own_{column.name}") for column in table.c]  # created_at and pid are in both
        query = sa.select(*own, *ADMINISTRATOR.c).where(*conditions, owner.is_(None) | _IS_ACTIVE)
        query = query.outerjoin_from(table, ADMINISTRATOR, owner == ADMINISTRATOR.c.id)
        return self._connection.execute(query.order_by(at.desc(), table.c.pid))


def _to_administrator(row: sa.Row[Any]) -> Administrator:
    role, subject = Role(row.role), row.oidc_subject or ""
    return from_row(Administrator, row, public_id=row.pid, role=role, oidc_subject=subject)


def _to_session(row: sa.Row[Any]) -> AdminSession:
    return from_row(
        AdminSession,
        row,
        "own_",
        public_id=row.own_pid,
        administrator=_to_administrator(row) if row.id is not None else None,
        method=SignInMethod(row.own_method),
    )


def _to_token(row: sa.Row[Any]) -> AdminToken:
    person, scope = _to_administrator(row), Role(row.own_scope)
    return from_row(AdminToken, row, "own_", public_id=row.own_pid, administrator=person, scope=scope)
