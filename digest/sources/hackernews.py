"""Which papers do people talk about on Hacker News? One question to Algolia, joined by the link alone."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from digest.models import Announcement, FetchResult, Health, Paper, Signal, SignalKind
from digest.models.errors import SourceChanged, SourceError
from digest.models.paper_ids import arxiv_id
from digest.sources.arxiv import api as arxiv_api
from digest.sources.base import FetchContext, failed, sentence
from digest.sources.http.response import Wants

SINCE = timedelta(days=14)  # points come in the first days
NEWS = timedelta(days=60)  # a paper older than this is no news, however much it is talked about
MOST_COUNTED = 10**12  # more points or comments than there are people: no count
MOST = 200  # stories in one answer


@dataclass(frozen=True, slots=True)
class HackerNews:
    """Points and comments of stories that link to arXiv; papers we do not hold are looked up by id."""

    base: str
    api: str = ""  # arXiv's query API; empty: nothing is looked up
    name: str = "hackernews"

    async def read(self, visit: FetchContext) -> AsyncIterator[FetchResult]:
        """One reading of two weeks of stories."""
        visit.tell("Hacker News", 0, 1)
        answer = await visit.client.get(
            f"{self.base}/api/v1/search_by_date",
            family=self.name,
            wants=Wants.JSON,
            params={
                "query": "arxiv.org",
                "restrictSearchableAttributes": "url",
                "tags": "story",
                "numericFilters": f"created_at_i>{int((visit.now - SINCE).timestamp())}",
                "hitsPerPage": MOST,
            },
        )
        reading = parse(answer.body, "stories", visit.now)
        yield await self._with_papers(visit, reading)
        visit.tell("Hacker News", 1, 1)

    async def _with_papers(self, visit: FetchContext, reading: FetchResult) -> FetchResult:
        """The reading with the papers we did not hold; signals of papers nobody can name are left out."""
        talked_about = list(dict.fromkeys(signal.paper_id for signal in reading.signals))
        held = visit.known(talked_about) if talked_about else set()
        unknown = [number for number in talked_about if number not in held]
        papers, note = await self._look_up(visit, unknown)
        nameless = set(unknown) - {paper.id for paper in papers}
        return replace(
            reading,
            papers=papers,
            signals=tuple(signal for signal in reading.signals if signal.paper_id not in nameless),
            note=f"{reading.note} {note}".strip(),
        )

    async def _look_up(self, visit: FetchContext, unknown: Sequence[str]) -> tuple[tuple[Paper, ...], str]:
        if not unknown or not self.api:
            return (), ""
        try:
            found = await arxiv_api.look_up(visit.client, self.api, unknown, visit.now)
        except SourceError as error:
            reason = failed(self.name, "", visit.now, error).note
            return (), sentence(f"{len(unknown)} papers could not be looked up at arXiv: {reason}")
        return tuple(_as_news(paper, visit.now) for paper in found.papers), found.note


def parse(body: bytes, scope: str, read_at: datetime) -> FetchResult:
    """The attention each linked paper drew: of several stories about one paper, the sum."""
    try:
        hits = json.loads(body)["hits"]
        stories = [story for story in map(_story, hits) if story]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceChanged("the answer is not a list of stories") from error
    totals: dict[tuple[str, SignalKind], float] = {}
    for number, points, comments in stories:
        for kind, value in ((SignalKind.POINTS, points), (SignalKind.COMMENTS, comments)):
            totals[number, kind] = totals.get((number, kind), 0.0) + value
    signals = tuple(
        Signal(paper_id=number, kind=kind, value=value, observed_at=read_at, source="hackernews")
        for (number, kind), value in totals.items()
    )
    health = Health.OK if hits else Health.EMPTY
    return FetchResult(
        source="hackernews", scope=scope, read_at=read_at, signals=signals, health=health, body=body
    )


def _as_news(paper: Paper, now: datetime) -> Paper:
    """An old paper that people talk about again is known from now on, but is not announced as new."""
    if paper.published and now - paper.published > NEWS:
        return replace(paper, announcement=Announcement.REPLACE)
    return paper


def _story(hit: Mapping[str, Any]) -> tuple[str, float, float] | None:
    """The paper a story links to, its points and comments; None when it links to none."""
    url = hit.get("url")
    number = arxiv_id(url) if isinstance(url, str) else None
    if number is None:
        return None
    return f"arxiv:{number}", _count(hit.get("points")), _count(hit.get("num_comments"))


def _count(told: object) -> float:
    """How many they say; what is no count is none."""
    is_count = isinstance(told, int | float) and 0 <= told < MOST_COUNTED
    return float(told) if is_count else 0.0  # type: ignore[arg-type]  # a number, as just seen
