"""A paper's page for one reader, which records that it was opened if the reader allows that.

For such readers the titles in the mail link here instead of to the source. Opening the page records nothing,
because mail scanners open links too: its script POSTs once a person points, types or scrolls. A paper counts
once, and little.
"""

from dataclasses import replace

from starlette.responses import Response

from digest import subscribers
from digest.mail.tokens import Purpose
from digest.ranking.feedback import Feedback, learn_from_feedback
from digest.web.components import build_vote_box
from digest.web.context import WebContextDep
from digest.web.languages import set_page_language
from digest.web.routes.paper import build_paper_values
from digest.web.routing import create_router

router = create_router(include_in_schema=False)


@router.get("/o/{token}")
def show_paper(token: str, ctx: WebContextDep) -> Response:
    """Show the paper with the reader's vote on it; this records nothing."""
    claim = ctx.services.links.keys.verify(Purpose.OPENING, token, now=ctx.clock())
    with ctx.services.store.begin(write=False) as tx:
        reader = tx.subscribers.get_by_public_id(claim.public_id)
        papers = tx.papers.get_by_ids([claim.extra])
        given = next((tx.votes.find(reader.id, paper) for paper in papers.values()), None)
    set_page_language(reader.preferences.language)
    links, teaches = ctx.services.links, reader.preferences.clicks_may_teach
    more = links.more_url(reader.public_id, claim.extra)
    return ctx.pages.render(
        "opened",
        scripts=("vote.js", "opened.js") if teaches else ("vote.js",),
        **build_paper_values(ctx, claim.extra),
        teaches=teaches,
        box=build_vote_box(claim.extra, more, given, back=f"/o/{token}"),
        preferences=links.preferences_url(reader.public_id),
    )


@router.post("/o/{token}")
def record_opening(token: str, ctx: WebContextDep) -> Response:
    """Learn that a person opened the paper, if the reader still allows it."""
    claim = ctx.services.links.keys.verify(Purpose.OPENING, token, now=ctx.clock())
    with ctx.services.store.begin() as tx:
        reader = tx.subscribers.get_by_public_id(claim.public_id)
        for paper in tx.papers.get_by_ids([claim.extra]).values():
            may_teach = reader.preferences.clicks_may_teach
            profile = learn_from_feedback(reader.profile, paper, Feedback.CLICK, clicks_may_teach=may_teach)
            subscribers.save_settings(tx, replace(reader, profile=profile), actor=ctx.actor("reader"))
    return Response(status_code=204)
