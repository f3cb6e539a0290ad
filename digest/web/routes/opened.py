"""A paper's page for one reader, which records that it was opened if the reader allows that.

For such readers the titles in the mail link here instead of to the source. Opening the page records nothing,
because mail scanners open links too: its script POSTs once a person points, types or scrolls. A paper counts
once, and little.
"""

from dataclasses import replace

from starlette.responses import Response

from digest import subscribers
from digest.mail.tokens import Claim, Purpose, decode_paper_id
from digest.models.errors import InvalidToken
from digest.ranking.feedback import Feedback, learn_from_feedback
from digest.web.components import build_vote_box
from digest.web.context import WebContext, WebContextDep
from digest.web.languages import set_page_language
from digest.web.routes.paper import build_paper_values
from digest.web.routing import create_router

router = create_router(include_in_schema=False)


@router.get("/o/{token}")
@router.get("/o/{token}/{name}")
def show_paper(token: str, ctx: WebContextDep, name: str = "") -> Response:
    """Show the paper with the reader's vote on it; this records nothing."""
    claim, paper_id = _verify(ctx, token, name)
    with ctx.services.store.begin(write=False) as tx:
        reader = tx.subscribers.get_by_public_id(claim.public_id)
        papers = tx.papers.get_by_ids([paper_id])
        given = next((tx.votes.find(reader.id, paper) for paper in papers.values()), None)
    set_page_language(reader.preferences.language)
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
    claim, paper_id = _verify(ctx, token, name)
    with ctx.services.store.begin() as tx:
        reader = tx.subscribers.get_by_public_id(claim.public_id)
        for paper in tx.papers.get_by_ids([paper_id]).values():
            may_teach = reader.preferences.clicks_may_teach
            profile = learn_from_feedback(reader.profile, paper, Feedback.CLICK, clicks_may_teach=may_teach)
            subscribers.save_settings(tx, replace(reader, profile=profile), actor=ctx.actor("reader"))
    return Response(status_code=204)


def _verify(ctx: WebContext, token: str, name: str) -> tuple[Claim, str]:
    """Return the claim of a link and its paper, which links sent until November 2026 have in their token."""
    claim = ctx.services.links.keys.verify(Purpose.OPENING, token, now=ctx.clock())
    if bool(claim.extra) == bool(name):
        raise InvalidToken  # a token that names a paper is for that paper alone
    return claim, claim.extra or decode_paper_id(name)
