"""What does it teach that a paper was opened? A little and once, and only for readers who asked for it.

Their titles lead to the paper's page here instead of straight to the source. Opening the link does nothing,
for mail scanners open links too: the page's script tells when a person points, types or scrolls.
"""

from dataclasses import replace

from fastapi import APIRouter
from starlette.responses import Response

from digest import subscribers
from digest.mail.tokens import Purpose
from digest.ranking.feedback import Feedback, learn
from digest.web.context import WebContextDep
from digest.web.middleware import TELLING_POLICY
from digest.web.routes.paper import told_of

router = APIRouter(include_in_schema=False)


@router.get("/o/{token}")
def show(token: str, ctx: WebContextDep) -> Response:
    """The paper, with what teaches beside it; nothing is counted by this."""
    claim = ctx.services.links.keys.verify(Purpose.OPENING, token, now=ctx.clock())
    with ctx.services.store.begin(write=False) as tx:
        reader = tx.subscribers.by_pid(claim.pid)
    links, teaches = ctx.services.links, reader.preferences.clicks_may_teach
    answer = ctx.pages.page(
        "opened",
        **told_of(ctx, claim.extra),
        teaches=teaches,
        more=links.more(reader.pid, claim.extra),
        less=links.less(reader.pid, claim.extra),
        preferences=links.preferences(reader.pid),
    )
    if teaches:
        answer.headers["content-security-policy"] = TELLING_POLICY
    return answer


@router.post("/o/{token}")
def opened(token: str, ctx: WebContextDep) -> Response:
    """A person is on the page: learn from it, if that is wanted still."""
    claim = ctx.services.links.keys.verify(Purpose.OPENING, token, now=ctx.clock())
    with ctx.services.store.begin() as tx:
        reader = tx.subscribers.by_pid(claim.pid)
        for paper in tx.papers.by_ids([claim.extra]).values():
            may = reader.preferences.clicks_may_teach
            profile = learn(reader.profile, paper, Feedback.CLICK, clicks_may_teach=may)
            subscribers.revise(tx, replace(reader, profile=profile), by=ctx.by("reader"))
    return Response(status_code=204)
