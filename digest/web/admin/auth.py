"""How does an operator come in and leave? With a token, at most a few tries a minute."""

import secrets
from typing import Literal, TypedDict

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from digest.web.admin.gate import EPOCH, LOGIN, Office, OwnForm, SignedIn, cookie_name, epoch
from digest.web.admin_session import LIFETIME
from digest.web.context import Lobby

router = APIRouter(include_in_schema=False)


class Kept(TypedDict):
    """The marks of a cookie."""

    path: str
    secure: bool
    httponly: bool
    samesite: Literal["lax"]


@router.get(LOGIN)
def ask(lobby: Office) -> Response:
    """The token, please."""
    return _login(lobby)


@router.post(LOGIN)
def enter(request: Request, lobby: Office, form: OwnForm) -> Response:
    """Open a session for whoever has a token; wrong ones soon have to wait."""
    visitor, now = lobby.visitor(request), lobby.clock()
    if not lobby.limits.logins.take(visitor, now):
        return _login(lobby, "Too many tries. Please wait a minute.", status=429)
    role = lobby.badges.role_of(str(form.get("token", "")))
    if role is None:
        return _login(lobby, "This is not the token.", status=403)
    with lobby.house.store.begin() as tx:
        tx.audit.write(f"admin:{role}", "sign-in", "admin", at=now)
    answer = RedirectResponse("/admin", 303)
    answer.set_cookie(
        cookie_name(lobby),
        lobby.badges.open(role, now, epoch=epoch(lobby)),
        max_age=int(LIFETIME.total_seconds()),
        **_kept(lobby),
    )
    return answer


@router.post("/admin/logout")
def leave(lobby: Office, _: SignedIn, __: OwnForm) -> Response:
    """End every session, on every machine: a cookie that was copied ends too."""
    with lobby.house.store.begin() as tx:
        tx.meta.write(EPOCH, secrets.token_hex(8))
    answer = RedirectResponse(LOGIN, 303)
    answer.delete_cookie(cookie_name(lobby), **_kept(lobby))
    return answer


def _kept(lobby: Lobby) -> Kept:
    """How the cookie is set and taken back: a browser heeds neither for a __Host- name without `secure`."""
    return {
        "path": "/" if lobby.is_https else "/admin",
        "secure": lobby.is_https,
        "httponly": True,
        "samesite": "lax",
    }


def _login(lobby: Lobby, problem: str = "", *, status: int = 200) -> Response:
    return lobby.pages.page(
        "admin/login", status=status, session=None, problems=[problem] if problem else [], title="Sign in"
    )
