"""Sign-in and sign-out of the administration, and the dependencies that its routes share."""

import secrets
from collections.abc import AsyncIterator
from hmac import compare_digest
from typing import Annotated, Literal, TypedDict

from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from digest.models.administrators import Role
from digest.models.errors import InvalidToken
from digest.subscribers import Actor
from digest.web.admin_session import SESSION_LIFETIME, SHARED_TOKEN_NAMES, Session, is_same_origin
from digest.web.context import WebContext, WebContextDep
from digest.web.middleware import MAX_IMPORT_BYTES
from digest.web.routing import create_router

EPOCH_KEY = "admin_epoch"  # meta key; signing out writes a new value, which ends every session
LOGIN = "/admin/login"


def cookie_name(ctx: WebContext) -> str:
    """Return the cookie's name; over https its __Host- prefix makes browsers bind it to this host."""
    return "__Host-admin" if ctx.is_https else "admin"


def read_epoch(ctx: WebContext) -> str:
    """Return the epoch that a session must carry; empty until the first sign-out."""
    with ctx.services.store.begin(write=False) as tx:
        return tx.meta.read(EPOCH_KEY)


def _require_enabled(ctx: WebContextDep) -> WebContext:
    """Return the context; 404 if no admin token is configured."""
    if not ctx.admin_sessions.is_enabled:
        raise HTTPException(404)
    return ctx


AdminContext = Annotated[WebContext, Depends(_require_enabled)]


def require_viewer(request: Request, ctx: AdminContext) -> Session:
    """Return the session of any role; without one, redirect a GET to the login and answer 403 to the rest."""
    cookie = request.cookies.get(cookie_name(ctx), "")
    try:
        return ctx.admin_sessions.verify_cookie(cookie, ctx.clock(), epoch=read_epoch(ctx))
    except InvalidToken as error:
        if request.method == "GET":
            raise HTTPException(303, "Please sign in.", {"location": LOGIN}) from error
        raise HTTPException(403, "Please sign in again.") from error


CurrentSession = Annotated[Session, Depends(require_viewer)]


def require_owner_session(session: CurrentSession) -> Session:
    """Return the session; 403 unless an owner is signed in. For pages that only owners see."""
    _check_role(session, Role.OWNER)
    return session


OwnerSession = Annotated[Session, Depends(require_owner_session)]


async def _parse_form(request: Request, ctx: AdminContext) -> AsyncIterator[FormData]:
    """Parse the form; 403 for a request from another site, before its body is read."""
    if not is_same_origin(request.headers, ctx.services.settings.base_url):
        raise HTTPException(403, "This did not come from a page of ours.")
    async with request.form(max_files=1, max_fields=60, max_part_size=MAX_IMPORT_BYTES) as form:
        yield form


AdminForm = Annotated[FormData, Depends(_parse_form)]


def _check_role(session: Session, needed: Role) -> None:
    if not session.role.allows(needed):
        raise HTTPException(403, f"This needs the role of an {needed}; you are signed in as {session.role}.")


def require_form(ctx: AdminContext, session: CurrentSession, form: AdminForm) -> Actor:
    """Return who acts, of any role; 403 for a form without the CSRF token of this session."""
    if not compare_digest(session.csrf.encode(), str(form.get("csrf", "")).encode(errors="replace")):
        raise HTTPException(403, "This form is too old; please load the page again.")
    return ctx.actor(f"admin:{session.name}")


ViewerActor = Annotated[Actor, Depends(require_form)]


def require_editor(session: CurrentSession, actor: ViewerActor) -> Actor:
    """Return who acts; 403 for a viewer. For every form that changes subscribers, mails or papers."""
    _check_role(session, Role.EDITOR)
    return actor


def require_owner(session: CurrentSession, actor: ViewerActor) -> Actor:
    """Return who acts; 403 unless an owner. For every form that changes who may administer."""
    _check_role(session, Role.OWNER)
    return actor


AdminActor = Annotated[Actor, Depends(require_editor)]
OwnerActor = Annotated[Actor, Depends(require_owner)]
router = create_router(include_in_schema=False)


class CookieAttributes(TypedDict):
    """Attributes of the session cookie."""

    path: str
    secure: bool
    httponly: bool
    samesite: Literal["lax"]


@router.get(LOGIN)
def show_login(ctx: AdminContext) -> Response:
    """Show the form that asks for a token."""
    return _render_login(ctx)


@router.post(LOGIN)
def sign_in(request: Request, ctx: AdminContext, form: AdminForm) -> Response:
    """Open a session for a valid token; wrong ones are limited per visitor, and lock nobody out."""
    now = ctx.clock()
    role = ctx.admin_sessions.find_role(str(form.get("token", "")))
    if role is None:
        if not ctx.limits.logins.take(ctx.client_ip(request), now):
            return _render_login(ctx, "Too many wrong tokens. Please wait a minute.", status=429)
        return _render_login(ctx, "This is not the token.", status=403)
    with ctx.services.store.begin() as tx:
        tx.audit.write(f"admin:{SHARED_TOKEN_NAMES[role]}", "sign-in", "admin", at=now)
    response = RedirectResponse("/admin", 303)
    response.set_cookie(
        cookie_name(ctx),
        ctx.admin_sessions.create_cookie(role, now, epoch=read_epoch(ctx)),
        max_age=int(SESSION_LIFETIME.total_seconds()),
        **_cookie_attributes(ctx),
    )
    return response


@router.post("/admin/logout")
def sign_out(ctx: AdminContext, _: CurrentSession, __: AdminForm) -> Response:
    """End every session, so that a copied cookie ends too."""
    with ctx.services.store.begin() as tx:
        tx.meta.write(EPOCH_KEY, secrets.token_hex(8))
    response = RedirectResponse(LOGIN, 303)
    response.delete_cookie(cookie_name(ctx), **_cookie_attributes(ctx))
    return response


def _cookie_attributes(ctx: WebContext) -> CookieAttributes:
    """Return the attributes for setting and for deleting; a __Host- name needs `secure` for both."""
    return {
        "path": "/" if ctx.is_https else "/admin",
        "secure": ctx.is_https,
        "httponly": True,
        "samesite": "lax",
    }


def _render_login(ctx: WebContext, problem: str = "", *, status: int = 200) -> Response:
    return ctx.pages.render(
        "admin/login", status=status, session=None, problems=[problem] if problem else [], title="Sign in"
    )
