"""arXiv's listing page of new papers: a second opinion about a feed, by its day and its count."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from digest.models.errors import SourceChanged, SourceError
from digest.sources.http.client import Client
from digest.sources.http.response import Accept, BadResponse
from digest.sources.text.normalize import normalize_text

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

PAGE_SIZE = 2000  # the page accepts only certain numbers; this is the largest
_DAY = re.compile(r"(\d{1,2}) ([A-Z][a-z]{2})[a-z]* (\d{4})")
_COUNT = re.compile(r"\(showing (?:first )?(\d+) of (\d+) entries\)")


@dataclass(frozen=True, slots=True)
class Listing:
    """A listing page: its day, and how many papers it counts."""

    day: date | None
    total: int


async def fetch_listing(client: Client, base_url: str, category: str) -> Listing:
    """Return the newest listing of *category*.

    Raises:
        SourceError: the page could not be fetched, or is another one.
    """
    url = f"{base_url}/list/{category}/new"
    try:
        response = await client.get(url, rate_group="arxiv", accept=Accept.HTML, params={"show": PAGE_SIZE})
    except BadResponse as error:
        raise SourceError(f"arXiv says: {_headline(_parse_html(error.response.body)) or error}") from error
    return parse(response.body)


def parse(body: bytes) -> Listing:
    """Return what a listing page says.

    Raises:
        SourceChanged: the body is another kind of page.
    """
    page = _parse_html(body)
    sections = page.find_all("dl", id="articles")
    if not sections:
        raise SourceChanged(f"arXiv shows another page: {_headline(page) or 'no list of articles on it'}")
    # The headings of the sections promise so many papers.
    headings = (heading for section in sections for heading in section.find_all("h3"))
    counts = (_COUNT.search(heading.get_text(" ")) for heading in headings)
    return Listing(_find_day(page), sum(int(count[2]) for count in counts if count))


def _parse_html(body: bytes) -> "BeautifulSoup":
    from bs4 import BeautifulSoup  # noqa: PLC0415  8 MiB, which most runs do not need

    return BeautifulSoup(body, "lxml")


def _headline(page: "BeautifulSoup") -> str:
    headline = page.find("h1")
    return normalize_text(headline.get_text(" ")) if headline else ""


def _find_day(page: "BeautifulSoup") -> date | None:
    for heading in page.find_all(["h3", "h1", "h2"]):
        if match := _DAY.search(heading.get_text(" ")):
            with suppress(ValueError):  # such as 31 February
                return datetime.strptime(" ".join(match.groups()), "%d %b %Y").date()  # noqa: DTZ007  no zone
    return None
