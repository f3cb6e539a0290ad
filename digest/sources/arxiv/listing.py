"""arXiv's listing page of new papers: a second opinion about a feed, with a day and a count."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from digest.models import Announcement, FetchResult, Health, Paper
from digest.models.errors import SourceChanged, SourceError
from digest.models.paper_ids import parse_arxiv_id
from digest.models.paper_merge import is_withdrawn
from digest.sources.http.client import Client
from digest.sources.http.response import Accept, BadResponse
from digest.sources.text.normalize import normalize_names, normalize_text, normalize_title

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

PAGE_SIZE = 2000  # the page accepts only certain numbers; this is the largest
_DAY = re.compile(r"(\d{1,2}) ([A-Z][a-z]{2})[a-z]* (\d{4})")
_COUNT = re.compile(r"\(showing (?:first )?(\d+) of (\d+) entries\)")
_SECTIONS = {
    "new": Announcement.NEW,
    "cross": Announcement.CROSS,
    "replacement": Announcement.REPLACE,
}


@dataclass(frozen=True, slots=True)
class Listing:
    """A listing page: its day, its papers, and how many papers it counts."""

    result: FetchResult
    day: date | None
    total: int

    @property
    def is_complete(self) -> bool:
        """Whether the page shows every paper it counts."""
        return len(self.result.papers) >= self.total


async def fetch_listing(client: Client, base_url: str, category: str, read_at: datetime) -> Listing:
    """Return the newest listing of *category*.

    Raises:
        SourceError: the page could not be fetched, or is another one.
    """
    url = f"{base_url}/list/{category}/new"
    try:
        response = await client.get(url, rate_group="arxiv", accept=Accept.HTML, params={"show": PAGE_SIZE})
    except BadResponse as error:
        raise SourceError(f"arXiv says: {_headline(error.response.body) or error}") from error
    return parse(response.body, category, read_at)


def parse(body: bytes, scope: str, read_at: datetime) -> Listing:
    """Return the papers of a listing page.

    Raises:
        SourceChanged: the body is another kind of page.
    """
    page = _parse_html(body)
    sections = page.find_all("dl", id="articles")
    if not sections:
        raise SourceChanged(f"arXiv shows another page: {_headline(body) or 'no list of articles on it'}")
    day = _parse_day(page)
    papers = tuple(paper for section in sections for paper in _parse_papers(section, day))
    total = sum(map(_parse_total, sections))
    result = FetchResult(
        source="arxiv-listing",
        scope=scope,
        read_at=read_at,
        papers=papers,
        body=body,
        health=Health.TRUNCATED if len(papers) < total else Health.OK if papers else Health.EMPTY,
        note=f"The page shows {len(papers)} of {total} papers." if len(papers) < total else "",
    )
    return Listing(result, day, total)


def _parse_html(body: bytes) -> "BeautifulSoup":
    from bs4 import BeautifulSoup  # noqa: PLC0415  8 MiB, which most runs do not need

    return BeautifulSoup(body, "lxml")


def _headline(body: bytes) -> str:
    headline = _parse_html(body).find("h1")
    return normalize_text(headline.get_text(" ")) if headline else ""


def _parse_total(section: "Tag") -> int:
    """Return the number of papers that the headings of a section promise."""
    counts = (_COUNT.search(heading.get_text(" ")) for heading in section.find_all("h3"))
    return sum(int(count[2]) for count in counts if count)


def _parse_day(page: "BeautifulSoup") -> date | None:
    for heading in page.find_all(["h3", "h1", "h2"]):
        if match := _DAY.search(heading.get_text(" ")):
            with contextlib.suppress(ValueError):  # such as 31 February
                return datetime.strptime(" ".join(match.groups()), "%d %b %Y").date()  # noqa: DTZ007  no zone
    return None


def _parse_papers(section: "Tag", day: date | None) -> Iterator[Paper]:
    """Yield the papers; ids come from the entry's own line only, as abstracts mention other papers."""
    from bs4 import Tag  # noqa: PLC0415  as above

    announcement = Announcement.NEW
    for part in section.find_all(["h3", "dt"]):
        if part.name == "h3":
            heading = part.get_text().strip().partition(" ")[0].lower()
            announcement = _SECTIONS.get(heading, announcement)
            continue
        link, meta = part.find("a", title="Abstract"), part.find_next_sibling("dd")
        identifier = parse_arxiv_id(str(link.get("id", ""))) if isinstance(link, Tag) else None
        if identifier and isinstance(meta, Tag):
            is_cross_replacement = announcement is Announcement.REPLACE and "cross-list" in part.get_text(" ")
            kind = Announcement.REPLACE_CROSS if is_cross_replacement else announcement
            paper = _parse_paper(identifier, meta, kind, day)
            if paper.title:  # without one the page is broken there: it counts as missing, and is read again
                yield paper


def _parse_paper(identifier: str, meta: "Tag", announcement: Announcement, day: date | None) -> Paper:
    title = normalize_title(_select_text(meta, ".list-title"))
    abstract = normalize_text(_select_text(meta, "p.mathjax"))
    is_new = announcement is Announcement.NEW
    return Paper(
        id=f"arxiv:{identifier}",
        title=title,
        abstract=abstract,
        url=f"https://arxiv.org/abs/{identifier}",
        pdf_url=f"https://arxiv.org/pdf/{identifier}",
        published=datetime(day.year, day.month, day.day, tzinfo=UTC) if day and is_new else None,
        authors=normalize_names(author.get_text() for author in meta.select(".list-authors a")),
        categories=_parse_categories(_select_text(meta, ".list-subjects")),
        announcement=announcement,
        source="arxiv-listing",
        withdrawn=is_withdrawn(title, abstract, _select_text(meta, ".list-comments")),
    )


def _select_text(meta: "Tag", selector: str) -> str:
    """Return the text of the selected element, without the label in front."""
    element = meta.select_one(selector)
    if element is None:
        return ""
    return "".join(
        str(text) for text in element.find_all(string=True) if text.find_parent(class_="descriptor") is None
    )


def _parse_categories(subjects: str) -> tuple[str, ...]:
    """Return the codes in `Computation and Language (cs.CL); Machine Learning (cs.LG)`, primary first."""
    return tuple(dict.fromkeys(re.findall(r"\(([a-z-]+(?:\.[A-Za-z-]+)?)\)", subjects)))
