"""The dependencies by which the pages of the administration ask who is signed in, and as what.

CurrentSession is anybody who is signed in, OwnerSession an owner; AdminActor is who sent a form as editor or
owner, OwnerActor as owner, ViewerActor as anybody.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from hmac import compare_digest
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from digest.db.administrators import SEEN_EVERY
from digest.models.administrators import AdminSession, Role
from digest.models.errors import InvalidToken, StoreError
from digest.subscribers import Actor
from digest.web.admin_session import Session, is_same_origin
from digest.web.context import WebContext, WebContextDep
from digest.web.middleware import MAX_IMPORT_BYTES

LOGIN = "/admin/login"


def cookie_name(ctx: WebContext, name: str = "admin") -> str:
    """Return the cookie's name; over https its __Host- prefix makes browsers bind it to this host."""
    return f"__Host-{name}" if ctx.is_https else name


def _require_enabled(ctx: WebContextDep) -> WebContext:
    """Return the context; 404 if no admin token is configured and there is no administrator."""
    with ctx.services.store.begin(write=False) as tx:
        if not ctx.admin_sessions.is_enabled(tx):
            raise HTTPException(404)
    return ctx


AdminContext = Annotated[WebContext, Depends(_require_enabled)]


def require_viewer(request: Request, ctx: AdminContext) -> Session:
    """Return the session of any role; without one, redirect a GET to the login and answer 403 to the rest."""
    now = ctx.clock()
    session, row = _find_session(request, ctx, now)
    if now - row.seen_at >= SEEN_EVERY:
        with suppress(StoreError), ctx.services.store.begin() as tx:  # a page can be read meanwhile
            tx.administrators.touch_session(row, now=now)
    return session


def _find_session(request: Request, ctx: WebContext, now: datetime) -> tuple[Session, AdminSession]:
    cookie = request.cookies.get(cookie_name(ctx), "")
    try:
        with ctx.services.store.begin(write=False) as tx:
            return ctx.admin_sessions.find(tx, cookie, now)
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
        raise HTTPException(403, "This request did not come from one of our pages.")
    async with request.form(max_files=1, max_fields=60, max_part_size=MAX_IMPORT_BYTES) as form:
        yield form


AdminForm = Annotated[FormData, Depends(_parse_form)]


def _check_role(session: Session, needed: Role) -> None:
    if not session.role.allows(needed):
        raise HTTPException(403, f"This needs the role of an {needed}; you are signed in as {session.role}.")


def require_form(request: Request, ctx: AdminContext, session: CurrentSession, form: AdminForm) -> Actor:
    """Return who acts, of any role; 403 for a form without the CSRF token of this session.

    Also 403 for who lost the session or the role while the form arrived, which the sender can make last.
    """
    if not compare_digest(session.csrf.encode(), str(form.get("csrf", "")).encode(errors="replace")):
        raise HTTPException(403, "This form is too old; please load the page again.")
    if _find_session(request, ctx, ctx.clock())[0].role is not session.role:
        raise HTTPException(403, "Your role has changed; please load the page again.")
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
