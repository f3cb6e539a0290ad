"""What is new in biology and medicine? The details service of bioRxiv and medRxiv, page by page."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from digest.models import Announcement, FetchResult, Health, Paper
from digest.models.errors import SourceChanged, SourceError
from digest.models.paper_ids import canonical
from digest.models.paper_merge import is_withdrawn
from digest.sources.base import FetchContext, failed
from digest.sources.http.response import Wants
from digest.sources.text import normalize

FIRST_DAYS = timedelta(days=2)
FARTHEST = timedelta(days=7)  # what was posted before is no candidate any more
MOST_PAGES = 100  # of thirty papers each, at most a hundred
_WHERE = {"biorxiv": "https://www.biorxiv.org", "medrxiv": "https://www.medrxiv.org"}


@dataclass(frozen=True, slots=True)
class Biorxiv:
    """Preprints of one of the two servers, since the last good reading and a day more."""

    base: str
    name: str = "biorxiv"

    async def read(self, visit: FetchContext) -> AsyncIterator[FetchResult]:
        """One reading of all pages; the size of a page is theirs to choose."""
        span = self._span(visit)
        papers: dict[str, Paper] = {}
        seen, total, note = 0, 1, ""
        for page in range(MOST_PAGES):
            if seen >= total:
                break
            visit.tell(self.name, page, -(-total // 30))
            try:
                reading, count, total = await self._page(visit, span, seen)
            except SourceError as error:
                if not papers:
                    raise
                note = f"The reading broke off: {failed(self.name, '', visit.now, error).note}"
                break
            papers |= {paper.id: _newer(papers.get(paper.id), paper) for paper in reading.papers}
            seen += count
            if not count:
                break
        else:
            note = f"There is more than {MOST_PAGES} pages hold." if seen < total else ""
        yield self._reading(visit, tuple(papers.values()), note)

    def _span(self, visit: FetchContext) -> str:
        """The days to ask for: since the last good reading and a day more, within reason."""
        last = visit.recall(self.name).read_at or visit.now - FIRST_DAYS
        return f"{(max(last, visit.now - FARTHEST) - timedelta(days=1)).date()}/{visit.now.date()}"

    def _reading(self, visit: FetchContext, papers: tuple[Paper, ...], note: str) -> FetchResult:
        health = Health.TRUNCATED if note else Health.OK if papers else Health.EMPTY
        return FetchResult(
            source=self.name, scope=self.name, read_at=visit.now, papers=papers, health=health, note=note
        )

    async def _page(self, visit: FetchContext, span: str, cursor: int) -> tuple[FetchResult, int, int]:
        answer = await visit.client.get(
            f"{self.base}/details/{self.name}/{span}/{cursor}/json", family="biorxiv", wants=Wants.JSON
        )
        reading = parse(answer.body, self.name, visit.now)
        return reading, *counts_in(answer.body)


def parse(body: bytes, scope: str, read_at: datetime) -> FetchResult:
    """The papers of one page, each in its highest version."""
    rows = _document(body).get("collection", [])
    if not isinstance(rows, list):
        raise SourceChanged("the answer has no list of papers")
    papers: dict[str, Paper] = {}
    skipped = 0
    for row in rows:
        try:
            paper = _paper(row, scope)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            skipped += 1
        else:
            papers[paper.id] = _newer(papers.get(paper.id), paper)
    if skipped and not papers:
        raise SourceChanged(f"none of its {skipped} papers has the fields we know")
    return FetchResult(
        source=scope,
        scope=scope,
        read_at=read_at,
        papers=tuple(papers.values()),
        health=Health.OK if papers else Health.EMPTY,
        note=f"{skipped} of {len(rows)} papers could not be read." if skipped else "",
        body=body,
    )


def counts_in(body: bytes) -> tuple[int, int]:
    """How many papers this page holds, and how many there are in all (often a little too many)."""
    messages = _document(body).get("messages") or [{}]
    try:
        return int(messages[0].get("count", 0)), int(messages[0].get("total", 0))
    except (TypeError, ValueError, AttributeError, KeyError, OverflowError) as error:
        raise SourceChanged("the answer does not count its papers") from error


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise SourceChanged("the answer is not JSON") from error
    if not isinstance(document, dict):
        raise SourceChanged("the answer is not the object we know")
    return document


def _paper(row: Mapping[str, Any], server: str) -> Paper:
    number = canonical(row["doi"])
    title, abstract = normalize.title(row["title"]), normalize.plain(normalize.untagged(row["abstract"]))
    if not title:
        raise ValueError("a paper without a title")
    version = int(row.get("version", 1))
    url = f"{_WHERE.get(server, _WHERE['biorxiv'])}/content/{number.removeprefix('doi:')}v{version}"
    return Paper(
        id=number,
        title=title,
        abstract=abstract,
        url=url,
        pdf_url=f"{url}.full.pdf",
        published=datetime.fromisoformat(row["date"]).replace(tzinfo=UTC),
        authors=normalize.names(map(_turned, row["authors"].split(";"))),
        categories=tuple(filter(None, [normalize.plain(row.get("category", ""))])),
        version=version,
        aliases=_aliases(row.get("published")),
        announcement=Announcement.NEW if version == 1 else Announcement.REPLACE,
        source=server,
        withdrawn=row.get("type") == "withdrawn" or is_withdrawn(title, abstract),
    )


def _aliases(published: object) -> tuple[str, ...]:
    """The DOI under which a journal published it; NA when none did."""
    try:
        return (canonical(published),) if isinstance(published, str) and published != "NA" else ()
    except ValueError:
        return ()


def _turned(name: str) -> str:
    """`Quinn, A. J.` the other way round."""
    last, _, first = name.partition(",")
    return normalize.name(f"{first} {last}")


def _newer(held: Paper | None, seen: Paper) -> Paper:
    """The higher version; a paper whose first version is in the answer too stays new."""
    if held is None:
        return seen
    first, last = sorted((held, seen), key=lambda paper: paper.version)
    return replace(last, announcement=first.announcement, published=first.published)
