"""Confirmation of a sign-up or a new address.

Opening the link only shows a question and the button confirms, because link scanners open links too.
"""

from hmac import compare_digest

from anyio import to_thread
from fastapi import Request
from starlette.responses import Response

from digest import subscribers
from digest.db import Transaction
from digest.mail.locale import city_name, get_locale
from digest.mail.tokens import Claim, Purpose
from digest.mail.wording import list_topics
from digest.models import Frequency, Status, Subscriber
from digest.models.addresses import parse_address
from digest.models.errors import NotFound
from digest.models.schedule import get_local_day
from digest.web.components import Button
from digest.web.context import WebContext, WebContextDep
from digest.web.routes.signup import COOKIE_NAME, make_browser_token
from digest.web.routing import create_router

FREQUENCY_TEXTS = {
    Frequency.DAILY: "every day with papers",
    Frequency.WEEKDAYS: "Monday to Friday",
    Frequency.WEEKLY: "once a week",
}
SUBSCRIBED = {Status.CONFIRMED, Status.PAUSED}

router = create_router(include_in_schema=False)


@router.get("/c/{token}")
async def show_question(token: str, request: Request, ctx: WebContextDep) -> Response:
    """Show the question; in the browser that signed up, opening the link confirms at once."""
    claim, reader = await to_thread.run_sync(_load_claim, ctx, token)
    if _is_done(claim, reader):
        return _show_confirmed(ctx, reader)
    if not claim.extra and _is_same_browser(ctx, request, reader):
        return await confirm(token, request, ctx)
    address = claim.extra or reader.address
    return ctx.pages.render(
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
    """Confirm the sign-up or the new address; doing it twice changes nothing."""
    claim, _ = await to_thread.run_sync(_load_claim, ctx, token)
    actor = ctx.actor("reader")

    def apply(tx: Transaction) -> Subscriber:
        if claim.extra:
            return subscribers.confirm_address(tx, claim.public_id, claim.extra, actor=actor)
        return subscribers.confirm(tx, claim.public_id, actor=actor)

    response = _show_confirmed(ctx, await ctx.write(apply))
    if COOKIE_NAME in request.cookies:
        response.delete_cookie(COOKIE_NAME, path="/c", secure=ctx.is_https, httponly=True, samesite="lax")
    return response


@router.post("/c/{token}/no")
async def deny(token: str, ctx: WebContextDep) -> Response:
    """Decline a sign-up, so that the address is never asked again; a new address is simply not used."""
    claim, reader = await to_thread.run_sync(_load_claim, ctx, token)
    if not claim.extra and reader.status not in SUBSCRIBED:
        actor = ctx.actor("reader")
        await ctx.write(lambda tx: subscribers.deny_signup(tx, claim.public_id, actor=actor))
    return ctx.pages.render_message("Thank you for telling us", "Nothing will be sent to this address.")


def _load_claim(ctx: WebContext, token: str) -> tuple[Claim, Subscriber]:
    claim = ctx.services.links.keys.verify(Purpose.CONFIRM, token, now=ctx.clock())
    with ctx.services.store.begin(write=False) as tx:
        try:
            return claim, tx.subscribers.get_by_public_id(claim.public_id)
        except NotFound as error:
            raise NotFound("This sign-up is not waiting any more; please sign up again.") from error


def _is_done(claim: Claim, reader: Subscriber) -> bool:
    return reader.address == claim.extra if claim.extra else reader.status in SUBSCRIBED


def _is_same_browser(ctx: WebContext, request: Request, reader: Subscriber) -> bool:
    """Return True if this browser signed the address up; a prefetch is not a person who opens the page."""
    if "prefetch" in request.headers.get("sec-purpose", request.headers.get("purpose", "")):
        return False
    expected = make_browser_token(ctx, parse_address(reader.address).mailbox)
    return compare_digest(expected.encode(), request.cookies.get(COOKIE_NAME, "").encode(errors="replace"))


def _show_confirmed(ctx: WebContext, reader: Subscriber) -> Response:
    brand, topics = ctx.services.site.brand, list_topics(reader.profile)
    return ctx.pages.render_message(
        "You are subscribed",
        f"{brand} comes to {reader.address}. {_describe_next_digest(reader)}",
        f"Papers are picked for you by what you named: {topics}."
        if topics
        else "Tell us what you work on, and papers are picked for you.",
        links=[("Interests, time and time zone", ctx.services.links.preferences_url(reader.public_id))],
    )


def _describe_next_digest(reader: Subscriber) -> str:
    """Return a sentence about the next digest; empty when none is due."""
    if reader.next_due is None:
        return ""
    schedule = reader.schedule
    day = get_locale("en").format_day(get_local_day(schedule, reader.next_due))
    frequency, zone = FREQUENCY_TEXTS[schedule.frequency], city_name(schedule.timezone)
    return f"The next one is due {day} at {schedule.send_at:%H:%M} ({zone}), then {frequency}."
