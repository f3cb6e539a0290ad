"""How often is a paper cited, and what is it in one sentence? Semantic Scholar's batch, asked with a key."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from digest.models import Announcement, FetchResult, Health, Paper, Signal, SignalKind
from digest.models.errors import SourceChanged
from digest.sources.base import FetchContext
from digest.sources.text import normalize

MOST = 500  # ids in one question
FIELDS = "title,citationCount,tldr,externalIds"


@dataclass(frozen=True, slots=True)
class SemanticScholar:
    """Citations and one-sentence summaries of the papers the store asks about; silent without a key."""

    base: str
    key: str = field(default="", repr=False)
    name: str = "semanticscholar"

    async def read(self, visit: FetchContext) -> AsyncIterator[FetchResult]:
        """One reading for every five hundred papers; those it does not know are passed over."""
        asked = [number for number in visit.pool if number.startswith(("arxiv:", "doi:"))]
        if not self.key:
            return
        for start in range(0, len(asked), MOST):
            visit.tell("Semantic Scholar", start, len(asked))
            yield await self._batch(visit, asked[start : start + MOST])
        visit.tell("Semantic Scholar", len(asked), len(asked))

    async def _batch(self, visit: FetchContext, asked: Sequence[str]) -> FetchResult:
        answer = await visit.client.post(
            f"{self.base}/graph/v1/paper/batch?fields={FIELDS}",
            family=self.name,
            json={"ids": [_their_name(number) for number in asked]},
            headers={"x-api-key": self.key},
        )
        return parse(answer.body, "batch", visit, asked)


def parse(body: bytes, scope: str, visit: FetchContext, asked: Sequence[str]) -> FetchResult:
    """What is known of each paper, in the order it was asked for; null stands for an unknown one."""
    try:
        found = json.loads(body)
    except ValueError as error:
        raise SourceChanged("the answer is not JSON") from error
    if not isinstance(found, list) or len(found) != len(asked):
        raise SourceChanged(f"the answer is not a list of {len(asked)} papers")
    known = [(number, item) for number, item in zip(asked, found, strict=True) if isinstance(item, dict)]
    papers = tuple(paper for number, item in known if (paper := _paper(number, item)))
    signals = tuple(
        Signal(
            paper_id=number,
            kind=SignalKind.CITATIONS,
            value=float(item["citationCount"]),
            observed_at=visit.now,
            source="semanticscholar",
        )
        for number, item in known
        if isinstance(item.get("citationCount"), int)
    )
    return FetchResult(
        source="semanticscholar",
        scope=scope,
        read_at=visit.now,
        papers=papers,
        signals=signals,
        health=Health.OK if known else Health.EMPTY,
        note=f"{len(known)} of {len(asked)} papers are known there.",
        body=body,
    )


def _their_name(number: str) -> str:
    kind, _, rest = number.partition(":")
    return f"{'ARXIV' if kind == 'arxiv' else 'DOI'}:{rest}"


def _paper(number: str, item: Mapping[str, Any]) -> Paper | None:
    """The paper with its summary, to be merged into the one we hold; None when there is no summary."""
    title, tldr = item.get("title"), item.get("tldr")
    summary = tldr.get("text") if isinstance(tldr, dict) else None
    if not isinstance(title, str) or not isinstance(summary, str):
        return None
    return Paper(
        id=number,
        title=normalize.title(title),
        summary=normalize.plain(summary),
        announcement=Announcement.REPLACE_CROSS,  # nothing is announced here
        source="semanticscholar",
    )
