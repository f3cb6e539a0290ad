"""How does one reader read their own digest elsewhere? On the web, and by a private feed that can end."""

from datetime import date
from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from digest.mail.locale import tongue
from digest.mail.tokens import Purpose
from digest.models import Edition
from digest.models.errors import InvalidToken, NotFound
from digest.models.schedule import slot_on
from digest.pipeline.plan import recall
from digest.web.components import card_of_pick
from digest.web.context import InLobby, Lobby, _revision, feed_path
from digest.web.previews import latest, sections
from digest.web.routes.feeds import ATOM, JSON_FEED, Entry, Feed, atom, json_of

router = APIRouter(include_in_schema=False)


@router.get("/e/{token}")
def edition(token: str, lobby: InLobby) -> Response:
    """The digest of one day, as its reader got it."""
    claim = lobby.house.links.keys.verify(Purpose.EDITION, token, now=lobby.clock())
    day = date.fromisoformat(claim.extra)
    with lobby.house.store.begin(write=False) as tx:
        reader = tx.subscribers.by_pid(claim.pid)
    slot = slot_on(reader.schedule, day)
    found = recall(lobby.house.store, reader, slot) if slot else None
    if found is None:
        raise NotFound("There is no digest of that day any more.")
    return lobby.pages.page(
        "edition",
        day_name=tongue("en").day(day),
        sections=sections(lobby.house.links, found),
        preferences=lobby.house.links.preferences(reader.pid),
        unsubscribe=lobby.house.links.unsubscribe(reader.pid),
    )


@router.get("/f/{token}.atom")
def atom_feed(token: str, lobby: InLobby) -> Response:
    """The latest digests of one reader as Atom."""
    return Response(atom(_feed(lobby, token, "atom")), media_type=ATOM)


@router.get("/f/{token}.json")
def json_feed(token: str, lobby: InLobby) -> Response:
    """The same as JSON Feed."""
    answer: dict[str, Any] = json_of(_feed(lobby, token, "json"))
    return JSONResponse(answer, media_type=JSON_FEED)


def _feed(lobby: Lobby, token: str, kind: str) -> Feed:
    now = lobby.clock()
    claim = lobby.house.links.keys.verify(Purpose.FEED, token, now=now)
    with lobby.house.store.begin(write=False) as tx:
        reader = tx.subscribers.by_pid(claim.pid)
    if claim.extra != _revision(reader):
        raise InvalidToken("This feed has a new address; it stands on the preferences page.")
    base, editions = lobby.house.settings.base_url, latest(lobby.house.store, reader)
    return Feed(
        title=f"{lobby.house.site.brand}: your digest",
        home=f"{base}/",
        url=base + feed_path(lobby, reader, kind),
        updated=editions[0].slot if editions else now,
        entries=[entry for each in editions for entry in _entries(lobby, each)],
    )


def _entries(lobby: Lobby, each: Edition) -> list[Entry]:
    links, reader = lobby.house.links, each.subscriber
    return [
        Entry(
            paper=pick.paper,
            card=card_of_pick(pick, links=links, reader=reader, day=each.day),
            updated=each.slot,
        )
        for pick in each.picks
    ]
