"""bioRxiv and medRxiv as sources: their details service, page by page."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from digest.models import Announcement, FetchResult, Paper
from digest.models.errors import SourceChanged
from digest.models.notices import is_withdrawn
from digest.models.paper_ids import canonicalize
from digest.sources.base import FetchContext, to_aliases
from digest.sources.config import SourceConfig
from digest.sources.items import UnreadableItem, make_items
from digest.sources.json_body import get_list, load_json
from digest.sources.pages import MAX_PAGES, collect_pages, cut_page, to_result
from digest.sources.text.dates import parse_date
from digest.sources.text.highwire import decode_abstract, decode_characters
from digest.sources.text.normalize import (
    normalize_inverted_name,
    normalize_names,
    normalize_text,
    normalize_title,
    strip_tags,
)

FIRST_PERIOD = timedelta(days=2)
MAX_PERIOD = timedelta(days=7)  # an older post is no candidate any more
EXPECTED_PAGE_SIZE = 30  # papers, for the progress display only: the server chooses
_SITES = {"biorxiv": "https://www.biorxiv.org", "medrxiv": "https://www.medrxiv.org"}


@dataclass(frozen=True, slots=True)
class Biorxiv:
    """Preprints of one of the two servers since the last good fetch, with a day of overlap."""

    config: SourceConfig
    name: str = "biorxiv"

    async def fetch(self, context: FetchContext) -> AsyncIterator[FetchResult]:
        """Yield one result of all pages."""
        pages = self._iter_pages(context)
        yield await collect_pages(pages, source=self.name, scope=self.name, read_at=context.now)

    async def _iter_pages(self, context: FetchContext) -> AsyncIterator[FetchResult]:
        last = context.get_state(self.name).read_at or context.now - FIRST_PERIOD
        start = max(last, context.now - MAX_PERIOD) - timedelta(days=1)
        received, total = 0, 1
        for number in range(MAX_PAGES):
            context.report_progress(self.name, number, -(-total // EXPECTED_PAGE_SIZE))
            period = f"{start.date()}/{context.now.date()}"
            url = f"{self.config.biorxiv_url}/details/{self.name}/{period}/{received}/json"
            response = await context.client.get(url, rate_group="biorxiv")
            page, count, promised = parse(response.body, self.name, context.now)
            yield page
            received += count
            total = promised if promised is not None else received + 1  # then until a page is empty
            if not count or received >= total:
                return
        yield cut_page(self.name, self.name, context.now)


def parse(body: bytes, scope: str, read_at: datetime) -> tuple[FetchResult, int, int | None]:
    """Return one page, how many papers it holds, and how many there are in all: often a little too high.

    None means that the page does not say it.

    Raises:
        SourceChanged: the body has another shape.
    """
    document = load_json(body, items_key="collection")
    if not isinstance(document.value, dict) or not document.value.keys() & {"collection", "messages"}:
        raise SourceChanged("the answer is not the expected object")
    rows = document.value.get("collection") or []
    if not isinstance(rows, list):
        raise SourceChanged("the answer has no list of papers")
    items = make_items(rows, lambda row: _parse_row(row, scope)).check("papers")
    what = f"of {len(rows)} papers"
    page = to_result(scope, scope, read_at, items, what, note=document.note, papers=items.made)
    message: Any = next(iter(get_list(document.value, "messages")), {})
    return page, _parse_count(message, "count") or len(rows), _parse_count(message, "total")


def _parse_count(message: object, name: str) -> int | None:
    try:
        return int(message[name]) if isinstance(message, dict) else None
    except (TypeError, ValueError, KeyError, OverflowError):
        return None


def _parse_row(row: object, server: str) -> Paper:
    """Parse a paper; without its DOI or title it is unreadable, and any other field may be missing."""
    if not isinstance(row, dict):
        raise UnreadableItem(server)
    doi = _get_text(row, "doi")
    title = normalize_title(strip_tags(decode_characters(_get_text(row, "title"))))
    if not doi or not title:
        raise UnreadableItem(doi)
    paper_id = canonicalize(doi)
    abstract = normalize_text(strip_tags(decode_abstract(_get_text(row, "abstract"))))
    version = _parse_count(row, "version") or 1
    url = f"{_SITES.get(server, _SITES['biorxiv'])}/content/{paper_id.removeprefix('doi:')}v{version}"
    names = strip_tags(_get_text(row, "authors")).split(";")  # after entities, which end in a semicolon
    return Paper(
        id=paper_id,
        title=title,
        abstract=abstract,
        url=url,
        pdf_url=f"{url}.full.pdf",
        published=parse_date(_get_text(row, "date")),
        authors=normalize_names(map(normalize_inverted_name, names)),
        categories=tuple(filter(None, [normalize_text(_get_text(row, "category"))])),
        version=version,
        aliases=to_aliases(_get_text(row, "published")),
        announcement=Announcement.NEW if version == 1 else Announcement.REPLACE,
        source=server,
        withdrawn=_get_text(row, "type").lower() == "withdrawn" or is_withdrawn(title, abstract),
    )


def _get_text(row: Mapping[str, Any], name: str) -> str:
    """Return a field's text; empty for null, for their NA and for what is no text."""
    value = row.get(name)
    return value if isinstance(value, str) and value != "NA" else ""
