"""Votes on papers: more like this, less like this (and why), save; and taking one back.

The link in a mail opens a page, which records nothing, because mail scanners open links too. Its script
presses the button that was meant as soon as a person points, types or scrolls; without JavaScript, or on
other pages with votes, the reader presses it.
"""

import re
from typing import Annotated

from fastapi import Form
from starlette.responses import Response

from digest.mail.locale import gettext_noop
from digest.mail.tokens import Purpose, decode_paper_id
from digest.models import Paper, Subscriber
from digest.models.errors import InvalidToken
from digest.models.votes import Vote
from digest.ranking.feedback import Feedback, LessReason
from digest.web.components import VoteBox, build_public_card, build_vote_box
from digest.web.context import WebContext, WebContextDep, open_link
from digest.web.languages import gettext
from digest.web.routing import create_router
from digest.web.votes import VERDICTS, undo_vote, vote

FEEDBACK_BY_CODE = {"m": Feedback.MORE, "l": Feedback.LESS}
CODES_IN_TOKENS = {"+": "m", "-": "l"}  # links sent until November 2026 sign the code and the paper's id
TITLES = {Feedback.MORE: gettext_noop("More like this?"), Feedback.LESS: gettext_noop("Less like this?")}
UNDO = "undo"
BACK_PATH = re.compile(r"/[eo]/[\w.~-]+(/[\w.~-]+)?")  # of an edition or a paper's page, behind a token
SCRIPTS = ("vote.js",)

router = create_router(include_in_schema=False)


@router.get("/v/{token}")
@router.get("/v/{token}/{code}/{name}")
def show_question(token: str, ctx: WebContextDep, code: str = "", name: str = "") -> Response:
    """Show the paper with the vote that was given on it, or the buttons to give one."""
    reader, paper, meant = _load_claim(ctx, token, code, name)
    with ctx.services.store.begin(write=False) as tx:
        given = tx.votes.find(reader.id, paper)
    if given and given.verdict != meant:
        given = None  # the link asks for another vote than the one that was given
    box = build_vote_box(paper.id, _format_path(token, code, name), given, meant=meant)
    title = gettext("Thank you" if given else TITLES[meant])
    return _render(ctx, reader, paper, title=title, box=box)


@router.post("/v/{token}")
@router.post("/v/{token}/{code}/{name}")
def record_vote(  # noqa: PLR0913  the parts of the path and the fields of the form
    token: str,
    ctx: WebContextDep,
    code: str = "",
    name: str = "",
    *,
    verdict: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = "",
) -> Response:
    """Learn from the vote, or take it back; the preferences page shows what was learnt and can delete it."""
    reader, paper, meant = _load_claim(ctx, token, code, name)
    chosen = Feedback(verdict) if verdict in VERDICTS else meant
    why = LessReason(reason) if reason in set(LessReason) else None
    given: Vote | None = None
    with ctx.services.store.begin() as tx:
        if verdict == UNDO:
            undo_vote(tx, reader.public_id, paper, actor=ctx.actor("reader"))
        else:
            given = vote(tx, reader.public_id, paper, chosen, reason=why, actor=ctx.actor("reader"))
    back = back if BACK_PATH.fullmatch(back) else ""
    box = build_vote_box(paper.id, _format_path(token, code, name), given, back=back, undone=given is None)
    return _render(ctx, reader, paper, title=gettext("Thank you"), box=box)


def _render(ctx: WebContext, reader: Subscriber, paper: Paper, *, title: str, box: VoteBox) -> Response:
    learnt = gettext("What was learnt, and your preferences")
    links = [(learnt, ctx.services.links.preferences_url(reader.public_id))]
    if box.back:
        links.insert(0, (gettext("Back to where you were"), box.back))
    card = build_public_card(paper, day=ctx.clock().date())
    return ctx.pages.render("vote", scripts=SCRIPTS, title=title, box=box, card=card, links=links)


def _format_path(token: str, code: str, name: str) -> str:
    return f"/v/{token}/{code}/{name}" if code else f"/v/{token}"


def _load_claim(ctx: WebContext, token: str, code: str, name: str) -> tuple[Subscriber, Paper, Feedback]:
    """Return the reader, the paper and the feedback of a link, and speak the reader's language.

    Raises InvalidToken for a link that is not ours, NotFound if the reader or the paper is gone.
    """
    claim, reader = open_link(ctx, Purpose.FEEDBACK, token)
    if bool(claim.extra) == bool(code):
        raise InvalidToken  # a token that names a paper is for that paper alone
    code = code or CODES_IN_TOKENS.get(claim.extra[:1], "")
    if code not in FEEDBACK_BY_CODE:
        raise InvalidToken
    with ctx.services.store.begin(write=False) as tx:
        paper_id = claim.extra[1:] or decode_paper_id(name)
        paper = tx.papers.get(paper_id, missing=gettext_noop("This paper is no longer stored."))
    return reader, paper, FEEDBACK_BY_CODE[code]
