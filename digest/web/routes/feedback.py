"""Feedback on a paper (more, less, save): the link in the mail opens a page, a button on it records."""

from dataclasses import replace
from typing import Annotated

from fastapi import Form
from starlette.responses import Response

from digest import subscribers
from digest.mail.tokens import Purpose
from digest.models import Paper, Subscriber
from digest.models.errors import InvalidToken, NotFound
from digest.ranking.feedback import Feedback, learn_from_feedback
from digest.web.components import Button, build_public_card
from digest.web.context import WebContext, WebContextDep
from digest.web.routing import create_router

FEEDBACK_BY_CODE = {"+": Feedback.MORE, "-": Feedback.LESS}
LABELS = {
    Feedback.MORE: "More like this",
    Feedback.LESS: "Less like this",
    Feedback.SAVE: "Keep it among papers I like",
}
HINT = "Press a button to say so. Mail programs open links by themselves, so opening this page did nothing."
THANKS = {
    Feedback.MORE: "More like this will come.",
    Feedback.LESS: "Less like this will come.",
    Feedback.SAVE: "The paper is kept among those you like.",
}

router = create_router(include_in_schema=False)


@router.get("/v/{token}")
def show_question(token: str, ctx: WebContextDep) -> Response:
    """Show the paper and three buttons, the one that was clicked in the mail first."""
    reader, paper, chosen = _load_claim(ctx, token)
    ordered = sorted(LABELS, key=lambda feedback: feedback is not chosen)
    return ctx.pages.render(
        "question",
        title=f"{LABELS[chosen]}?",
        sentences=[HINT],
        card=build_public_card(paper, day=ctx.clock().date()),
        buttons=[
            Button(LABELS[feedback], f"/v/{token}", main=feedback is chosen, name="verdict", value=feedback)
            for feedback in ordered
        ],
        links=[("Your preferences", ctx.services.links.preferences_url(reader.public_id))],
    )


@router.post("/v/{token}")
def record_feedback(token: str, ctx: WebContextDep, verdict: Annotated[str, Form()] = "") -> Response:
    """Learn from the feedback; the preferences page shows what was learnt and can delete it."""
    reader, paper, default = _load_claim(ctx, token)
    chosen = Feedback(verdict) if verdict in LABELS else default
    with ctx.services.store.begin() as tx:
        current = tx.subscribers.get_by_public_id(reader.public_id)
        changed = replace(current, profile=learn_from_feedback(current.profile, paper, chosen))
        subscribers.save_settings(tx, changed, actor=ctx.actor("reader"))
    return ctx.pages.render_message(
        "Thank you",
        THANKS[chosen],
        links=[("See what was learnt", ctx.services.links.preferences_url(reader.public_id))],
    )


def _load_claim(ctx: WebContext, token: str) -> tuple[Subscriber, Paper, Feedback]:
    """Return the reader, the paper and the feedback of a link.

    Raises InvalidToken for a link that is not ours, NotFound if the reader or the paper is gone.
    """
    claim = ctx.services.links.keys.verify(Purpose.FEEDBACK, token, now=ctx.clock())
    if claim.extra[:1] not in FEEDBACK_BY_CODE:
        raise InvalidToken
    with ctx.services.store.begin(write=False) as tx:
        reader = tx.subscribers.get_by_public_id(claim.public_id)
        papers = tx.papers.get_by_ids([claim.extra[1:]])
    if not papers:
        raise NotFound("This paper is not stored any more.")
    return reader, next(iter(papers.values())), FEEDBACK_BY_CODE[claim.extra[0]]
