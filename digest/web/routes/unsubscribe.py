"""How does one leave? By one click from the mail, as RFC 8058 wants it; opening the page does nothing."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from digest import subscribers
from digest.mail.tokens import Purpose
from digest.models import Status, Subscriber
from digest.models.errors import NotFound
from digest.web.components import Button
from digest.web.context import WebContext, WebContextDep

router = APIRouter(include_in_schema=False)


@router.get("/u/{token}")
def ask(token: str, ctx: WebContextDep) -> Response:
    """One button, or, for those who left, the way back."""
    reader = _reader(ctx, token)
    if reader is None or reader.status is Status.UNSUBSCRIBED:
        return _gone(ctx, token, reader)
    return ctx.pages.page(
        "question",
        title="Unsubscribe?",
        sentences=[f"{ctx.services.site.brand} still comes to {reader.address}. One press ends it."],
        card=None,
        buttons=[Button("Unsubscribe", f"/u/{token}", main=True)],
        links=[("Fewer papers, another day or a pause instead", ctx.services.links.preferences(reader.pid))],
    )


@router.post("/u/{token}")
async def leave(token: str, request: Request, ctx: WebContextDep) -> Response:
    """Unsubscribe: only the token counts, the body is let go, and doing it twice is fine."""
    claim = ctx.services.links.keys.verify(Purpose.UNSUBSCRIBE, token, now=ctx.clock())
    async for _ in request.stream():
        pass  # read to its end, so that a sender is not cut off; nothing in it is looked at
    by = ctx.by("reader")
    reader = await ctx.committer.run(lambda tx: subscribers.unsubscribe(tx, claim.pid, by=by), by=by)
    return _gone(ctx, token, reader)


@router.post("/u/{token}/undo")
async def undo(token: str, ctx: WebContextDep) -> Response:
    """That was a mistake: back to where they were, within a week."""
    claim = ctx.services.links.keys.verify(Purpose.UNSUBSCRIBE, token, now=ctx.clock())
    by = ctx.by("reader")
    reader = await ctx.committer.run(lambda tx: subscribers.undo_unsubscribe(tx, claim.pid, by=by), by=by)
    return ctx.pages.message(
        "Welcome back",
        f"{ctx.services.site.brand} comes to {reader.address} again.",
        links=[("Your preferences", ctx.services.links.preferences(reader.pid))],
    )


def _reader(ctx: WebContext, token: str) -> Subscriber | None:
    claim = ctx.services.links.keys.verify(Purpose.UNSUBSCRIBE, token, now=ctx.clock())
    with ctx.services.store.begin(write=False) as tx:
        try:
            return tx.subscribers.by_pid(claim.pid)
        except NotFound:
            return None


def _gone(ctx: WebContext, token: str, reader: Subscriber | None) -> Response:
    """The same page whether they left now, long ago, or were erased since."""
    may_undo = reader is not None and reader.confirmed_at is not None
    return ctx.pages.page(
        "question",
        title="You are unsubscribed",
        sentences=[f"{ctx.services.site.brand} no longer comes to you. Thank you for reading."],
        card=None,
        buttons=[Button("That was a mistake", f"/u/{token}/undo")] if may_undo else [],
        links=[("To the front page", "/")],
    )
