"""One reader's own digests: a page per edition, and a private feed whose URL the reader can revoke."""

from datetime import date
from functools import partial

from fastapi import Request
from starlette.responses import Response

from digest.mail.cards import build_news_card
from digest.mail.tokens import Purpose
from digest.models import Edition
from digest.models.citations import CitationFormat
from digest.models.errors import NotFound
from digest.pipeline import exports
from digest.pipeline.plan import load_planned_edition
from digest.web.components import VoteBox, build_pick_card, build_vote_box
from digest.web.context import WebContext, WebContextDep, feed_path, open_link
from digest.web.exports import parse_format, respond_with_citations
from digest.web.languages import get_page_locale, gettext
from digest.web.previews import build_sections, load_latest_editions
from digest.web.routes.feeds import (
    Entry,
    Feed,
    get_day_start,
    get_feed_reader,
    respond_with_feed,
)
from digest.web.routing import create_router

router = create_router(include_in_schema=False)


@router.get("/e/{token}")
def show_edition(token: str, ctx: WebContextDep) -> Response:
    """Show the digest of one day as its reader got it."""
    claim, reader = open_link(ctx, Purpose.EDITION, token)
    day = date.fromisoformat(claim.extra)
    sent = load_planned_edition(ctx.services.store, reader, day)
    if sent is None:
        raise NotFound("The digest of that day is no longer stored.")
    return ctx.pages.render(
        "edition",
        scripts=("vote.js",),
        day_name=get_page_locale().format_day(day),
        sections=build_sections(ctx.services.links, sent),
        votes=_build_vote_boxes(ctx, sent, back=f"/e/{token}"),
        news=[build_news_card(get_page_locale(), item) for item in sent.news],
        downloads=[(form.label, f"/e/{token}/{form}") for form in CitationFormat],
        preferences=ctx.services.links.preferences_url(reader.public_id),
        unsubscribe=ctx.services.links.unsubscribe_url(reader.public_id),
    )


@router.get("/e/{token}/{form}")
def export_edition(token: str, form: str, ctx: WebContextDep) -> Response:
    """Return the papers of one reader's digest of a day."""
    chosen = parse_format(form)
    claim, reader = open_link(ctx, Purpose.EDITION, token)
    day = date.fromisoformat(claim.extra)
    citations = exports.load_digest(ctx.services.store, reader, day)
    return respond_with_citations(citations, chosen, name=f"digest-{day}")


def _build_vote_boxes(ctx: WebContext, sent: Edition, *, back: str) -> dict[str, VoteBox]:
    """Return the vote box of each paper of an edition, by its address of "More like this"."""
    reader = sent.subscriber
    with ctx.services.store.begin(write=False) as tx:
        given = {vote.paper_id: vote for vote in tx.votes.list_by_subscriber(reader.id)}
    urls = {
        pick.paper.id: ctx.services.links.more_url(reader.public_id, pick.paper.id) for pick in sent.picks
    }
    return {url: build_vote_box(name, url, given.get(name), back=back) for name, url in urls.items()}


@router.get("/f/{token}.atom")
@router.get("/f/{token}.json")
def get_feed(token: str, request: Request, ctx: WebContextDep) -> Response:
    """Return the latest digests of one reader as Atom or JSON Feed."""
    return respond_with_feed(ctx, request, partial(_build_feed, ctx, token), {})


def _build_feed(ctx: WebContext, token: str, kind: str) -> Feed:
    reader = get_feed_reader(ctx, token)
    base, editions = ctx.services.settings.base_url, load_latest_editions(ctx.services.store, reader)
    return Feed(
        title=gettext("%(brand)s: your digest") % {"brand": ctx.services.site.brand},
        home=f"{base}/",
        url=base + feed_path(ctx, reader, kind),
        updated=editions[0].slot if editions else get_day_start(ctx.clock()),
        entries=[
            Entry(
                paper=pick.paper,
                card=build_pick_card(pick, links=ctx.services.links, reader=reader, day=sent.day),
                updated=sent.slot,
            )
            for sent in editions
            for pick in sent.picks
        ],
    )
