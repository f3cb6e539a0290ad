"""arXiv's listing page of new papers: a second opinion about a feed, by its day and its count."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime

from lxml import etree

from digest.models.errors import SourceChanged, SourceError
from digest.sources.http.client import Client
from digest.sources.http.response import Accept, BadResponse
from digest.sources.text.encoding import decode_text
from digest.sources.text.normalize import normalize_text

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
    sections = page.findall(".//dl[@id='articles']")
    if not sections:
        raise SourceChanged(f"arXiv shows another page: {_headline(page) or 'no list of articles on it'}")
    # The headings of the sections promise so many papers.
    counts = (_COUNT.search(_get_text(heading)) for section in sections for heading in section.iter("h3"))
    return Listing(_find_day(page), sum(int(count[2]) for count in counts if count))


def _parse_html(body: bytes) -> etree._Element:
    text, _ = decode_text(body)
    page: etree._Element | None = None
    with suppress(etree.XMLSyntaxError):  # the body is empty
        page = etree.fromstring(text.encode("utf-8", "replace"), etree.HTMLParser(encoding="utf-8"))
    return etree.Element("html") if page is None else page


def _headline(page: etree._Element) -> str:
    return normalize_text(_get_text(page.find(".//h1")))


def _find_day(page: etree._Element) -> date | None:
    for heading in page.iter("h3", "h1", "h2"):
        if match := _DAY.search(_get_text(heading)):
            with suppress(ValueError):  # such as 31 February
                return datetime.strptime(" ".join(match.groups()), "%d %b %Y").date()  # noqa: DTZ007  no zone
    return None


def _get_text(element: etree._Element | None) -> str:
    return "" if element is None else " ".join(map(str, element.itertext()))
