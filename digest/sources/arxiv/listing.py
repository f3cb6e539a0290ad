"""What does arXiv's own page say? The listing of new papers: a second opinion with a day and a count."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from bs4 import BeautifulSoup, Tag

from digest.models import Announcement, FetchResult, Health, Paper
from digest.models.errors import SourceChanged, SourceError
from digest.models.paper_ids import arxiv_id
from digest.models.paper_merge import is_withdrawn
from digest.sources.http.client import Client
from digest.sources.http.response import BadResponse, Wants
from digest.sources.text import normalize

SHOW = 2000  # the page takes only certain numbers; this is the largest
_DAY = re.compile(r"(\d{1,2}) ([A-Z][a-z]{2})[a-z]* (\d{4})")
_COUNT = re.compile(r"\(showing (?:first )?(\d+) of (\d+) entries\)")
_SECTIONS = {
    "new": Announcement.NEW,
    "cross": Announcement.CROSS,
    "replacement": Announcement.REPLACE,
}


@dataclass(frozen=True, slots=True)
class Listing:
    """One page: the day it is of, its papers, and how many there should be."""

    reading: FetchResult
    day: date | None
    total: int

    @property
    def is_complete(self) -> bool:
        """Whether every paper the page counts is on it."""
        return len(self.reading.papers) >= self.total


async def ask(client: Client, base: str, category: str, read_at: datetime) -> Listing:
    """The newest listing of a category."""
    url = f"{base}/list/{category}/new"
    try:
        answer = await client.get(url, family="arxiv", wants=Wants.HTML, params={"show": SHOW})
    except BadResponse as error:
        raise SourceError(f"arXiv says: {refusal_in(error.answer.body) or error}") from error
    return parse(answer.body, category, read_at)


def parse(body: bytes, scope: str, read_at: datetime) -> Listing:
    """The papers of a listing page; SourceChanged when it is another kind of page."""
    page = BeautifulSoup(body, "lxml")
    articles = page.find_all("dl", id="articles")  # one for each section
    if not articles:
        raise SourceChanged(f"arXiv shows another page: {refusal_in(body) or 'no list of articles on it'}")
    day = _day(page)
    papers = tuple(paper for section in articles for paper in _papers(section, day))
    total = sum(map(_total, articles))
    reading = FetchResult(
        source="arxiv-listing",
        scope=scope,
        read_at=read_at,
        papers=papers,
        body=body,
        health=Health.TRUNCATED if len(papers) < total else Health.OK if papers else Health.EMPTY,
        note=f"The page shows {len(papers)} of {total} papers." if len(papers) < total else "",
    )
    return Listing(reading, day, total)


def refusal_in(body: bytes) -> str:
    """The headline of an error page."""
    headline = BeautifulSoup(body, "lxml").find("h1")
    return normalize.plain(headline.get_text(" ")) if headline else ""


def _total(articles: Tag) -> int:
    """How many papers the headings of all sections promise."""
    counts = (_COUNT.search(heading.get_text(" ")) for heading in articles.find_all("h3"))
    return sum(int(count[2]) for count in counts if count)


def _day(page: BeautifulSoup) -> date | None:
    for heading in page.find_all(["h3", "h1", "h2"]):
        if found := _DAY.search(heading.get_text(" ")):
            with contextlib.suppress(ValueError):  # there is no 31 February
                return datetime.strptime(" ".join(found.groups()), "%d %b %Y").date()  # noqa: DTZ007  no zone
    return None


def _papers(articles: Tag, day: date | None) -> Iterator[Paper]:
    """Ids come from the entry's own line only: abstracts mention other papers."""
    section = Announcement.NEW
    for part in articles.find_all(["h3", "dt"]):
        if part.name == "h3":
            section = _SECTIONS.get(part.get_text().strip().partition(" ")[0].lower(), section)
            continue
        link, meta = part.find("a", title="Abstract"), part.find_next_sibling("dd")
        number = arxiv_id(str(link.get("id", ""))) if isinstance(link, Tag) else None
        if number and isinstance(meta, Tag):
            paper = _paper(number, meta, _kind(section, part.get_text(" ")), day)
            if paper.title:  # without one the page is broken there: it counts as missing, and is read again
                yield paper


def _kind(section: Announcement, line: str) -> Announcement:
    if section is Announcement.REPLACE and "cross-list" in line:
        return Announcement.REPLACE_CROSS
    return section


def _paper(number: str, meta: Tag, kind: Announcement, day: date | None) -> Paper:
    title = normalize.title(_text(meta, ".list-title"))
    abstract = normalize.plain(_text(meta, "p.mathjax"))
    authors = meta.select(".list-authors a")
    return Paper(
        id=f"arxiv:{number}",
        title=title,
        abstract=abstract,
        url=f"https://arxiv.org/abs/{number}",
        pdf_url=f"https://arxiv.org/pdf/{number}",
        published=_midnight(day) if kind is Announcement.NEW else None,
        authors=normalize.names(author.get_text() for author in authors),
        categories=_categories(_text(meta, ".list-subjects")),
        announcement=kind,
        source="arxiv-listing",
        withdrawn=is_withdrawn(title, abstract, _text(meta, ".list-comments")),
    )


def _midnight(day: date | None) -> datetime | None:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None


def _text(meta: Tag, selector: str) -> str:
    """What stands there, without the label in front."""
    found = meta.select_one(selector)
    if found is None:
        return ""
    return "".join(
        str(piece) for piece in found.find_all(string=True) if piece.find_parent(class_="descriptor") is None
    )


def _categories(subjects: str) -> tuple[str, ...]:
    """`Computation and Language (cs.CL); Machine Learning (cs.LG)`: the first is the primary one."""
    return tuple(dict.fromkeys(re.findall(r"\(([a-z-]+(?:\.[A-Za-z-]+)?)\)", subjects)))
