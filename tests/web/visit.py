"""What visits to the pages need: the houses' tokens, a clock that moves, and a form filled in by a person."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from httpx import AsyncClient, Response

from digest.models import Delivery, Subscriber
from digest.web.form_tokens import READING
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
    """The time on the wall of the tests; it moves when a test says so."""

    now: datetime = field(default=NOW)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        """Let time pass."""
        self.now += timedelta(**by)


def path_of(url: str) -> str:
    """The path of one of our own links."""
    return urlsplit(url).path


Look = Callable[[str], Subscriber | None]
Mails = Callable[[str], list[Delivery]]


async def ticket(visitor: AsyncClient) -> str:
    """The ticket of a form just opened."""
    return ticket_in((await visitor.get("/")).text)


def ticket_in(page: str) -> str:
    """The ticket that a page's form carries."""
    found = re.search(r'name="ticket" value="([^"]+)"', page)
    assert found
    return found[1]


async def sign_up(visitor: AsyncClient, clock: Clock, address: str, **more: str) -> Response:
    """Open the form, take the time to read it, send it."""
    typed = {"email": address, "ticket": await ticket(visitor), **more}
    clock.advance(seconds=READING)
    return await visitor.post("/subscribe", data=typed)
