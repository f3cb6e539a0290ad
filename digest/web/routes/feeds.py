"""Public Atom (RFC 4287) and JSON Feed 1.1 feeds, the sitemap and robots.txt."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from digest.mail.cards import Card
from digest.mail.locale import get_locale
from digest.mail.tokens import Purpose
from digest.models import Paper, Subscriber
from digest.models.errors import InvalidToken
from digest.web.api.routing import revalidate
from digest.web.components import build_public_card
from digest.web.context import WebContext, WebContextDep, feed_revision, open_link
from digest.web.routing import create_router
from digest.web.trending_lists import TODAY, RankedPaper

MAX_ENTRIES = 30  # of one feed
SITEMAP_DAYS = 60  # of the archive
ATOM_TYPE, JSON_FEED_TYPE = "application/atom+xml; charset=utf-8", "application/feed+json; charset=utf-8"
UNPRINTABLE = re.compile("[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
CACHE_HEADERS = {"cache-control": "public, max-age=600"}

router = create_router(include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A paper in a feed."""

    paper: Paper
    card: Card
    updated: datetime

    @property
    def summary(self) -> str:
        """What the paper is about, and why it is in the feed."""
        return "\n".join(part for part in (self.card.gist, self.card.why and f"Why: {self.card.why}") if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A list of papers with its own URL."""

    title: str
    home: str
    url: str
    updated: datetime
    entries: Sequence[Entry]


@router.get("/feed.atom")
@router.get("/feed.json")
def get_feed(request: Request, ctx: WebContextDep, category: str = "") -> Response:
    """Return today's trending papers as Atom or JSON Feed; only those of *category* if it is given."""
    return respond_with_feed(ctx, request, partial(_build_public_feed, ctx, category), CACHE_HEADERS)


@router.get("/sitemap.xml")
def get_sitemap(ctx: WebContextDep) -> Response:
    """Return the sitemap: the front page, the help and the latest days of the archive."""
    base, today = ctx.services.settings.base_url, ctx.clock().date()
    days = (f"/archive/{today - timedelta(days=age)}" for age in range(SITEMAP_DAYS))
    paths = ("/", "/archive", "/help", *days)
    urls = [base + path for path in paths]
    return Response(ctx.pages.fill("sitemap.xml", urls=urls), media_type="application/xml")


@router.get("/robots.txt")
def get_robots(ctx: WebContextDep) -> Response:
    """Return robots.txt, which excludes the search and all links of single readers."""
    rules = "".join(
        f"Disallow: /{segment}/\n" for segment in ("c", "u", "p", "v", "f", "e", "o", "admin", "api")
    )
    link = f"Sitemap: {ctx.services.settings.base_url}/sitemap.xml\n"
    return PlainTextResponse(f"User-agent: *\n{rules}Disallow: /papers\nDisallow: /cite/\n{link}")


def get_feed_reader(ctx: WebContext, token: str) -> Subscriber:
    """Return whose private feed this is, and speak their language. Raises InvalidToken if it was renewed."""
    claim, reader = open_link(ctx, Purpose.FEED, token)
    if claim.extra != feed_revision(reader):
        raise InvalidToken("This feed has a new address; it is shown on the preferences page.")
    return reader


def respond_with_feed(
    ctx: WebContext, request: Request, build: Callable[[str], Feed], headers: Mapping[str, str]
) -> Response:
    """Return the feed of the kind that the path ends in, atom or json; 304 if the client has it."""
    kind = request.url.path.rpartition(".")[2]
    feed = build(kind)
    if kind == "atom":
        # even escaped, XML 1.0 cannot hold control characters
        content = UNPRINTABLE.sub("", ctx.pages.fill("feed.atom", feed=feed))
        response = Response(content, media_type=ATOM_TYPE, headers=headers)
    else:
        response = JSONResponse(_to_json_feed(feed), media_type=JSON_FEED_TYPE, headers=headers)
    # There is no Last-Modified: an old paper may enter a list, and no date of its papers says so.
    return revalidate(request, response)


def _build_public_feed(ctx: WebContext, category: str, kind: str) -> Feed:
    now, settings = ctx.clock(), ctx.services.settings
    ranked = ctx.trending_lists.trending(TODAY, now, category=category[:40])[:MAX_ENTRIES]
    query = f"?{urlencode({'category': category[:40]})}" if category else ""
    return Feed(
        title=f"{settings.brand}: {category[:40]}" if category else settings.brand,
        home=f"{settings.base_url}/",
        url=f"{settings.base_url}/feed.{kind}{query}",
        updated=max((_updated_at(item, now) for item in ranked), default=get_day_start(now)),
        entries=[
            Entry(
                paper=item.paper,
                card=build_public_card(item.paper, item.heat, day=now.date(), locale=get_locale("en")),
                updated=_updated_at(item, now),
            )
            for item in ranked
        ],
    )


def _to_json_feed(feed: Feed) -> dict[str, Any]:
    return {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.home,
        "feed_url": feed.url,
        "items": [
            {
                "id": f"urn:digest:{entry.paper.id}",
                "url": entry.card.href,
                "title": entry.card.title,
                "content_text": entry.summary,
                "date_published": entry.updated.isoformat(),
                "authors": [{"name": name} for name in entry.paper.authors[:20]],
                "tags": list(entry.paper.categories),
            }
            for entry in feed.entries
        ],
    }


def get_day_start(now: datetime) -> datetime:
    """Return when an empty feed was updated: it must not change with each request."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _updated_at(ranked: RankedPaper, now: datetime) -> datetime:
    return ranked.paper.first_seen or ranked.paper.published or now
