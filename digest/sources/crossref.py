"""Crossref as a source: works whose DOI was registered lately, by journal or by words.

https://www.crossref.org/documentation/retrieve-metadata/rest-api/. Requests with a mail address are served by
the polite pool. Some publishers give abstracts, as JATS.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from digest.models import FetchResult, Paper
from digest.models.errors import SourceError
from digest.models.journals import name_journal
from digest.models.notices import is_notice, is_withdrawn
from digest.models.paper_ids import canonicalize
from digest.sources.base import FetchContext, announce, to_web_link
from digest.sources.config import SourceConfig
from digest.sources.items import UnreadableItem, make_items
from digest.sources.json_body import get_list, get_text, get_value, load_json, require_list
from digest.sources.pages import (
    MAX_PAGES,
    collect_pages,
    cut_page,
    find_period_start,
    split_batches,
    to_result,
)
from digest.sources.text.dates import parse_date
from digest.sources.text.normalize import normalize_names, normalize_text, normalize_title, strip_tags
from digest.sources.text.publisher_notes import strip_heading

PAGE_SIZE = 200
MAX_ISSNS = 40  # in one request, whose address would else be too long
MAX_NEW_AGE = timedelta(days=365)  # an older work whose DOI is new is no news
FIELDS = (
    "DOI,title,subtitle,abstract,author,container-title,ISSN,published,created,type,relation,update-to,URL"
)
_TYPES = ("journal-article", "posted-content", "proceedings-article")
_NOT_PAPERS = frozenset(
    {"correction", "corrigendum", "erratum", "retraction", "withdrawal", "expression_of_concern"}
)
_SAME_WORK = ("has-preprint", "is-preprint-of")
_HEADING = re.compile(r"<jats:title\b[^<>]*>([^<>]{0,200})</jats:title>")


@dataclass(frozen=True, slots=True)
class Crossref:
    """New works of journals, by ISSN, and those that match a query."""

    config: SourceConfig
    name: str = "crossref"

    async def fetch(self, context: FetchContext) -> AsyncIterator[FetchResult]:
        """Yield one result for each forty ISSNs, and one of the query."""
        searches = [
            ("journals" if number == 1 else f"journals {number}", [f"issn:{issn}" for issn in issns], "")
            for number, issns in enumerate(split_batches(self.config.issns, MAX_ISSNS), 1)
        ]
        if self.config.crossref_query:
            searches.append(("query", [f"type:{kind}" for kind in _TYPES], self.config.crossref_query))
        if not searches:
            raise SourceError("has nothing to look for: set DIGEST_JOURNALS or DIGEST_CROSSREF_QUERY")
        for scope, filters, query in searches:
            state = context.get_state(scope)
            since = f"from-created-date:{find_period_start(state, context.now).date()}"
            pages = self._iter_pages(context, scope, ",".join([since, *filters]), query)
            yield await collect_pages(
                pages, source=self.name, scope=scope, read_at=context.now, usual=state.usual
            )

    async def _iter_pages(
        self, context: FetchContext, scope: str, filters: str, query: str
    ) -> AsyncIterator[FetchResult]:
        cursor = "*"
        for number in range(MAX_PAGES):
            context.report_progress(f"Crossref {scope}", number, number + 1)
            params: dict[str, str | int] = {
                "filter": filters, "rows": PAGE_SIZE, "cursor": cursor, "select": FIELDS,
                "query.bibliographic": query, "mailto": self.config.contact,
            }  # fmt: skip
            response = await context.client.get(
                f"{self.config.crossref_url}/works", rate_group="crossref", params=params
            )
            page, cursor = parse(response.body, scope, context.now)
            yield page
            if not cursor:
                return
        yield cut_page(self.name, scope, context.now)


def parse(body: bytes, scope: str, read_at: datetime) -> tuple[FetchResult, str]:
    """Return the works of one page, and the cursor of the next, empty on the last.

    Corrections, retractions, covers and the like are left out.

    Raises:
        SourceChanged: the body has another shape.
    """
    document = load_json(body, items_key="items")
    # The works of a body that was read item by item stand at its top.
    message = get_value(document.value, "message") or document.value
    items = require_list(message, "items", "works")
    works = make_items(items, lambda item: _parse_work(item, read_at)).check("works")
    page = to_result("crossref", scope, read_at, works, "works", note=document.note, papers=works.made)
    return page, get_text(message, "next-cursor") if len(items) >= PAGE_SIZE else ""


def _parse_work(work: Any, read_at: datetime) -> Paper | None:
    if not isinstance(work, dict):
        raise UnreadableItem("work")
    if any(get_text(update, "type") in _NOT_PAPERS for update in get_list(work, "update-to")):
        return None
    titles = map(strip_tags, (*_get_texts(work, "title")[:1], *_get_texts(work, "subtitle")[:1]))
    title = normalize_title(": ".join(filter(None, titles)))
    if not title:
        raise UnreadableItem("work")
    if is_notice(title):  # of publishers that do not say what it updates
        return None
    paper_id = canonicalize(work["DOI"])
    abstract = _read_abstract("".join(_get_texts(work, "abstract")[:1]))
    published = _find_date(work)
    container = normalize_text("".join(_get_texts(work, "container-title")[:1]))
    journal = name_journal(container, _get_texts(work, "ISSN"))
    return Paper(
        id=paper_id,
        title=title,
        abstract=abstract,
        url=to_web_link(work.get("URL")) or f"https://doi.org/{paper_id.removeprefix('doi:')}",
        published=published,
        authors=normalize_names(map(_get_name, get_list(work, "author"))),
        categories=(journal,) if journal else (),
        aliases=tuple(_find_other_versions(work)),
        announcement=announce(published, read_at, max_age=MAX_NEW_AGE),
        source="crossref",
        withdrawn=is_withdrawn(title, abstract),
    )


def _read_abstract(markup: str) -> str:
    """Return an abstract without its own heading, and with those of its sections as `Background: `."""
    return normalize_text(strip_tags(_HEADING.sub(_format_heading, strip_heading(markup))))


def _format_heading(heading: re.Match[str]) -> str:
    name = heading[1].strip(" .:\n")
    return f" {name.capitalize() if name.isupper() else name}: " if name else " "


def _get_texts(work: Mapping[str, Any], name: str) -> Sequence[str]:
    """Return the texts of a field that is a list, or one text."""
    value = work.get(name)
    values = value if isinstance(value, list) else [value]
    return [text for text in values if isinstance(text, str) and text.strip()]


def _get_name(author: Any) -> str:
    parts = filter(None, (get_text(author, name) for name in ("given", "family", "suffix")))
    return strip_tags(" ".join(parts) or get_text(author, "name"))


def _find_other_versions(work: Mapping[str, Any]) -> Iterator[str]:
    """Yield the ids of the preprint of an article, or of the article that a preprint became."""
    for name in _SAME_WORK:
        for other in get_list(work, "relation", name):
            with suppress(ValueError):
                yield canonicalize(get_text(other, "id"))


def _find_date(work: Mapping[str, Any]) -> datetime | None:
    """Return the earlier of publication and registration: an issue may be dated ahead.

    A month or year means its end, so that the registration counts.
    """
    day: Any = next(iter(get_list(work, "published", "date-parts")), [])
    numbers = [part for part in day if isinstance(part, int)] if isinstance(day, list) else []
    padded = (*numbers, *(12, 28)[len(numbers) - 1 :])[:3] if numbers else ()
    published = "-".join(f"{number:02d}" for number in padded)
    dates = map(parse_date, (published, get_text(work, "created", "date-time")))
    return min(filter(None, dates), default=None)
