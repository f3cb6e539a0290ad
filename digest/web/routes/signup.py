"""Sign-up, by form or as JSON; no answer tells whether an address is subscribed."""

import asyncio
from hashlib import blake2b
from math import ceil
from time import monotonic

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.responses import JSONResponse, Response

from digest import subscribers
from digest.db import Transaction
from digest.models import Facet
from digest.models.addresses import Address, parse_address
from digest.models.errors import ConfigError, InvalidAddress
from digest.models.schedule import parse_timezone
from digest.subscribers.validation import MAX_ITEMS
from digest.web.context import WebContext, WebContextDep
from digest.web.languages import get_page_locale, gettext, translate_error
from digest.web.routing import create_router
from digest.web.signup_guard import Rejected, SignUpRequest, Wait

RESPONSE_INTERVAL = 0.12  # seconds: answers leave at multiples of it, so that their timing reveals nothing
COOKIE_MAX_AGE = 3 * 24 * 3600  # seconds in which opening the link in the same browser confirms
COOKIE_NAME = "signup"
LAST_SIGN_UP_KEY = "sign_up_heard_at"  # in the meta table
MAX_SEARCH_CHARS = 100

router = create_router(include_in_schema=False)


@router.post("/subscribe")
async def subscribe(request: Request, ctx: WebContextDep) -> Response:
    """Queue a mail that asks to confirm; known, unknown and suppressed addresses get the same answer."""
    started = monotonic()
    signup = await _parse_body(request)
    try:
        address = parse_address(signup.email)
    except InvalidAddress as error:
        return _respond_invalid(ctx, request, signup, translate_error(error))
    decision = ctx.signup_guard.check(
        signup, client_ip=ctx.client_ip(request), domain=address.domain, now=ctx.clock()
    )
    if isinstance(decision, Wait):
        return _respond_wait(ctx, request, signup, decision)
    if isinstance(decision, Rejected):
        return _respond_rejected(ctx, request, decision)
    await _sign_up(ctx, signup, address.mailbox)
    await _wait_for_interval(started)
    return _respond_accepted(ctx, request, address)


async def _parse_body(request: Request) -> SignUpRequest:
    """Parse the form or the JSON. Raises RequestValidationError, which becomes a 422."""
    try:
        if wants_json(request):
            return SignUpRequest.model_validate_json(await request.body())
        async with request.form(max_files=0, max_fields=MAX_ITEMS + 20) as fields:
            plain: dict[str, object] = {name: str(value) for name, value in fields.items()}
            return SignUpRequest.model_validate(plain | {"categories": fields.getlist("category")})
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False)) from error


async def _sign_up(ctx: WebContext, signup: SignUpRequest, mailbox: str) -> None:
    """Sign up, unless a robot asks or this address was signed up just now.

    One row is written for everybody, so that every request waits for a commit.
    """
    is_ignored = bool(signup.website) or not ctx.limits.addresses.take(mailbox, ctx.clock())
    actor = ctx.actor("reader")

    def sign_up(tx: Transaction) -> None:
        tx.meta.write(LAST_SIGN_UP_KEY, actor.now.isoformat())
        if not is_ignored:
            subscribers.sign_up(
                tx, signup.email, ctx.services.default_settings | _build_changes(signup), actor=actor
            )

    await ctx.write(sign_up)


def _build_changes(signup: SignUpRequest) -> dict[str, object]:
    changes: dict[str, object] = {"language": get_page_locale().code}
    if search := " ".join(signup.facet.split())[:MAX_SEARCH_CHARS]:
        changes["facets"] = (Facet(search, (search,)),)
    if signup.categories:
        changes["categories"] = signup.categories
    if signup.interests:
        changes["keywords"] = signup.interests
    if _is_timezone(signup.timezone):
        changes["timezone"] = signup.timezone
    return changes


def _is_timezone(name: str) -> bool:
    """Return True for a zone that is known here: one that only the browser knows must not stop a sign-up."""
    try:
        return bool(name) and bool(parse_timezone(name))
    except ConfigError:
        return False


async def _wait_for_interval(started: float) -> None:
    """Sleep until a multiple of the interval has passed since *started*."""
    intervals = ceil((monotonic() - started) / RESPONSE_INTERVAL)
    await asyncio.sleep(started + intervals * RESPONSE_INTERVAL - monotonic())


def _respond_accepted(ctx: WebContext, request: Request, address: Address) -> Response:
    response: Response
    if wants_json(request):
        next_step = gettext(
            "If this address can receive our email, a message is on its way: open it and confirm."
        )
        response = JSONResponse({"accepted": True, "next": next_step}, 202)
    else:
        sent = gettext("If %(address)s can receive our email, a message is on its way: open it and confirm.")
        otherwise = gettext(
            "It comes from %(sender)s. If nothing arrives within a few minutes, check your spam folder "
            "and the spelling of the address."
        )
        response = ctx.pages.render_message(
            gettext("Check your email"),
            sent % {"address": address.display},
            otherwise % {"sender": ctx.services.site.notices_sender},
            status=202,
            links=[(gettext("Enter the address again"), "/")],
        )
    response.set_cookie(
        COOKIE_NAME,
        make_browser_token(ctx, address.mailbox),
        max_age=COOKIE_MAX_AGE,
        path="/c",
        secure=ctx.is_https,
        httponly=True,
        samesite="lax",
    )
    return response


def make_browser_token(ctx: WebContext, mailbox: str) -> str:
    """Return the cookie value of a sign-up: a keyed hash, made for known and unknown addresses alike."""
    key = blake2b(ctx.services.secret, person=b"digest.signup").digest()
    return blake2b(mailbox.encode(), key=key, digest_size=16).hexdigest()


def _respond_invalid(ctx: WebContext, request: Request, signup: SignUpRequest, message: str) -> Response:
    """Show the form again with everything that was typed, so that only the address must be corrected."""
    if wants_json(request):
        return JSONResponse({"error": message}, 422)
    ticket = signup.ticket or ctx.signup_guard.tickets.issue(ctx.clock())
    decision = Wait(ticket=ticket, seconds=0, message=message)
    title = gettext("Check the address")
    return _show_form_again(ctx, signup, decision, status=422, title=title, message=message)


def _respond_wait(ctx: WebContext, request: Request, signup: SignUpRequest, decision: Wait) -> Response:
    message = gettext(decision.message)
    if wants_json(request):
        fields = {"ticket": decision.ticket, "wait": decision.seconds, "work": decision.work}
        return JSONResponse({"error": message, **fields}, 428)
    title = gettext("One more step")
    return _show_form_again(ctx, signup, decision, status=428, title=title, message=message)


def _show_form_again(
    ctx: WebContext, signup: SignUpRequest, decision: Wait, *, status: int, **texts: str
) -> Response:
    """Show the sign-up form again, filled in as it was."""
    return ctx.pages.render(
        "wait",
        status=status,
        signup=signup,
        scripts=("work.js",) if decision.work else (),
        ticket=decision.ticket,
        seconds=decision.seconds,
        work=decision.work,
        **texts,
    )


def _respond_rejected(ctx: WebContext, request: Request, decision: Rejected) -> Response:
    response: Response
    message = gettext(decision.message)
    if wants_json(request):
        response = JSONResponse({"error": message}, 429)
    else:
        response = ctx.pages.render_message(gettext("Please wait a moment"), message, status=429)
    response.headers["retry-after"] = str(decision.seconds)
    return response


def wants_json(request: Request) -> bool:
    """Return True if the request is JSON, so that every answer, failures too, must be JSON."""
    return request.headers.get("content-type", "").startswith("application/json")
