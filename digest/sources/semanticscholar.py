"""Semantic Scholar as a source of citations and short summaries: its batch endpoint, with an API key."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from digest.models import Announcement, FetchResult, Health, Paper, Signal, SignalKind
from digest.models.errors import SourceChanged
from digest.sources.base import FetchContext
from digest.sources.config import SourceConfig
from digest.sources.json_body import get_count, get_value, load_json
from digest.sources.text.normalize import normalize_text, normalize_title, strip_tags

MAX_IDS_PER_REQUEST = 500
FIELDS = "title,citationCount,tldr,externalIds"


@dataclass(frozen=True, slots=True)
class SemanticScholar:
    """Citations and summaries of the papers in `FetchContext.ids_to_enrich`; nothing without a key."""

    config: SourceConfig
    name: str = "semanticscholar"

    async def fetch(self, context: FetchContext) -> AsyncIterator[FetchResult]:
        """Yield one result per batch; papers that are unknown there are left out."""
        ids = [paper_id for paper_id in context.ids_to_enrich if paper_id.startswith(("arxiv:", "doi:"))]
        if not self.config.semanticscholar_key:
            return
        for start in range(0, len(ids), MAX_IDS_PER_REQUEST):
            context.report_progress("Semantic Scholar", start, len(ids))
            yield await self._fetch_batch(context, ids[start : start + MAX_IDS_PER_REQUEST])
        context.report_progress("Semantic Scholar", len(ids), len(ids))

    async def _fetch_batch(self, context: FetchContext, ids: Sequence[str]) -> FetchResult:
        response = await context.client.post(
            f"{self.config.semanticscholar_url}/graph/v1/paper/batch?fields={FIELDS}",
            rate_group=self.name,
            json={"ids": [f"{kind.upper()}:{rest}" for kind, _, rest in (id_.partition(":") for id_ in ids)]},
            headers={"x-api-key": self.config.semanticscholar_key},
        )
        return parse(response.body, "batch", context.now, ids=ids)


def parse(body: bytes, scope: str, read_at: datetime, *, ids: Sequence[str]) -> FetchResult:
    """Return citations and summaries of the papers *ids*; the body lists them in this order, null if unknown.

    Raises:
        SourceChanged: the body is not a list of this length.
    """
    items = load_json(body).value
    if not isinstance(items, list) or len(items) != len(ids):
        raise SourceChanged(f"the answer is not a list of {len(ids)} papers")
    known = [(paper_id, item) for paper_id, item in zip(ids, items, strict=True) if isinstance(item, dict)]
    papers = tuple(paper for paper_id, item in known if (paper := _parse_paper(paper_id, item)))
    signals = tuple(
        Signal(
            paper_id=paper_id,
            kind=SignalKind.CITATIONS,
            value=count,
            observed_at=read_at,
            source="semanticscholar",
        )
        for paper_id, item in known
        if (count := get_count(item, "citationCount")) is not None
    )
    return FetchResult(
        source="semanticscholar",
        scope=scope,
        read_at=read_at,
        papers=papers,
        signals=signals,
        health=Health.OK if known else Health.EMPTY,
        note=f"{len(known)} of {len(ids)} papers are known there.",
    )


def _parse_paper(paper_id: str, item: Mapping[str, Any]) -> Paper | None:
    """Return the paper with its summary, to be merged into the stored one; None if there is no summary."""
    title, summary = get_value(item, "title"), get_value(item, "tldr", "text")
    if not isinstance(title, str) or not isinstance(summary, str):
        return None
    return Paper(
        id=paper_id,
        title=normalize_title(strip_tags(title)),
        summary=normalize_text(summary),
        announcement=Announcement.REPLACE_CROSS,  # nothing is announced here
        source="semanticscholar",
    )
