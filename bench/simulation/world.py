"""What do the services answer? The sample's server, with recorded votes, a blog beside it, and bad days."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lxml import etree

from bench.simulation.month import Listing, Month
from digest.tools.demo.http_server import HttpReply, Upstream
from digest.tools.demo.services.xml_elements import leaf, printed

MOST_PER_PAGE = 100
BLOGGED = 3  # papers a listing day that a blog writes about, under its own titles
ARXIV = ("/rss/", "/oai", "/list/", "/api/query")
VOTES = ("/api/daily_papers",)


@dataclass(frozen=True, slots=True)
class Outage:
    """A service that answers 503 on some days."""

    name: str
    days: frozenset[date]
    paths: tuple[str, ...]

    def strikes(self, path: str, now: datetime) -> bool:
        """Whether this question goes unanswered."""
        return now.date() in self.days and path.startswith(self.paths)


class World(Upstream):
    """Everything outside the house, as of `now`."""

    def __init__(self, month: Month, now: datetime, outages: Iterable[Outage] = ()) -> None:
        super().__init__(now, held=month.held)
        self._month = month
        self._outages = tuple(outages)

    def reply(self, target: str) -> HttpReply:
        """The answer, unless the service is down; votes and blog from the recording where there is one."""
        parts = urlsplit(target)
        if any(outage.strikes(parts.path, self.now) for outage in self._outages):
            return HttpReply(b"Service Unavailable", status=HTTPStatus.SERVICE_UNAVAILABLE)
        if parts.path == "/blog.xml":
            return HttpReply(blog(self._month, self.now), "application/rss+xml")
        if parts.path in VOTES and self._month.listings:
            entries = daily_papers(self._month, dict(parse_qsl(parts.query)), self.now)
            return HttpReply(json.dumps(entries).encode(), "application/json; charset=utf-8")
        return super().reply(target)


def daily_papers(month: Month, asked: Mapping[str, str], now: datetime) -> list[dict[str, Any]]:
    """A listing day as the last recorded reading before this moment showed it."""
    size = min(int(asked.get("limit", "50")), MOST_PER_PAGE)
    start = int(asked.get("p", "0")) * size
    shown = [(each, each.at(now)) for each in month.listings.get(date.fromisoformat(asked["date"]), ())]
    entries = [_entry(each, reading) for each, reading in shown if reading]
    return entries[start : start + size]


def _entry(listing: Listing, reading: Mapping[str, Any]) -> dict[str, Any]:
    told = listing.told
    paper = {
        "id": told["id"],
        "authors": [{"name": name, "hidden": False} for name in told["authors"]],
        "publishedAt": f"{told['published']}T00:00:00.000Z",
        "submittedOnDailyAt": f"{listing.listed}T00:00:00.000Z",
        "title": told["title"],
        "summary": told["abstract"],
        "upvotes": reading["upvotes"] or 0,
        "ai_keywords": told["keywords"] or [],
    }
    extras = {
        "githubRepo": told["github"],
        "projectPage": told["project_page"],
        "githubStars": reading["github_stars"],
        "organization": {"fullname": told["organization"]} if told["organization"] else None,
    }
    comments = {} if reading["comments"] is None else {"numComments": 2 + reading["comments"]}
    return {"paper": paper | {name: value for name, value in extras.items() if value}, **comments}


def blog(month: Month, now: datetime) -> bytes:
    """A blog that writes, a day late, about what was voted for most: another title, a versioned PDF link."""
    rss = etree.Element("rss", version="2.0")
    channel = etree.SubElement(rss, "channel")
    leaf(channel, "title", "Papers we liked")
    for day, listings in month.listings.items():
        if 0 < (now.date() - day).days <= 7:
            for each in sorted(listings, key=_votes_at_first)[-BLOGGED:]:
                item = etree.SubElement(channel, "item")
                leaf(item, "title", f"[R] {each.told['title']}")
                leaf(item, "link", f"https://arxiv.org/pdf/{each.told['id']}v2")
                leaf(item, "description", each.told["abstract"])
    return printed(rss)


def _votes_at_first(listing: Listing) -> float:
    return float(listing.readings[0][1]["upvotes"] or 0)
