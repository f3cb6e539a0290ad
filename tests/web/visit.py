"""Helpers of the web tests: tokens, a clock that tests move, and a sign-up as a person does it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from httpx import AsyncClient, Response

from digest.models import Delivery, Subscriber
from digest.web.form_tokens import MIN_READING_SECONDS
from tests.factories import NOW

ADMIN, VIEWER = "the-admin-token-of-the-tests", "the-viewer-token-of-the-tests"
BASE = "http://papers.example.org"
TITLES = ("Counting Sheep in Sublinear Time", "Teapots Considered Harmful", "A Map of All Cats")

SCANNERS = (
    "Mozilla/5.0 (compatible; Google-Safety)",
    "Mozilla/5.0 (Windows NT 10.0; Microsoft Outlook SafeLinks)",
    "Barracuda Sentinel (EE)",
    "Mozilla/5.0 Slackbot-LinkExpanding 1.0",
    "python-requests/2.34",
)


@dataclass
class Clock:
    """A clock that moves when a test says so."""

    now: datetime = field(default=NOW)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **delta: float) -> None:
        """Move the clock by the arguments of `timedelta`."""
        self.now += timedelta(**delta)


def url_path(url: str) -> str:
    """Return the path of a URL."""
    return urlsplit(url).path


ReaderLookup = Callable[[str], Subscriber | None]
MailLookup = Callable[[str], list[Delivery]]


async def fetch_ticket(visitor: AsyncClient) -> str:
    """Open the form and return its ticket."""
    return extract_ticket((await visitor.get("/")).text)


def extract_ticket(page: str) -> str:
    """Return the ticket in the form of a page."""
    match = re.search(r'name="ticket" value="([^"]+)"', page)
    assert match
    return match[1]


def list_scripts(page: str) -> list[str]:
    """Return the sources of all scripts of a page; "" for one written into it."""
    scripts = re.findall(r"<script\b([^>]*)>", page)
    return [(re.search(r'src="([^"]*)"', attributes) or ["", ""])[1] for attributes in scripts]


async def sign_up(visitor: AsyncClient, clock: Clock, address: str, **more: str | list[str]) -> Response:
    """Open the form, wait as long as reading it takes, and submit it."""
    fields = {"email": address, "ticket": await fetch_ticket(visitor), **more}
    clock.advance(seconds=MIN_READING_SECONDS)
    return await visitor.post("/subscribe", data=fields)
