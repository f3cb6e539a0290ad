"""bioRxiv and medRxiv as sources: their details service, page by page."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from digest.models import Announcement, FetchResult, Health, Paper
from digest.models.errors import SourceChanged, SourceError
from digest.models.paper_ids import canonicalize
from digest.models.paper_merge import is_withdrawn
from digest.sources.base import FetchContext, failed_result, to_aliases
from digest.sources.http.response import Accept
from digest.sources.text.normalize import (
    normalize_inverted_name,
    normalize_names,
    normalize_text,
    normalize_title,
    strip_tags,
)

FIRST_PERIOD = timedelta(days=2)
MAX_PERIOD = timedelta(days=7)  # an older post is no candidate any more
MAX_PAGES = 100
EXPECTED_PAGE_SIZE = 30  # papers, for the progress display only: the server chooses
_SITES = {"biorxiv": "https://www.biorxiv.org", "medrxiv": "https://www.medrxiv.org"}


@dataclass(frozen=True, slots=True)
class Biorxiv:
    """Preprints of one of the two servers since the last good fetch, with a day of overlap."""

    base_url: str
    name: str = "biorxiv"

    async def fetch(self, context: FetchContext) -> AsyncIterator[FetchResult]:
        """Yield one result of all pages."""
        period = self._period(context)
        papers: dict[str, Paper] = {}
        received, total, note = 0, 1, ""
        for page in range(MAX_PAGES):
            if received >= total:
                break
            context.report_progress(self.name, page, -(-total // EXPECTED_PAGE_SIZE))
            try:
                result, count, total = await self._fetch_page(context, period, received)
            except SourceError as error:
                if not papers:
                    raise
                note = f"The fetch stopped early: {failed_result(self.name, '', context.now, error).note}"
                break
            papers |= {paper.id: _merge_versions(papers.get(paper.id), paper) for paper in result.papers}
            received += count
            if not count:
                break
        else:
            note = (
                f"There are more than {MAX_PAGES} pages; the rest was not read." if received < total else ""
            )
        yield FetchResult(
            source=self.name,
            scope=self.name,
            read_at=context.now,
            papers=tuple(papers.values()),
            health=Health.TRUNCATED if note else Health.OK if papers else Health.EMPTY,
            note=note,
        )

    def _period(self, context: FetchContext) -> str:
        last = context.get_state(self.name).read_at or context.now - FIRST_PERIOD
        start = max(last, context.now - MAX_PERIOD) - timedelta(days=1)
        return f"{start.date()}/{context.now.date()}"

    async def _fetch_page(
        self, context: FetchContext, period: str, cursor: int
    ) -> tuple[FetchResult, int, int]:
        url = f"{self.base_url}/details/{self.name}/{period}/{cursor}/json"
        response = await context.client.get(url, rate_group="biorxiv", accept=Accept.JSON)
        return parse(response.body, self.name, context.now), *parse_counts(response.body)


def parse(body: bytes, scope: str, read_at: datetime) -> FetchResult:
    """Return the papers of one page, each in its highest version.

    Raises:
        SourceChanged: the body has another shape.
    """
    rows = _load_object(body).get("collection", [])
    if not isinstance(rows, list):
        raise SourceChanged("the answer has no list of papers")
    papers: dict[str, Paper] = {}
    skipped = 0
    for row in rows:
        try:
            paper = _parse_row(row, scope)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            skipped += 1
        else:
            papers[paper.id] = _merge_versions(papers.get(paper.id), paper)
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


def parse_counts(body: bytes) -> tuple[int, int]:
    """Return how many papers this page holds, and how many there are in all (often a little too high).

    Raises:
        SourceChanged: the body has no such counts.
    """
    messages = _load_object(body).get("messages") or [{}]
    try:
        return int(messages[0].get("count", 0)), int(messages[0].get("total", 0))
    except (TypeError, ValueError, AttributeError, KeyError, OverflowError) as error:
        raise SourceChanged("the answer does not count its papers") from error


def _load_object(body: bytes) -> Mapping[str, Any]:
    try:
        loaded = json.loads(body)
    except ValueError as error:
        raise SourceChanged("the answer is not JSON") from error
    if not isinstance(loaded, dict):
        raise SourceChanged("the answer is not the object we know")
    return loaded


def _parse_row(row: Mapping[str, Any], server: str) -> Paper:
    paper_id = canonicalize(row["doi"])
    title, abstract = normalize_title(row["title"]), normalize_text(strip_tags(row["abstract"]))
    if not title:
        raise ValueError("a paper without a title")
    version = int(row.get("version", 1))
    url = f"{_SITES.get(server, _SITES['biorxiv'])}/content/{paper_id.removeprefix('doi:')}v{version}"
    journal_doi = row.get("published")
    has_journal_doi = isinstance(journal_doi, str) and journal_doi != "NA"
    return Paper(
        id=paper_id,
        title=title,
        abstract=abstract,
        url=url,
        pdf_url=f"{url}.full.pdf",
        published=datetime.fromisoformat(row["date"]).replace(tzinfo=UTC),
        authors=normalize_names(map(normalize_inverted_name, row["authors"].split(";"))),
        categories=tuple(filter(None, [normalize_text(row.get("category", ""))])),
        version=version,
        aliases=to_aliases(str(journal_doi)) if has_journal_doi else (),
        announcement=Announcement.NEW if version == 1 else Announcement.REPLACE,
        source=server,
        withdrawn=row.get("type") == "withdrawn" or is_withdrawn(title, abstract),
    )


def _merge_versions(existing: Paper | None, paper: Paper) -> Paper:
    """Return the higher version; a paper whose first version is in the response too stays new."""
    if existing is None:
        return paper
    first, last = sorted((existing, paper), key=lambda version: version.version)
    return replace(last, announcement=first.announcement, published=first.published)
