"""Sign-in by a mailed link, by OpenID Connect or by a shared token of the settings, and sign-out."""

from datetime import timedelta
from typing import Any

from anyio import to_thread
from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from digest.db import Transaction
from digest.models.addresses import parse_address
from digest.models.administrators import Administrator, SignInMethod
from digest.models.errors import InvalidAddress
from digest.web.admin.auth import LOGIN, AdminContext, AdminForm, CurrentSession, cookie_name
from digest.web.admin_session import SESSION_LIFETIME, SHARED_TOKEN_NAMES
from digest.web.components import Button
from digest.web.context import WebContext
from digest.web.oidc import FLOW_LIFETIME, Flow, Identity, OpenIdProvider, SignInFailed
from digest.web.routing import create_router
from digest.web.sign_in_links import queue_link, verify_link

OIDC = "/admin/oidc"
FLOW_COOKIE = "admin-oidc"
LAST_LINK_KEY = "sign_in_link_asked_at"  # in the meta table
CHECK_MAIL = (
    "If this address belongs to an administrator, a link to sign in is on its way. It works for one hour."
)

router = create_router(include_in_schema=False)


@router.get(LOGIN)
def show_login(ctx: AdminContext) -> Response:
    """Show the ways to sign in."""
    return _render_login(ctx)


@router.post(LOGIN)
def sign_in(request: Request, ctx: AdminContext, form: AdminForm) -> Response:
    """Open a session for a valid token, or mail a link; guesses are limited, and lock nobody out."""
    if "email" in form:
        return _mail_link(request, ctx, str(form["email"]))
    role, now = ctx.admin_sessions.find_role(str(form.get("token", ""))), ctx.clock()
    if role is None:
        if not ctx.limits.logins.take(ctx.client_ip(request), now):
            return _render_login(ctx, "Too many wrong tokens. Please wait a minute.", status=429)
        return _render_login(ctx, "This token is not valid.", status=403)
    with ctx.services.store.begin() as tx:
        tx.audit.write(f"admin:{SHARED_TOKEN_NAMES[role]}", "sign-in", "admin", {"by": "token"}, at=now)
        user_agent = _get_user_agent(request)
        cookie = ctx.admin_sessions.open(tx, role, SignInMethod.TOKEN, user_agent=user_agent, now=now)
    return _enter(ctx, cookie)


def _mail_link(request: Request, ctx: WebContext, address: str) -> Response:
    """Queue a link for an administrator; the answer is the same for everybody else."""
    now = ctx.clock()
    try:
        mailbox = parse_address(address).mailbox
    except InvalidAddress as error:
        return _render_login(ctx, str(error), status=422)
    if not ctx.limits.logins.take(f"mail {ctx.client_ip(request)}", now):
        return _render_login(ctx, "Too many links were requested. Please wait a minute.", status=429)
    is_allowed = ctx.limits.addresses.take(f"admin {mailbox}", now)
    with ctx.services.store.begin() as tx:
        tx.meta.write(LAST_LINK_KEY, now.isoformat())  # for everybody, so that all wait for a commit
        person = tx.administrators.find_by_address(mailbox)
        if person and is_allowed:
            queue_link(tx, person, now=now)
    return ctx.pages.render_message("Check your email", CHECK_MAIL, status=202, links=[("Back", LOGIN)])


@router.get("/a/{token}")
def show_link(token: str, ctx: AdminContext) -> Response:
    """Show the button that signs in; opening the page, as mail scanners do, does nothing."""
    with ctx.services.store.begin(write=False) as tx:
        person = verify_link(tx, ctx.services.links.keys, token, now=ctx.clock())
    return ctx.pages.render(
        "question",
        title=f"Sign in as {person.name}",
        sentences=[f"You administer {ctx.services.site.brand} as {person.role}."],
        card=None,
        buttons=[Button("Sign in", f"/a/{token}", main=True)],
        links=[],
    )


@router.post("/a/{token}")
def sign_in_by_link(token: str, request: Request, ctx: AdminContext, _: AdminForm) -> Response:
    """Sign in, accept an invitation, and void this link and all older ones."""
    with ctx.services.store.begin() as tx:
        person = verify_link(tx, ctx.services.links.keys, token, now=ctx.clock())
        cookie = _open_session(tx, ctx, request, person, SignInMethod.LINK)
    return _enter(ctx, cookie)


def _refuse_too_many(request: Request, ctx: WebContext, step: str) -> Response | None:
    """Return a 429 for a visitor who makes us ask the OpenID provider too often, which may lock us out."""
    if ctx.limits.logins.take(f"oidc {step} {ctx.client_ip(request)}", ctx.clock()):
        return None
    return _render_login(ctx, "Too many sign-ins. Please wait a minute.", status=429)


