"""Unsubscribing with one click from the mail (RFC 8058); opening the page does nothing."""

from fastapi import Request
from starlette.responses import Response

from digest import subscribers
from digest.mail.tokens import Purpose
from digest.models import Status, Subscriber
from digest.models.errors import NotFound
from digest.web.components import Button
from digest.web.context import WebContext, WebContextDep
from digest.web.routing import create_router

router = create_router(include_in_schema=False)


@router.get("/u/{token}")
def show_question(token: str, ctx: WebContextDep) -> Response:
    """Show one button; to a reader who has unsubscribed, the button to undo it."""
    reader = _find_reader(ctx, token)
    if reader is None or reader.status is Status.UNSUBSCRIBED:
        return _show_unsubscribed(ctx, token, reader)
    return ctx.pages.render(
        "question",
        title="Unsubscribe?",
        sentences=[f"{ctx.services.site.brand} still comes to {reader.address}. One press ends it."],
        card=None,
        buttons=[Button("Unsubscribe", f"/u/{token}", main=True)],
        links=[
            (
                "Fewer papers, another day or a pause instead",
                ctx.services.links.preferences_url(reader.public_id),
            )
        ],
    )


@router.post("/u/{token}")
async def unsubscribe_reader(token: str, request: Request, ctx: WebContextDep) -> Response:
    """Unsubscribe the reader of the token; the body is ignored and doing it twice is fine."""
    claim = ctx.services.links.keys.verify(Purpose.UNSUBSCRIBE, token, now=ctx.clock())
    async for _ in request.stream():
        pass  # read to the end so that the sender is not cut off
    actor = ctx.actor("reader")
    reader = await ctx.write(lambda tx: subscribers.unsubscribe(tx, claim.public_id, actor=actor))
    return _show_unsubscribed(ctx, token, reader)


@router.post("/u/{token}/undo")
async def restore_subscription(token: str, ctx: WebContextDep) -> Response:
    """Restore the subscription as it was; possible within a week."""
    claim = ctx.services.links.keys.verify(Purpose.UNSUBSCRIBE, token, now=ctx.clock())
    actor = ctx.actor("reader")
    reader = await ctx.write(lambda tx: subscribers.undo_unsubscribe(tx, claim.public_id, actor=actor))
    return ctx.pages.render_message(
        "Welcome back",
        f"{ctx.services.site.brand} comes to {reader.address} again.",
        links=[("Your preferences", ctx.services.links.preferences_url(reader.public_id))],
    )


def _find_reader(ctx: WebContext, token: str) -> Subscriber | None:
    """Return the reader of the token; None if they were erased."""
    claim = ctx.services.links.keys.verify(Purpose.UNSUBSCRIBE, token, now=ctx.clock())
    with ctx.services.store.begin(write=False) as tx:
        try:
            return tx.subscribers.get_by_public_id(claim.public_id)
        except NotFound:
            return None


def _show_unsubscribed(ctx: WebContext, token: str, reader: Subscriber | None) -> Response:
    """Show the same page whether they left now, long ago, or were erased since."""
    may_undo = reader is not None and reader.confirmed_at is not None
    return ctx.pages.render(
        "question",
        title="You are unsubscribed",
        sentences=[f"{ctx.services.site.brand} no longer comes to you. Thank you for reading."],
        card=None,
        buttons=[Button("That was a mistake", f"/u/{token}/undo")] if may_undo else [],
        links=[("To the front page", "/")],
    )
