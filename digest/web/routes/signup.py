"""How does someone sign up? One use-case behind form and JSON; the answer never tells who is subscribed."""

import asyncio
from hashlib import blake2b
from math import ceil
from time import monotonic

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError
from starlette.responses import JSONResponse, Response

from digest.models import Facet
from digest.models.addresses import Address, parse_address
from digest.models.errors import InvalidAddress
from digest.subscribers.bulk_signup import SignUpRequest
from digest.web.context import WebContext, WebContextDep
from digest.web.middleware import SCRIPTED_POLICY
from digest.web.signup_guard import Application, Rejected, Wait

STEP = 0.12  # seconds: answers leave on the beat, so that the time taken says nothing
RECOGNISED = 3 * 24 * 3600  # seconds for which the browser of the sign-up may confirm by opening the link
COOKIE = "signup"
LONGEST_SEARCH = 100
SENT = "If this address can get our mail, a message is on its way: open it and confirm."

router = APIRouter(include_in_schema=False)


class Typed(BaseModel):
    """The form, or the same as JSON."""

    email: str = Field("", max_length=400)
    interests: str = Field("", max_length=4000)
    facet: str = Field("", max_length=400)
    ticket: str = Field("", max_length=200)
    work: str = Field("", max_length=40)
    website: str = Field("", max_length=400)


@router.post("/subscribe")
async def subscribe(request: Request, ctx: WebContextDep) -> Response:
    """Sign up: a mail asks to confirm. Known, unknown and suppressed addresses get the same answer."""
    began = monotonic()
    applied = await _read(request)
    try:
        address = parse_address(applied.email)
    except InvalidAddress as error:
        return _misspelt(ctx, request, applied, str(error))
    verdict = ctx.door.verdict(applied, visitor=ctx.visitor(request), domain=address.domain, now=ctx.clock())
    if isinstance(verdict, Wait):
        return _wait(ctx, request, applied, verdict)
    if isinstance(verdict, Rejected):
        return _refused(ctx, request, verdict)
    await _apply(ctx, applied, address.mailbox)
    await _on_the_beat(began)
    return _accepted(ctx, request, address)


async def _read(request: Request) -> Application:
    try:
        if wants_json(request):
            typed = Typed.model_validate_json(await request.body())
        else:
            async with request.form(max_files=0, max_fields=20) as form:
                typed = Typed.model_validate({name: str(value) for name, value in form.items()})
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False)) from error
    return Application(**typed.model_dump())


async def _apply(ctx: WebContext, applied: Application, mailbox: str) -> None:
    """The use-case, in the next shared transaction; a robot or a repetition costs the same commit."""
    asking = SignUpRequest.read(applied.email, ctx.defaults | _wishes(applied))
    in_vain = applied.is_robot or not ctx.limits.addresses.take(mailbox, ctx.clock())
    await ctx.committer.sign_up(None if in_vain else asking, by=ctx.by("reader"))


def _wishes(applied: Application) -> dict[str, object]:
    search = " ".join(applied.facet.split())[:LONGEST_SEARCH]
    facets = {"facets": (Facet(search, (search,)),)} if search else {}
    return {"keywords": applied.interests, **facets} if applied.interests else dict(facets)


async def _on_the_beat(began: float) -> None:
    beats = ceil((monotonic() - began) / STEP)
    await asyncio.sleep(began + beats * STEP - monotonic())


def _accepted(ctx: WebContext, request: Request, address: Address) -> Response:
    answer: Response
    if wants_json(request):
        answer = JSONResponse({"accepted": True, "next": SENT}, 202)
    else:
        answer = ctx.pages.message(
            "Check your mail",
            f"If {address.shown} can get our mail, a message is on its way: open it and confirm.",
            f"It comes from {ctx.services.site.notices_sender}. If nothing arrives within a few minutes, "
            "look into the spam folder, and whether the address is spelt as it should be.",
            status=202,
            links=[("Write the address again", "/")],
        )
    answer.set_cookie(
        COOKIE,
        recognised(ctx, address.mailbox),
        max_age=RECOGNISED,
        path="/c",
        secure=ctx.is_https,
        httponly=True,
        samesite="lax",
    )
    return answer


def recognised(ctx: WebContext, mailbox: str) -> str:
    """What the browser of a sign-up remembers: a keyed hash, made for known and unknown addresses alike."""
    key = blake2b(ctx.services.secret, person=b"digest.signup").digest()
    return blake2b(mailbox.encode(), key=key, digest_size=16).hexdigest()


def _misspelt(ctx: WebContext, request: Request, applied: Application, said: str) -> Response:
    """The form again, with all that was typed: one letter is wrong, not everything."""
    if wants_json(request):
        return JSONResponse({"error": said}, 422)
    ticket = applied.ticket or ctx.tickets.issue(ctx.clock())
    return _again(ctx, applied, status=422, title="Look at the address again", said=said, ticket=ticket)


def _wait(ctx: WebContext, request: Request, applied: Application, verdict: Wait) -> Response:
    if wants_json(request):
        terms = {"ticket": verdict.ticket, "wait": verdict.seconds, "work": verdict.work}
        return JSONResponse({"error": verdict.said, **terms}, 428)
    terms = {"ticket": verdict.ticket, "seconds": verdict.seconds, "work": verdict.work}
    answer = _again(ctx, applied, status=428, title="One more step", said=verdict.said, **terms)
    if verdict.work:
        answer.headers["content-security-policy"] = SCRIPTED_POLICY
    return answer


def _again(ctx: WebContext, applied: Application, *, status: int, **shown: object) -> Response:
    """The sign-up form once more, filled in as it was."""
    return ctx.pages.page("wait", status=status, applied=applied, **({"seconds": 0, "work": 0} | shown))


def _refused(ctx: WebContext, request: Request, verdict: Rejected) -> Response:
    answer: Response
    if wants_json(request):
        answer = JSONResponse({"error": verdict.said}, 429)
    else:
        answer = ctx.pages.message("Please wait a little", verdict.said, status=429)
    answer.headers["retry-after"] = str(verdict.seconds)
    return answer


def wants_json(request: Request) -> bool:
    """Whether a program asks, and wants its answer, failures too, as JSON."""
    return request.headers.get("content-type", "").startswith("application/json")
