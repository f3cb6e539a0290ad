"""One result of many pages, and the period that is asked for: how a day that went wrong is made up for."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from digest.models import FetchResult, FetchState, Health, Paper, Signal, SignalKind
from digest.models.errors import SourceError
from digest.models.paper_merge import merge_papers
from digest.sources.base import failed_result
from digest.sources.items import Items
from digest.sources.xml import Parsed

DAY = timedelta(days=1)
OVERLAP = timedelta(days=7)  # of the first reading of a day: what is listed late is found by the next one
MAX_PERIOD = timedelta(days=60)  # after a longer break, older papers are no news any more
MAX_PAGES = 100
MIN_USUAL = 5.0  # papers a day; where fewer are usual, an empty week means nothing


def find_period_start(state: FetchState, now: datetime) -> datetime:
    """Return since when papers are asked for: the last good reading, with an overlap.

    The overlap is a week for the first reading of a day (UTC) and for a new source, else a day.
    """
    if state.read_at is None:
        return now - OVERLAP
    overlap = DAY if state.read_at.date() == now.date() else OVERLAP
    return max(min(state.read_at, now) - overlap, now - MAX_PERIOD)


async def collect_pages(
    pages: AsyncIterator[FetchResult],
    *,
    source: str,
    scope: str,
    read_at: datetime,
    usual: float | None = None,
) -> FetchResult:
    """Return the papers and signals of all pages as one result, every paper once.

    A page that fails ends the result and is named in its note; what arrived before is kept. The health
    is STALE where no paper came though *usual* a day do.
    """
    papers: dict[str, Paper] = {}
    signals: dict[tuple[str, SignalKind], Signal] = {}
    notes: dict[str, None] = {}
    read, is_cut = 0, False
    try:
        async for page in pages:
            read += 1
            for paper in page.papers:
                papers[paper.id] = merge_papers(papers[paper.id], paper) if paper.id in papers else paper
            signals |= {(signal.paper_id, signal.kind): signal for signal in page.signals}
            notes[page.note] = None
            is_cut = is_cut or page.health is Health.TRUNCATED
    except SourceError as error:
        failed = failed_result(source, scope, read_at, error)
        if not read:
            return failed
        notes[f"The fetch stopped early: {failed.note}"] = None
        is_cut = True
    health = Health.TRUNCATED if is_cut else Health.OK if papers or signals else Health.EMPTY
    if not papers and not is_cut and (usual or 0.0) >= MIN_USUAL:
        health = Health.STALE
        notes[f"The answer holds no papers, where {usual:.0f} a day are usual."] = None
    return FetchResult(
        source=source,
        scope=scope,
        read_at=read_at,
        papers=tuple(papers.values()),
        signals=tuple(signals.values()),
        health=health,
        note=" ".join(filter(None, notes)),
        day=read_at.date() if papers else None,
    )


def to_result(  # noqa: PLR0913  what a page consists of
    source: str, scope: str, read_at: datetime, items: Items[Any], what: str, *, note: str, **content: Any
) -> FetchResult:
    """Return the items of one page as a result with this *content*.

    Its note says how many could not be read: so many of *what*.
    """
    unread = f"{items.skipped} {what} could not be read." if items.skipped else ""
    health = Health.OK if items.made else Health.EMPTY
    note = f"{unread} {note}".strip()
    return FetchResult(source=source, scope=scope, read_at=read_at, health=health, note=note, **content)


def to_xml_result(  # noqa: PLR0913  as to_result
    source: str, scope: str, read_at: datetime, parsed: Parsed[Any], papers: tuple[Paper, ...], *, unread: str
) -> FetchResult:
    """Return the papers of one document; its note says how many are *unread*, or that it broke off."""
    note = f"{parsed.skipped} {unread}." if parsed.skipped else ""
    if parsed.broken:
        note = f"The answer broke off after {len(papers)} papers."
    health = Health.TRUNCATED if parsed.broken else Health.OK if papers else Health.EMPTY
    note = f"{note} {parsed.repair_note}".strip()
    return FetchResult(source=source, scope=scope, read_at=read_at, papers=papers, health=health, note=note)


def cut_page(source: str, scope: str, read_at: datetime) -> FetchResult:
    """Return the page that stands for all those beyond MAX_PAGES."""
    note = f"There are more than {MAX_PAGES} pages; the rest was not read."
    return FetchResult(source=source, scope=scope, read_at=read_at, health=Health.TRUNCATED, note=note)


def split_batches(items: Sequence[str], size: int) -> list[Sequence[str]]:
    """Return *items* in batches of at most *size*."""
    return [items[start : start + size] for start in range(0, len(items), size)]
