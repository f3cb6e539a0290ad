"""How does one reader read their own digest elsewhere? On the web, and by a private feed that can end."""

from datetime import date
from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from digest.mail.locale import get_locale
from digest.mail.tokens import Purpose
from digest.models import Edition
from digest.models.errors import InvalidToken, NotFound
from digest.models.schedule import slot_on
from digest.pipeline.plan import recall
from digest.web.components import card_of_pick
from digest.web.context import WebContext, WebContextDep, _revision, feed_path
from digest.web.previews import latest, sections
from digest.web.routes.feeds import ATOM, JSON_FEED, Entry, Feed, atom, json_of

router = APIRouter(include_in_schema=False)


@router.get("/e/{token}")
def edition(token: str, ctx: WebContextDep) -> Response:
    """The digest of one day, as its reader got it."""
    claim = ctx.services.links.keys.verify(Purpose.EDITION, token, now=ctx.clock())
    day = date.fromisoformat(claim.extra)
    with ctx.services.store.begin(write=False) as tx:
        reader = tx.subscribers.by_pid(claim.pid)
    slot = slot_on(reader.schedule, day)
    found = recall(ctx.services.store, reader, slot) if slot else None
    if found is None:
        raise NotFound("There is no digest of that day any more.")
    return ctx.pages.page(
        "edition",
        day_name=get_locale("en").day(day),
        sections=sections(ctx.services.links, found),
        preferences=ctx.services.links.preferences(reader.pid),
        unsubscribe=ctx.services.links.unsubscribe(reader.pid),
    )


@router.get("/f/{token}.atom")
def atom_feed(token: str, ctx: WebContextDep) -> Response:
    """The latest digests of one reader as Atom."""
    return Response(atom(_feed(ctx, token, "atom")), media_type=ATOM)


@router.get("/f/{token}.json")
def json_feed(token: str, ctx: WebContextDep) -> Response:
    """The same as JSON Feed."""
    answer: dict[str, Any] = json_of(_feed(ctx, token, "json"))
    return JSONResponse(answer, media_type=JSON_FEED)


def _feed(ctx: WebContext, token: str, kind: str) -> Feed:
    now = ctx.clock()
    claim = ctx.services.links.keys.verify(Purpose.FEED, token, now=now)
    with ctx.services.store.begin(write=False) as tx:
        reader = tx.subscribers.by_pid(claim.pid)
    if claim.extra != _revision(reader):
        raise InvalidToken("This feed has a new address; it stands on the preferences page.")
    base, editions = ctx.services.settings.base_url, latest(ctx.services.store, reader)
    return Feed(
        title=f"{ctx.services.site.brand}: your digest",
        home=f"{base}/",
        url=base + feed_path(ctx, reader, kind),
        updated=editions[0].slot if editions else now,
        entries=[entry for each in editions for entry in _entries(ctx, each)],
    )


def _entries(ctx: WebContext, each: Edition) -> list[Entry]:
    links, reader = ctx.services.links, each.subscriber
    return [
        Entry(
            paper=pick.paper,
            card=card_of_pick(pick, links=links, reader=reader, day=each.day),
            updated=each.slot,
        )
        for pick in each.picks
    ]
