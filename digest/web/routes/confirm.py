"""Is it really you? Opening the link asks; only the button says yes, for link scanners open links too."""

from hmac import compare_digest

from anyio import to_thread
from fastapi import APIRouter, Request
from starlette.responses import Response

from digest import subscribers
from digest.db import Transaction
from digest.mail.locale import city, get_locale
from digest.mail.tokens import Claim, Purpose
from digest.mail.wording import named
from digest.models import Frequency, Status, Subscriber
from digest.models.addresses import parse_address
from digest.models.errors import NotFound
from digest.models.schedule import local_day
from digest.web.components import Button
from digest.web.context import WebContext, WebContextDep
from digest.web.routes.signup import COOKIE, recognised

OFTEN = {
    Frequency.DAILY: "every day with papers",
    Frequency.WEEKDAYS: "Monday to Friday",
    Frequency.WEEKLY: "once a week",
}
READS = {Status.CONFIRMED, Status.PAUSED}

router = APIRouter(include_in_schema=False)


@router.get("/c/{token}")
async def ask(token: str, request: Request, ctx: WebContextDep) -> Response:
    """The question; in the very browser that signed up, opening the link is the answer."""
    claim, reader = await to_thread.run_sync(_whose, ctx, token)
    if _is_done(claim, reader):
        return _confirmed(ctx, reader)
    if not claim.extra and _is_same_browser(ctx, request, reader):
        return await confirm(token, request, ctx)
    address = claim.extra or reader.address
    return ctx.pages.page(
        "question",
        title="Confirm your subscription" if not claim.extra else "Confirm your new address",
        sentences=[f"{ctx.services.site.brand} once a day to {address}: is that what you want?"],
        card=None,
        buttons=[
            Button("Yes, send it to me", f"/c/{token}", main=True),
            Button("No, that was not me", f"/c/{token}/no"),
        ],
        links=(),
    )


@router.post("/c/{token}")
async def confirm(token: str, request: Request, ctx: WebContextDep) -> Response:
    """Yes. Saying it twice changes nothing."""
    claim, _ = await to_thread.run_sync(_whose, ctx, token)
    by = ctx.by("reader")

    def say_yes(tx: Transaction) -> Subscriber:
        if claim.extra:
            return subscribers.confirm_address(tx, claim.pid, claim.extra, by=by)
        return subscribers.confirm(tx, claim.pid, by=by)

    answer = _confirmed(ctx, await ctx.committer.run(say_yes, by=by))
    if COOKIE in request.cookies:
        answer.delete_cookie(COOKIE, path="/c", secure=ctx.is_https, httponly=True, samesite="lax")
    return answer


@router.post("/c/{token}/no")
async def deny(token: str, ctx: WebContextDep) -> Response:
    """No: the address is never asked again, whoever types it in; a new address is simply not used."""
    claim, reader = await to_thread.run_sync(_whose, ctx, token)
    if not claim.extra and reader.status not in READS:
        by = ctx.by("reader")
        await ctx.committer.run(lambda tx: subscribers.deny(tx, claim.pid, by=by), by=by)
    return ctx.pages.message("Thank you for telling us", "Nothing will be sent to this address.")


def _whose(ctx: WebContext, token: str) -> tuple[Claim, Subscriber]:
    claim = ctx.services.links.keys.verify(Purpose.CONFIRM, token, now=ctx.clock())
    with ctx.services.store.begin(write=False) as tx:
        try:
            return claim, tx.subscribers.by_pid(claim.pid)
        except NotFound as error:
            raise NotFound("This sign-up is not waiting any more; please sign up again.") from error


def _is_done(claim: Claim, reader: Subscriber) -> bool:
    return reader.address == claim.extra if claim.extra else reader.status in READS


def _is_same_browser(ctx: WebContext, request: Request, reader: Subscriber) -> bool:
    """Whether this browser signed the address up. A page fetched in advance was not opened by anyone."""
    if "prefetch" in request.headers.get("sec-purpose", request.headers.get("purpose", "")):
        return False
    ours = recognised(ctx, parse_address(reader.address).mailbox)
    return compare_digest(ours.encode(), request.cookies.get(COOKIE, "").encode(errors="replace"))


def _confirmed(ctx: WebContext, reader: Subscriber) -> Response:
    brand, topics = ctx.services.site.brand, named(reader.profile)
    return ctx.pages.message(
        "You are subscribed",
        f"{brand} comes to {reader.address}. {_when(reader)}",
        f"Papers are picked for you by what you named: {topics}."
        if topics
        else "Tell us what you work on, and papers are picked for you.",
        links=[("Interests, time and time zone", ctx.services.links.preferences(reader.pid))],
    )


def _when(reader: Subscriber) -> str:
    """When the next one comes; nothing for those who let it rest."""
    if reader.next_due is None:
        return ""
    schedule = reader.schedule
    day = get_locale("en").day(local_day(schedule, reader.next_due))
    often, place = OFTEN[schedule.frequency], city(schedule.timezone)
    return f"The next one is due {day} at {schedule.send_at:%H:%M} ({place}), then {often}."
