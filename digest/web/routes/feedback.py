"""More like this, less like this, keep it: the link from the mail opens a page, its button teaches."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from digest import subscribers
from digest.mail.tokens import Purpose
from digest.models import Paper, Subscriber
from digest.models.errors import InvalidToken, NotFound
from digest.ranking.feedback import Feedback, learn
from digest.web.components import Button, card_of
from digest.web.context import WebContext, WebContextDep

VERDICTS = {"+": Feedback.MORE, "-": Feedback.LESS}
LABELS = {
    Feedback.MORE: "More like this",
    Feedback.LESS: "Less like this",
    Feedback.SAVE: "Keep it among papers I like",
}
ASKED = "Press a button to say so. Mail programs open links by themselves, so opening this page did nothing."
TAUGHT = {
    Feedback.MORE: "More like this will come.",
    Feedback.LESS: "Less like this will come.",
    Feedback.SAVE: "The paper is kept among those you like.",
}

router = APIRouter(include_in_schema=False)


@router.get("/v/{token}")
def ask(token: str, ctx: WebContextDep) -> Response:
    """The paper and three buttons, the one that was clicked in the mail first."""
    reader, paper, verdict = _meant(ctx, token)
    order = sorted(LABELS, key=lambda each: each is not verdict)
    return ctx.pages.page(
        "question",
        title=f"{LABELS[verdict]}?",
        sentences=[ASKED],
        card=card_of(paper, day=ctx.clock().date()),
        buttons=[
            Button(LABELS[each], f"/v/{token}", main=each is verdict, name="verdict", value=each)
            for each in order
        ],
        links=[("Your preferences", ctx.services.links.preferences(reader.pid))],
    )


@router.post("/v/{token}")
def teach(token: str, ctx: WebContextDep, verdict: Annotated[str, Form()] = "") -> Response:
    """Learn from the verdict; what was learnt stands on the preferences page, and can be deleted there."""
    reader, paper, meant = _meant(ctx, token)
    chosen = Feedback(verdict) if verdict in LABELS else meant
    with ctx.services.store.begin() as tx:
        now = tx.subscribers.by_pid(reader.pid)
        taught = replace(now, profile=learn(now.profile, paper, chosen))
        subscribers.revise(tx, taught, by=ctx.by("reader"))
    return ctx.pages.message(
        "Thank you",
        TAUGHT[chosen],
        links=[("See what was learnt", ctx.services.links.preferences(reader.pid))],
    )


def _meant(ctx: WebContext, token: str) -> tuple[Subscriber, Paper, Feedback]:
    claim = ctx.services.links.keys.verify(Purpose.VERDICT, token, now=ctx.clock())
    if claim.extra[:1] not in VERDICTS:
        raise InvalidToken
    with ctx.services.store.begin(write=False) as tx:
        reader = tx.subscribers.by_pid(claim.pid)
        papers = tx.papers.by_ids([claim.extra[1:]])
    if not papers:
        raise NotFound("This paper is not stored any more.")
    return reader, next(iter(papers.values())), VERDICTS[claim.extra[0]]
