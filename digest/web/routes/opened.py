"""A paper's page for one reader, which records that it was opened if the reader allows that.

For such readers the titles in the mail link here instead of to the source. Opening the page records nothing,
because mail scanners open links too: its script POSTs once a person points, types or scrolls. A paper counts
once, and little.
"""

from dataclasses import replace

from starlette.responses import Response

from digest import subscribers
from digest.mail.tokens import Purpose, decode_paper_id
from digest.models import Subscriber
from digest.models.errors import InvalidToken
from digest.ranking.feedback import Feedback, learn_from_feedback
from digest.web.components import build_vote_box
from digest.web.context import WebContext, WebContextDep, open_link
from digest.web.routes.paper import build_paper_values
from digest.web.routing import create_router

router = create_router(include_in_schema=False)


@router.get("/o/{token}")
@router.get("/o/{token}/{name}")
def show_paper(token: str, ctx: WebContextDep, name: str = "") -> Response:
    """Show the paper with the reader's vote on it; this records nothing."""
    reader, paper_id = _open(ctx, token, name)
    with ctx.services.store.begin(write=False) as tx:
        papers = tx.papers.get_by_ids([paper_id])
        given = next((tx.votes.find(reader.id, paper) for paper in papers.values()), None)
    links, teaches = ctx.services.links, reader.preferences.clicks_may_teach
    more = links.more_url(reader.public_id, paper_id)
    return ctx.pages.render(
        "opened",
        scripts=("vote.js", "opened.js") if teaches else ("vote.js",),
        **build_paper_values(ctx, paper_id),
        teaches=teaches,
        box=build_vote_box(paper_id, more, given, back=f"/o/{token}/{name}" if name else f"/o/{token}"),
        preferences=links.preferences_url(reader.public_id),
    )


@router.post("/o/{token}")
@router.post("/o/{token}/{name}")
def record_opening(token: str, ctx: WebContextDep, name: str = "") -> Response:
    """Learn that a person opened the paper, if the reader still allows it."""
    reader, paper_id = _open(ctx, token, name)
    with ctx.services.store.begin() as tx:
        reader = tx.subscribers.get_by_public_id(reader.public_id)
        for paper in tx.papers.get_by_ids([paper_id]).values():
            may_teach = reader.preferences.clicks_may_teach
            profile = learn_from_feedback(reader.profile, paper, Feedback.CLICK, clicks_may_teach=may_teach)
            subscribers.save_settings(tx, replace(reader, profile=profile), actor=ctx.actor("reader"))
    return Response(status_code=204)


def _open(ctx: WebContext, token: str, name: str) -> tuple[Subscriber, str]:
    """Return whose link it is and its paper, which links sent until November 2026 have in their token."""
    claim, reader = open_link(ctx, Purpose.OPENING, token)
    if bool(claim.extra) == bool(name):
        raise InvalidToken  # a token that names a paper is for that paper alone
    return reader, claim.extra or decode_paper_id(name)
