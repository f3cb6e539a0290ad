"""OpenReview as a source: public submissions to venues, and what was decided on them, by its API v2.

https://docs.openreview.net/reference/api-v2. The notes of a venue are read by the time of their last change,
newest first, until they are as old as the last reading. Few requests are granted in half an hour, so pages
are large.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from digest.models import FetchResult, Paper
from digest.models.errors import SourceError
from digest.models.paper_ids import canonicalize, find_ids
from digest.sources.base import FetchContext, announce
from digest.sources.config import SourceConfig
from digest.sources.items import UnreadableItem, make_items
from digest.sources.json_body import get_text, load_json, require_list
from digest.sources.pages import MAX_PAGES, collect_pages, cut_page, find_period_start, to_result
from digest.sources.text.normalize import normalize_names, normalize_text, normalize_title

PAGE_SIZE = 1000  # the largest they allow
WEBSITE = "https://openreview.net"
MAX_NEW_AGE = timedelta(days=60)  # an older submission that was only changed is no news
_WITHDRAWN = re.compile(r"/(?:Desk_Rejected|Withdrawn)_Submission$")
_PENDING = re.compile(r"\bsubmi(?:tted|ssion)\b|\breview\b|\brejected\b|\bwithdrawn\b", re.IGNORECASE)
_YEAR = re.compile(r"\d{4}")


@dataclass(frozen=True, slots=True)
class OpenReview:
    """Submissions and decisions of venues, which are named like ICLR.cc/2026/Conference."""

    config: SourceConfig
    name: str = "openreview"

    async def fetch(self, context: FetchContext) -> AsyncIterator[FetchResult]:
        """Yield one result per venue; one that fails does not affect the others."""
        if not self.config.openreview_venues:
            raise SourceError("has no venue: set DIGEST_OPENREVIEW_VENUES")
        for venue in context.track("OpenReview", self.config.openreview_venues):
            state = context.get_state(venue)
            pages = self._iter_pages(context, venue, find_period_start(state, context.now))
            yield await collect_pages(pages, source=self.name, scope=venue, read_at=context.now)

    async def _iter_pages(
        self, context: FetchContext, venue: str, start: datetime
    ) -> AsyncIterator[FetchResult]:
        for number in range(MAX_PAGES):
            response = await context.client.get(
                f"{self.config.openreview_url}/notes",
                rate_group="openreview",
                params={
                    "invitation": f"{venue}/-/Submission", "sort": "tmdate:desc", "limit": PAGE_SIZE,
                    "offset": number * PAGE_SIZE,
                },
            )  # fmt: skip
            page, is_last = parse(response.body, venue, context.now, changed_since=start)
            yield page
            if is_last:
                return
        yield cut_page(self.name, venue, context.now)


def parse(
    body: bytes, scope: str, read_at: datetime, *, changed_since: datetime | None = None
) -> tuple[FetchResult, bool]:
    """Return the submissions of one page, and whether no later page has one that was *changed_since*.

    Withdrawn ones are left out, for a preprint of them may stand.

    Raises:
        SourceChanged: the body has another shape.
    """
    document = load_json(body, items_key="notes")
    notes = require_list(document.value, "notes", "notes")
    items = make_items(notes, lambda note: _parse_note(note, scope, read_at, changed_since))
    items.check("submissions")
    note = document.note
    page = to_result("openreview", scope, read_at, items, "submissions", note=note, papers=items.made)
    changes = (_get_time(note, "tmdate", "mdate") for note in notes if isinstance(note, dict))
    is_reached = changed_since is not None and any(moment and moment < changed_since for moment in changes)
    return page, is_reached or len(notes) < PAGE_SIZE


def name_venue(venue: str) -> str:
    """Return the name of a venue for people: ICLR 2026 for ICLR.cc/2026/Conference."""
    parts = venue.split("/")
    organizer = parts[1] if len(parts) > 2 and "." in parts[0] and not _YEAR.fullmatch(parts[1]) else parts[0]
    rest = [part for part in parts[1:] if part not in (organizer, "Conference")]
    return " ".join([organizer.split(".")[0], *rest]).replace("_", " ").replace(",", " ")


def _parse_note(note: Any, venue: str, read_at: datetime, changed_since: datetime | None) -> Paper | None:
    if not isinstance(note, dict) or not isinstance(note.get("content"), dict):
        raise UnreadableItem("note")
    content = note["content"]
    changed = _get_time(note, "tmdate", "mdate")
    if changed_since and changed and changed < changed_since:
        return None
    if _WITHDRAWN.search(_get_text(content, "venueid")) or note.get("ddate"):
        return None
    title = normalize_title(_get_text(content, "title"))
    if not title:
        raise UnreadableItem(str(note.get("id")))
    paper_id = canonicalize(f"openreview:{note.get('forum') or note['id']}")
    forum = paper_id.removeprefix("openreview:")
    published = _get_time(note, "pdate", "odate", "cdate", "tcdate")
    return Paper(
        id=paper_id,
        title=title,
        abstract=normalize_text(_get_text(content, "abstract")),
        url=f"{WEBSITE}/forum?id={forum}",
        pdf_url=f"{WEBSITE}/pdf?id={forum}" if _get_text(content, "pdf") else "",
        published=published,
        authors=normalize_names(_iter_names(_get_value(content, "authors"))),
        categories=tuple(dict.fromkeys(filter(None, [name_venue(venue), _read_decision(content)]))),
        aliases=tuple(_find_other_versions(content)),
        announcement=announce(published, read_at, max_age=MAX_NEW_AGE),
        source="openreview",
        summary=normalize_text(_get_text(content, "TLDR") or _get_text(content, "tldr")),
        keywords=tuple(filter(None, map(normalize_text, _iter_names(_get_value(content, "keywords"))))),
    )


def _read_decision(content: Mapping[str, Any]) -> str:
    """Return what was decided on a submission in the venue's words, like ICLR 2026 oral; empty before."""
    decision = normalize_text(_get_text(content, "venue"))
    return "" if _PENDING.search(decision) else decision.replace(",", " ")


def _find_other_versions(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the ids of the preprint, where the authors or the venue name it."""
    for name in ("arxiv_id", "arxiv", "preprint_url", "html", "doi"):
        yield from find_ids(_get_text(content, name)[:500])


def _get_value(content: Mapping[str, Any], name: str) -> Any:
    field = content.get(name)
    return field.get("value") if isinstance(field, dict) else field


def _get_text(content: Mapping[str, Any], name: str) -> str:
    value = _get_value(content, name)
    return value if isinstance(value, str) else ""


def _iter_names(value: Any) -> Iterator[str]:
    """Yield the names in a list of texts, or of objects with a name."""
    for item in value if isinstance(value, list) else ():
        yield item if isinstance(item, str) else get_text(item, "fullname") or get_text(item, "name")


def _get_time(note: Mapping[str, Any], *names: str) -> datetime | None:
    """Return the first of these times, which are milliseconds."""
    for name in names:
        value = note.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 4e12:
            return datetime.fromtimestamp(value / 1000, UTC)
    return None
