"""Confirmation of a sign-up or a new address.

Opening the link only shows a question and the button confirms, because link scanners open links too.
"""

from collections.abc import Iterator
from hmac import compare_digest

from anyio import to_thread
from fastapi import Request
from starlette.responses import RedirectResponse, Response

from digest import subscribers
from digest.db import Transaction
from digest.mail.locale import city_name, gettext_noop
from digest.mail.tokens import Claim, Purpose
from digest.mail.wording import list_topics
from digest.models import SUBSCRIBED, Frequency, Status, Subscriber
from digest.models.addresses import parse_address
from digest.models.schedule import find_following_slot, get_local_day, is_due_on_confirming, is_paused
from digest.web.components import Button
from digest.web.context import WebContext, WebContextDep, open_link
from digest.web.languages import get_page_locale, gettext, set_page_language
from digest.web.preferences_form import format_status
from digest.web.routes.signup import COOKIE_NAME, make_browser_token
from digest.web.routing import create_router

NEXT_TEXTS = {
    Frequency.DAILY: gettext_noop("The next one is due %(day)s at %(time)s (%(zone)s), then every day."),
    Frequency.WEEKDAYS: gettext_noop(
        "The next one is due %(day)s at %(time)s (%(zone)s), then from Monday to Friday."
    ),
    Frequency.WEEKLY: gettext_noop("The next one is due %(day)s at %(time)s (%(zone)s), then once a week."),
}

router = create_router(include_in_schema=False)


@router.get("/c/{token}")
async def show_question(token: str, request: Request, ctx: WebContextDep) -> Response:
    """Show the question; in the browser that signed up, opening the link confirms at once."""
    claim, reader = await to_thread.run_sync(_load_claim, ctx, token)
    set_page_language(reader.preferences.language)
    if _is_done(claim, reader):
        return _show_confirmed(ctx, reader)
    if not claim.extra and _is_same_browser(ctx, request, reader):
        return await confirm(token, request, ctx)
    names = {"brand": ctx.services.site.brand}
    names["address"] = claim.extra or reader.address
    return ctx.pages.render(
        "question",
        title=gettext("Confirm your new address") if claim.extra else gettext("Confirm your subscription"),
        sentences=[gettext("Do you want %(brand)s to be sent to %(address)s?") % names],
        buttons=[
            Button(gettext("Yes, send it to me"), f"/c/{token}", main=True),
            Button(gettext("No, that was not me"), f"/c/{token}/no"),
        ],
        links=(),
    )


@router.post("/c/{token}")
async def confirm(token: str, request: Request, ctx: WebContextDep) -> Response:
    """Confirm the sign-up or the new address; doing it twice changes nothing."""
    claim, reader = await to_thread.run_sync(_load_claim, ctx, token)
    set_page_language(reader.preferences.language)
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
    """Decline a sign-up, so that the address is never asked again; a new address is simply not used.

    An address that was confirmed before, perhaps by somebody else, can be unsubscribed on the next page.
    """
    claim, reader = await to_thread.run_sync(_load_claim, ctx, token)
    set_page_language(reader.preferences.language)
    if _is_done(claim, reader):
        return RedirectResponse(ctx.services.links.unsubscribe_url(reader.public_id), 303)
    if not claim.extra:
        actor = ctx.actor("reader")
        await ctx.write(lambda tx: subscribers.deny_signup(tx, claim.public_id, actor=actor))
    return ctx.pages.render_message(
        gettext("Thank you for telling us"), gettext("Nothing will be sent to this address.")
    )


def _load_claim(ctx: WebContext, token: str) -> tuple[Claim, Subscriber]:
    gone = gettext_noop("This sign-up has expired; please sign up again.")
    return open_link(ctx, Purpose.CONFIRM, token, gone=gone)


def _is_done(claim: Claim, reader: Subscriber) -> bool:
    return reader.status in SUBSCRIBED and claim.extra in ("", reader.address)


def _is_same_browser(ctx: WebContext, request: Request, reader: Subscriber) -> bool:
    """Return True if this browser signed the address up; a prefetch is not a person who opens the page."""
    if "prefetch" in request.headers.get("sec-purpose", request.headers.get("purpose", "")):
        return False
    expected = make_browser_token(ctx, parse_address(reader.address).mailbox)
    return compare_digest(expected.encode(), request.cookies.get(COOKIE_NAME, "").encode(errors="replace"))


def _show_confirmed(ctx: WebContext, reader: Subscriber) -> Response:
    topics, preferences = list_topics(reader.profile), ctx.services.links.preferences_url(reader.public_id)
    names = {"brand": ctx.services.site.brand, "address": reader.address}
    is_sent = reader.status is Status.CONFIRMED and not is_paused(reader.schedule, ctx.clock())
    return ctx.pages.render_message(
        gettext("You are subscribed"),
        gettext("%(brand)s will be sent to %(address)s from now on.") % names
        if is_sent
        else format_status(reader, ctx.clock()),
        *_describe_next_digests(ctx, reader),
        gettext("Papers are picked for you from your topics: %(topics)s.") % {"topics": topics}
        if topics
        else gettext("Tell us what you work on, and we will pick papers for you."),
        links=[(gettext("Interests, time and time zone"), preferences)],
    )


def _describe_next_digests(ctx: WebContext, reader: Subscriber) -> Iterator[str]:
    """Yield sentences about the first digest, if it comes at once, and about the next by schedule."""
    if reader.next_due is None:
        return
    locale, schedule = get_page_locale(), reader.schedule
    following = reader.next_due
    if is_due_on_confirming(reader):
        following = find_following_slot(reader, ctx.clock())
        yield locale.gettext("The first digest, with papers from the last few days, arrives within minutes.")
    yield locale.gettext(NEXT_TEXTS[schedule.frequency]) % {
        "day": locale.format_day(get_local_day(schedule, following)),
        "time": f"{schedule.send_at:%H:%M}",
        "zone": city_name(schedule.timezone),
    }
