"""Simulated upstream services: the demo's server, with recorded votes, a blog, and outages."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lxml import etree

from bench.simulation.month import Listing, Month
from digest.tools.demo.http_server import HttpReply, UpstreamServer

MAX_PER_PAGE = 100
BLOG_PAPERS = 3  # papers a listing day that a blog writes about, under its own titles
ARXIV = ("/rss/", "/oai", "/list/", "/api/query")
VOTES = ("/api/daily_papers",)


@dataclass(frozen=True, slots=True)
class Outage:
    """A service that answers 503 on some days."""

    name: str
    days: frozenset[date]
    paths: tuple[str, ...]

    def affects(self, path: str, now: datetime) -> bool:
        """Return True if this request fails."""
        return now.date() in self.days and path.startswith(self.paths)


class SimulatedUpstreams(UpstreamServer):
    """All upstream services, as of `now`."""

    def __init__(self, month: Month, now: datetime, outages: Iterable[Outage] = ()) -> None:
        super().__init__(now, dataset=month.dataset)
        self._month = month
        self._outages = tuple(outages)

    def reply(self, target: str) -> HttpReply:
        """Answer a request, 503 during an outage; votes come from the recording if there is one."""
        parts = urlsplit(target)
        if any(outage.affects(parts.path, self.now) for outage in self._outages):
            return HttpReply(b"Service Unavailable", status=HTTPStatus.SERVICE_UNAVAILABLE)
        if parts.path == "/blog.xml":
            return HttpReply(build_blog_feed(self._month, self.now), "application/rss+xml")
        if parts.path in VOTES and self._month.listings:
            entries = list_daily_papers(self._month, dict(parse_qsl(parts.query)), self.now)
            return HttpReply(json.dumps(entries).encode(), "application/json; charset=utf-8")
        return super().reply(target)


def list_daily_papers(month: Month, query: Mapping[str, str], now: datetime) -> list[dict[str, Any]]:
    """Return a listing day as the last recorded reading before this moment showed it."""
    size = min(int(query.get("limit", "50")), MAX_PER_PAGE)
    start = int(query.get("p", "0")) * size
    shown = [
        (listing, listing.at(now)) for listing in month.listings.get(date.fromisoformat(query["date"]), ())
    ]
    entries = [_build_entry(listing, reading) for listing, reading in shown if reading]
    return entries[start : start + size]


def _build_entry(listing: Listing, reading: Mapping[str, Any]) -> dict[str, Any]:
    fields = listing.fields
    paper = {
        "id": fields["id"],
        "authors": [{"name": name, "hidden": False} for name in fields["authors"]],
        "publishedAt": f"{fields['published']}T00:00:00.000Z",
        "submittedOnDailyAt": f"{listing.listed}T00:00:00.000Z",
        "title": fields["title"],
        "summary": fields["abstract"],
        "upvotes": reading["upvotes"] or 0,
        "ai_keywords": fields["keywords"] or [],
    }
    extras = {
        "githubRepo": fields["github"],
        "projectPage": fields["project_page"],
        "githubStars": reading["github_stars"],
        "organization": {"fullname": fields["organization"]} if fields["organization"] else None,
    }
    comments = {} if reading["comments"] is None else {"numComments": 2 + reading["comments"]}
    return {"paper": paper | {name: value for name, value in extras.items() if value}, **comments}


def build_blog_feed(month: Month, now: datetime) -> bytes:
    """Return a blog feed that links the most voted papers a day late: other titles, a versioned PDF."""
    rss = etree.Element("rss", version="2.0")
    channel = etree.SubElement(rss, "channel")
    etree.SubElement(channel, "title").text = "Papers we liked"
    for day, listings in month.listings.items():
        if 0 < (now.date() - day).days <= 7:
            for listing in sorted(listings, key=_get_first_votes)[-BLOG_PAPERS:]:
                item = etree.SubElement(channel, "item")
                etree.SubElement(item, "title").text = f"[R] {listing.fields['title']}"
                etree.SubElement(item, "link").text = f"https://arxiv.org/pdf/{listing.fields['id']}v2"
                etree.SubElement(item, "description").text = listing.fields["abstract"]
    return etree.tostring(rss, encoding="UTF-8", xml_declaration=True)


def _get_first_votes(listing: Listing) -> float:
    return float(listing.readings[0][1]["upvotes"] or 0)
