"""How is the digest read elsewhere? Atom and JSON feeds, the sitemap, and what robots may do."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape, quoteattr

from fastapi import APIRouter
from starlette.responses import JSONResponse, PlainTextResponse, Response

from digest.mail.cards import Card
from digest.models import Paper
from digest.web.components import card_of
from digest.web.context import WebContext, WebContextDep
from digest.web.trending_lists import TODAY, Ranked

ENTRIES = 30
ARCHIVED = 60  # days of the archive in the sitemap
ATOM, JSON_FEED = "application/atom+xml; charset=utf-8", "application/feed+json; charset=utf-8"
UNPRINTABLE = re.compile("[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
KEPT = {"cache-control": "public, max-age=600"}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A paper in a feed."""

    paper: Paper
    card: Card
    updated: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A list of papers under an address of its own."""

    title: str
    home: str
    url: str
    updated: datetime
    entries: Sequence[Entry]


@router.get("/feed.atom")
def atom_feed(ctx: WebContextDep, category: str = "") -> Response:
    """Today's trending papers as Atom; of one category if asked."""
    return Response(atom(public(ctx, category, "atom")), media_type=ATOM, headers=KEPT)


@router.get("/feed.json")
def json_feed(ctx: WebContextDep, category: str = "") -> Response:
    """The same as JSON Feed 1.1."""
    return JSONResponse(json_of(public(ctx, category, "json")), media_type=JSON_FEED, headers=KEPT)


@router.get("/sitemap.xml")
def sitemap(ctx: WebContextDep) -> Response:
    """The pages worth finding."""
    base, today = ctx.services.settings.base_url, ctx.clock().date()
    days = (f"/archive/{today - timedelta(days=age)}" for age in range(ARCHIVED))
    paths = ("/", "/archive", "/help", *days)
    places = "".join(f"<url><loc>{escape(base + path)}</loc></url>" for path in paths)
    return Response(
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{places}</urlset>\n',
        media_type="application/xml",
    )


@router.get("/robots.txt")
def robots(ctx: WebContextDep) -> Response:
    """Robots may read what everyone may; links of single readers are not theirs."""
    closed = "".join(f"Disallow: /{room}/\n" for room in ("c", "u", "p", "v", "f", "e", "o", "admin", "api"))
    found = f"Sitemap: {ctx.services.settings.base_url}/sitemap.xml\n"
    return PlainTextResponse(f"User-agent: *\n{closed}Disallow: /papers\n{found}")


def public(ctx: WebContext, category: str, kind: str) -> Feed:
    """What everyone reads today."""
    now, settings = ctx.clock(), ctx.services.settings
    ranked = ctx.board.trending(TODAY, now, category=category[:40])[:ENTRIES]
    query = f"?{urlencode({'category': category[:40]})}" if category else ""
    return Feed(
        title=f"{settings.brand}: {category[:40]}" if category else settings.brand,
        home=f"{settings.base_url}/",
        url=f"{settings.base_url}/feed.{kind}{query}",
        updated=max((_seen(each, now) for each in ranked), default=now),
        entries=[_entry(each, now) for each in ranked],
    )


def atom(feed: Feed) -> str:
    """A feed as Atom (RFC 4287)."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">'
        f"<title>{_text(feed.title)}</title><id>{_text(feed.url)}</id>"
        f'<link rel="self" href={_quoted(feed.url)}/><link href={_quoted(feed.home)}/>'
        f"<updated>{feed.updated.isoformat()}</updated>{''.join(map(_atom_entry, feed.entries))}</feed>\n"
    )


def json_of(feed: Feed) -> dict[str, Any]:
    """A feed as JSON Feed 1.1."""
    return {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.home,
        "feed_url": feed.url,
        "items": [_json_entry(entry) for entry in feed.entries],
    }


def _entry(ranked: Ranked, now: datetime) -> Entry:
    paper = ranked.paper
    return Entry(
        paper=paper,
        card=card_of(paper, ranked.heat, day=now.date()),
        updated=_seen(ranked, now),
    )


def _seen(ranked: Ranked, now: datetime) -> datetime:
    return ranked.paper.first_seen or ranked.paper.published or now


def _atom_entry(entry: Entry) -> str:
    card = entry.card
    authors = "".join(f"<author><name>{_text(name)}</name></author>" for name in entry.paper.authors[:20])
    categories = "".join(f"<category term={_quoted(term)}/>" for term in entry.paper.categories)
    return (
        f"<entry><title>{_text(card.title)}</title><id>{_text('urn:digest:' + entry.paper.id)}</id>"
        f"<link href={_quoted(card.href)}/><updated>{entry.updated.isoformat()}</updated>"
        f"{authors or '<author><name>unknown</name></author>'}{categories}"
        f"<summary>{_text(_told(card))}</summary></entry>"
    )


def _json_entry(entry: Entry) -> dict[str, Any]:
    return {
        "id": f"urn:digest:{entry.paper.id}",
        "url": entry.card.href,
        "title": entry.card.title,
        "content_text": _told(entry.card),
        "date_published": entry.updated.isoformat(),
        "authors": [{"name": name} for name in entry.paper.authors[:20]],
        "tags": list(entry.paper.categories),
    }


def _told(card: Card) -> str:
    return "\n".join(part for part in (card.gist, card.why and f"Why: {card.why}") if part)


def _text(text: str) -> str:
    return escape(_printable(text))


def _quoted(text: str) -> str:
    return quoteattr(_printable(text))


def _printable(text: str) -> str:
    """XML 1.0 cannot hold control characters at all, not even escaped."""
    return UNPRINTABLE.sub("", text)
