"""Unsubscribing with one click from the mail (RFC 8058); opening the page does nothing."""

from anyio import to_thread
from fastapi import Request
from starlette.responses import Response

from digest import subscribers
from digest.mail.tokens import Purpose
from digest.models import Status, Subscriber
from digest.models.errors import NotFound
from digest.web.components import Button
from digest.web.context import WebContext, WebContextDep, open_link
from digest.web.languages import gettext, set_page_language
from digest.web.routing import create_router

router = create_router(include_in_schema=False)


@router.get("/u/{token}")
def show_question(token: str, ctx: WebContextDep) -> Response:
    """Show one button; to a reader who has unsubscribed, the button to undo it."""
    reader = _find_reader(ctx, token)
    if reader is None or reader.status is Status.UNSUBSCRIBED:
        return _show_unsubscribed(ctx, token, reader)
    names = {"brand": ctx.services.site.brand, "address": reader.address}
    if reader.status is Status.UNCONFIRMED:
        never = gettext(
            "One click deletes %(address)s here. No email is sent to it again, even if somebody signs it up."
        )
        return ctx.pages.render(
            "question",
            title=gettext("Never write to this address again?"),
            sentences=[never % names],
            buttons=[Button(gettext("Never write to this address again"), f"/u/{token}", main=True)],
            links=(),
        )
    instead = gettext("Fewer papers, another day or a pause instead")
    return ctx.pages.render(
        "question",
        title=gettext("Unsubscribe?"),
        sentences=[gettext("%(brand)s is still sent to %(address)s. One click stops it.") % names],
        buttons=[Button(gettext("Unsubscribe"), f"/u/{token}", main=True)],
        links=[(instead, ctx.services.links.preferences_url(reader.public_id))],
    )


@router.post("/u/{token}")
async def unsubscribe_reader(token: str, request: Request, ctx: WebContextDep) -> Response:
    """Unsubscribe the reader of the token; the body is ignored and doing it twice is fine."""
    before = await to_thread.run_sync(_find_reader, ctx, token)
    async for _ in request.stream():
        pass  # read to the end so that the sender is not cut off
    if before is None:
        return _show_unsubscribed(ctx, token, None)
    set_page_language(before.preferences.language)
    actor = ctx.actor("reader")
    reader = await ctx.write(lambda tx: subscribers.unsubscribe(tx, before.public_id, actor=actor))
    return _show_unsubscribed(ctx, token, reader)


@router.post("/u/{token}/undo")
async def restore_subscription(token: str, ctx: WebContextDep) -> Response:
    """Restore the subscription as it was; possible within a week."""
    claim = ctx.services.links.keys.verify(Purpose.UNSUBSCRIBE, token, now=ctx.clock())
    actor = ctx.actor("reader")
    reader = await ctx.write(lambda tx: subscribers.undo_unsubscribe(tx, claim.public_id, actor=actor))
    set_page_language(reader.preferences.language)
    names = {"brand": ctx.services.site.brand, "address": reader.address}
    return ctx.pages.render_message(
        gettext("Welcome back"),
        gettext("%(brand)s will be sent to %(address)s again.") % names,
        links=[(gettext("Your preferences"), ctx.services.links.preferences_url(reader.public_id))],
    )


def _find_reader(ctx: WebContext, token: str) -> Subscriber | None:
    """Return the reader of the token; None if they were erased."""
    try:
        return open_link(ctx, Purpose.UNSUBSCRIBE, token)[1]
    except NotFound:
        return None


def _show_unsubscribed(ctx: WebContext, token: str, reader: Subscriber | None) -> Response:
    """Show the same page whether they left now, long ago, or were erased since."""
    farewell = gettext("Nothing will be sent to this address.")  # perhaps they never read anything
    if reader is not None:
        farewell = gettext("%(brand)s is no longer sent to you. Thank you for reading.")
    may_undo = reader is not None and reader.confirmed_at is not None
    return ctx.pages.render(
        "question",
        title=gettext("You are unsubscribed"),
        sentences=[farewell % {"brand": ctx.services.site.brand}],
        buttons=[Button(gettext("That was a mistake"), f"/u/{token}/undo")] if may_undo else [],
        links=[(gettext("To the front page"), "/")],
    )