@router.get(OIDC)
async def start_oidc(request: Request, ctx: AdminContext) -> Response:
    """Send the browser to the OpenID provider."""
    if refusal := _refuse_too_many(request, ctx, "begin"):
        return refusal
    try:
        url, flow = await _get_provider(ctx).start()
    except SignInFailed as error:
        return _render_login(ctx, str(error), status=502)
    response = RedirectResponse(url, 303)
    attributes = _cookie_attributes(ctx)
    response.set_cookie(
        cookie_name(ctx, FLOW_COOKIE),
        flow.to_cookie(),
        max_age=int(FLOW_LIFETIME.total_seconds()),
        **attributes,
    )
    return response


@router.get(f"{OIDC}/callback")
async def finish_oidc(request: Request, ctx: AdminContext) -> Response:
    """Sign in whom the provider signed in, if they administer.

    The one GET that changes something: the state in the cookie binds it to a sign-in begun in this browser.
    """
    if refusal := _refuse_too_many(request, ctx, "return"):
        return refusal
    flow = Flow.from_cookie(request.cookies.get(cookie_name(ctx, FLOW_COOKIE), ""))
    try:
        identity = await _get_provider(ctx).finish(request.query_params, flow, now=ctx.clock())
        cookie = await to_thread.run_sync(_sign_in_identity, ctx, request, identity)
        response = _enter(ctx, cookie)
    except SignInFailed as error:
        response = _render_login(ctx, str(error), status=403)
    response.delete_cookie(cookie_name(ctx, FLOW_COOKIE), **_cookie_attributes(ctx))
    return response


def _sign_in_identity(ctx: WebContext, request: Request, identity: Identity) -> str:
    with ctx.services.store.begin() as tx:
        person = tx.administrators.find_by_oidc_subject(identity.subject)
        person = person or _find_by_verified_address(tx, identity)
        return _open_session(tx, ctx, request, person, SignInMethod.OIDC, identity.subject)


def _find_by_verified_address(tx: Transaction, identity: Identity) -> Administrator:
    """Return the administrator who signs in by the provider for the first time.

    Raises:
        SignInFailed: the address is not verified, or not an administrator's, or is tied to another account:
            providers give addresses of people who left to others.

    """
    if not identity.is_address_verified:
        raise SignInFailed("Your provider does not say that it has verified your email address.")
    try:
        person = tx.administrators.find_by_address(identity.address)
    except InvalidAddress:
        person = None
    if person is None:
        raise SignInFailed("You are not an administrator here. An owner can invite you.")
    if person.oidc_subject:
        raise SignInFailed("This address belongs to another account at your provider. Ask an owner.")
    return person


def _open_session(  # noqa: PLR0913, PLR0917  who signs in, and how
    tx: Transaction,
    ctx: WebContext,
    request: Request,
    person: Administrator,
    method: SignInMethod,
    oidc_subject: str = "",
) -> str:
    now = ctx.clock()
    tx.administrators.record_sign_in(person, now=now, oidc_subject=oidc_subject)
    tx.audit.write(f"admin:{person.public_id}", "sign-in", person.public_id, {"by": str(method)}, at=now)
    return ctx.admin_sessions.open(tx, person, method, user_agent=_get_user_agent(request), now=now)


@router.post("/admin/logout")
def sign_out(ctx: AdminContext, session: CurrentSession, _: AdminForm) -> Response:
    """End this session, and every copy of its cookie with it."""
    with ctx.services.store.begin() as tx:
        tx.administrators.end_session(session.public_id)
    response = RedirectResponse(LOGIN, 303)
    response.delete_cookie(cookie_name(ctx), **_cookie_attributes(ctx))
    return response


def _enter(ctx: WebContext, cookie: str) -> Response:
    """Return the redirect to the administration with the cookie of a new session."""
    response = RedirectResponse("/admin", 303)
    lifetime = int(SESSION_LIFETIME / timedelta(seconds=1))
    response.set_cookie(cookie_name(ctx), cookie, max_age=lifetime, **_cookie_attributes(ctx))
    return response


def _cookie_attributes(ctx: WebContext) -> dict[str, Any]:
    """Return the attributes for setting and for deleting; a __Host- name needs `secure` for both."""
    return {
        "path": "/" if ctx.is_https else "/admin",
        "secure": ctx.is_https,
        "httponly": True,
        "samesite": "lax",
    }


def _get_provider(ctx: WebContext) -> OpenIdProvider:
    if ctx.oidc is None:
        raise HTTPException(404)
    return ctx.oidc


def _get_user_agent(request: Request) -> str:
    return request.headers.get("user-agent", "")[:500]


def _render_login(ctx: WebContext, problem: str = "", *, status: int = 200) -> Response:
    with ctx.services.store.begin(write=False) as tx:
        is_first = not tx.administrators.is_any()
    return ctx.pages.render(
        "admin/login",
        status=status,
        session=None,
        problem=problem,
        provider=ctx.oidc.label if ctx.oidc else "",
        takes_token=ctx.admin_sessions.has_admin_token,
        is_first=is_first,  # nobody can be mailed a link
    )
