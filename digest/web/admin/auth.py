"""How does an operator come in and leave? With a token, at most a few tries a minute."""

import secrets
from collections.abc import AsyncIterator
from hmac import compare_digest
from typing import Annotated, Literal, TypedDict

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from digest.models.errors import InvalidToken
from digest.subscribers import Actor
from digest.web.admin_session import LIFETIME, Session, is_same_origin
from digest.web.context import WebContext, WebContextDep
from digest.web.middleware import MOST_IMPORT

EPOCH = "admin_epoch"  # in the database: signing out everywhere writes another one
LOGIN = "/admin/login"


def cookie_name(ctx: WebContext) -> str:
    """Over https the browser itself holds the cookie to this very host."""
    return "__Host-admin" if ctx.is_https else "admin"


def epoch(ctx: WebContext) -> str:
    """Since which signing out everywhere sessions count."""
    with ctx.services.store.begin(write=False) as tx:
        return tx.meta.read(EPOCH)


def _exists(ctx: WebContextDep) -> WebContext:
    if not ctx.badges.exist:
        raise HTTPException(404)
    return ctx


Office = Annotated[WebContext, Depends(_exists)]


def _signed_in(request: Request, ctx: Office) -> Session:
    cookie = request.cookies.get(cookie_name(ctx), "")
    try:
        return ctx.badges.read(cookie, ctx.clock(), epoch=epoch(ctx))
    except InvalidToken as error:
        if request.method == "GET":
            raise HTTPException(303, "Please sign in.", {"location": LOGIN}) from error
        raise HTTPException(403, "Please sign in again.") from error


SignedIn = Annotated[Session, Depends(_signed_in)]


async def _own_form(request: Request, ctx: Office) -> AsyncIterator[FormData]:
    """The form of a page of ours. What another site sends is refused before it is read."""
    if not is_same_origin(request.headers, ctx.services.settings.base_url):
        raise HTTPException(403, "This did not come from a page of ours.")
    async with request.form(max_files=1, max_fields=60, max_part_size=MOST_IMPORT) as form:
        yield form


OwnForm = Annotated[FormData, Depends(_own_form)]


def _may_change(ctx: Office, session: SignedIn, form: OwnForm) -> Actor:
    if not session.may_change:
        raise HTTPException(403, "This token may only look.")
    if not compare_digest(session.csrf.encode(), str(form.get("csrf", "")).encode(errors="replace")):
        raise HTTPException(403, "This form is too old; please load the page again.")
    return ctx.by(f"admin:{session.role}")


MayChange = Annotated[Actor, Depends(_may_change)]
router = APIRouter(include_in_schema=False)


class Kept(TypedDict):
    """The marks of a cookie."""

    path: str
    secure: bool
    httponly: bool
    samesite: Literal["lax"]


@router.get(LOGIN)
def ask(ctx: Office) -> Response:
    """The token, please."""
    return _login(ctx)


@router.post(LOGIN)
def enter(request: Request, ctx: Office, form: OwnForm) -> Response:
    """Open a session for whoever has a token; wrong ones soon have to wait."""
    visitor, now = ctx.visitor(request), ctx.clock()
    if not ctx.limits.logins.take(visitor, now):
        return _login(ctx, "Too many tries. Please wait a minute.", status=429)
    role = ctx.badges.role_of(str(form.get("token", "")))
    if role is None:
        return _login(ctx, "This is not the token.", status=403)
    with ctx.services.store.begin() as tx:
        tx.audit.write(f"admin:{role}", "sign-in", "admin", at=now)
    answer = RedirectResponse("/admin", 303)
    answer.set_cookie(
        cookie_name(ctx),
        ctx.badges.open(role, now, epoch=epoch(ctx)),
        max_age=int(LIFETIME.total_seconds()),
        **_kept(ctx),
    )
    return answer


@router.post("/admin/logout")
def leave(ctx: Office, _: SignedIn, __: OwnForm) -> Response:
    """End every session, on every machine: a cookie that was copied ends too."""
    with ctx.services.store.begin() as tx:
        tx.meta.write(EPOCH, secrets.token_hex(8))
    answer = RedirectResponse(LOGIN, 303)
    answer.delete_cookie(cookie_name(ctx), **_kept(ctx))
    return answer


def _kept(ctx: WebContext) -> Kept:
    """How the cookie is set and taken back: a browser heeds neither for a __Host- name without `secure`."""
    return {
        "path": "/" if ctx.is_https else "/admin",
        "secure": ctx.is_https,
        "httponly": True,
        "samesite": "lax",
    }


def _login(ctx: WebContext, problem: str = "", *, status: int = 200) -> Response:
    return ctx.pages.page(
        "admin/login", status=status, session=None, problems=[problem] if problem else [], title="Sign in"
    )
