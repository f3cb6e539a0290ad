"""What do people on Hugging Face vote for? Its daily papers, the last listing days read again each time."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import httpx

from digest.models import FetchResult, Health, Paper, Signal, SignalKind
from digest.models.errors import SourceChanged, SourceError
from digest.models.paper_ids import arxiv_id, canonical
from digest.models.paper_merge import is_withdrawn, merge
from digest.sources.arxiv import api as arxiv_api
from digest.sources.base import FetchContext, failed, sentence, web_link
from digest.sources.http.response import BadResponse, Wants
from digest.sources.text import normalize

DAYS = 7  # votes keep coming for a week
PAGE = 100
FULL_PAGE = 50  # a page this long may have a successor, whatever limit the server really grants
MOST_PAGES = 10
COMMENTS_FLOOR = 2  # every paper shows at least two comments; they are not by people


@dataclass(frozen=True, slots=True)
class HuggingFace:
    """The daily papers: papers, votes, comments, stars."""

    base: str
    api: str = ""  # arXiv's query API, for the categories of papers we do not hold; empty: not asked
    days: int = DAYS
    name: str = "huggingface"

    async def read(self, visit: FetchContext) -> AsyncIterator[FetchResult]:
        """One reading of the last days together; a day that cannot be read is named in its note."""
        today = visit.now.date()
        readings: list[FetchResult] = []
        for back in range(self.days):
            visit.tell("Hugging Face daily papers", back, self.days)
            readings.append(await self._day(visit, today - timedelta(days=back)))
        visit.tell("Hugging Face daily papers", self.days, self.days)
        yield await self._with_categories(visit, together(readings))

    async def _with_categories(self, visit: FetchContext, reading: FetchResult) -> FetchResult:
        """Papers that no arXiv feed of ours announced get their categories and exact words from arXiv."""
        ids = [paper.id for paper in reading.papers if paper.id.startswith("arxiv:")]
        held = visit.known(ids) if ids else set()
        unknown = [number for number in ids if number not in held]
        if not unknown or not self.api:
            return reading
        try:
            found = await arxiv_api.look_up(visit.client, self.api, unknown, visit.now)
        except SourceError as error:
            reason = failed(self.name, "", visit.now, error).note
            note = f"{len(unknown)} papers could not be looked up at arXiv: {reason}"
            return replace(reading, note=f"{reading.note} {note}".strip())
        theirs = {paper.id: paper for paper in found.papers}
        papers = tuple(merge(p, theirs[p.id]) if p.id in theirs else p for p in reading.papers)
        return replace(reading, papers=papers)

    async def _day(self, visit: FetchContext, day: date) -> FetchResult:
        pages: list[FetchResult] = []
        try:
            for number in range(MOST_PAGES):
                pages.append(await self._page(visit, day, number))
                if len(pages[-1].papers) < FULL_PAGE:
                    break
        except SourceError as error:
            pages.append(self._unread(visit, day, error))
        return together(pages, scope=day.isoformat())

    def _unread(self, visit: FetchContext, day: date, error: SourceError) -> FetchResult:
        """A day that could not be read; today may simply not have begun there."""
        not_begun = isinstance(error, BadResponse) and error.answer.status == httpx.codes.BAD_REQUEST
        if not_begun and day == visit.now.date():
            return parse(b"[]", day.isoformat(), visit.now)
        return failed(self.name, day.isoformat(), visit.now, error)

    async def _page(self, visit: FetchContext, day: date, number: int) -> FetchResult:
        answer = await visit.client.get(
            f"{self.base}/api/daily_papers",
            family=self.name,
            wants=Wants.JSON,
            params={"date": day.isoformat(), "limit": PAGE, "p": number},
        )
        return parse(answer.body, day.isoformat(), visit.now)


def together(readings: list[FetchResult], *, scope: str = "daily") -> FetchResult:
    """Many readings as one: every paper once, and in words what could not be read."""
    bad = [reading for reading in readings if reading.health in {Health.FAILED, Health.CHANGED}]
    papers = {paper.id: paper for reading in reversed(readings) for paper in reading.papers}
    signals = {(s.paper_id, s.kind): s for reading in reversed(readings) for s in reading.signals}
    first = replace(readings[0], scope=scope, papers=tuple(papers.values()), signals=tuple(signals.values()))
    if len(bad) == len(readings):
        return replace(first, health=bad[0].health, note=bad[0].note)
    if bad:
        note = f"{len(bad)} of {len(readings)} parts could not be read ({bad[0].scope}): {bad[0].note}"
        return replace(first, health=Health.TRUNCATED, note=note)
    notes = dict.fromkeys(reading.note for reading in readings if reading.note and reading.papers)
    if papers:
        return replace(first, health=Health.OK, note=" ".join(notes))
    return replace(first, health=Health.EMPTY, note="Hugging Face listed no papers.")


def parse(body: bytes, scope: str, read_at: datetime) -> FetchResult:
    """The papers of one listing day with their votes. An item we cannot read is skipped, and said so."""
    try:
        listed = json.loads(body)
    except ValueError as error:
        raise SourceChanged("the answer is not JSON") from error
    if not isinstance(listed, list):
        raise SourceChanged("the answer is not a list of papers")
    papers: list[Paper] = []
    signals: list[Signal] = []
    for item in listed:
        try:
            paper = _paper(item, scope)
            signals += _signals(paper.id, item, read_at)
            papers.append(paper)
        except (AttributeError, KeyError, TypeError, ValueError):  # whatever a strange shape leads to
            continue
    skipped = len(listed) - len(papers)
    if skipped and not papers:
        raise SourceChanged(f"none of its {skipped} papers has the fields we know")
    return FetchResult(
        source="huggingface",
        scope=scope,
        read_at=read_at,
        papers=tuple(papers),
        signals=tuple(signals),
        health=Health.OK if papers else Health.EMPTY,
        note=sentence(f"{skipped} of {len(listed)} papers could not be read") if skipped else "",
        body=body,
    )


def _paper(item: Mapping[str, Any], scope: str) -> Paper:
    paper = item["paper"]
    number = arxiv_id(paper["id"])
    title = normalize.title(paper["title"]) or normalize.title(item.get("title", ""))
    if not title:
        raise ValueError("a paper without a title")
    abstract = normalize.plain(paper["summary"])
    listed = _day(paper.get("submittedOnDailyAt")) or _day(scope)
    return Paper(
        id=canonical(paper["id"]),
        title=title,
        abstract=abstract,
        url=f"https://arxiv.org/abs/{number}" if number else f"https://huggingface.co/papers/{paper['id']}",
        pdf_url=f"https://arxiv.org/pdf/{number}" if number else "",
        published=_moment(paper.get("publishedAt")),
        authors=normalize.names(a["name"] for a in paper["authors"] if not a.get("hidden")),
        source="huggingface",
        summary=_text(paper.get("ai_summary")),
        keywords=_words(paper.get("ai_keywords")),
        code_url=web_link(paper.get("githubRepo")),
        project_url=web_link(paper.get("projectPage")),
        discussion_url=f"https://huggingface.co/papers/{paper['id']}",
        organization=_named(paper.get("organization") or item.get("organization")),
        submitter=_named(paper.get("submittedOnDailyBy") or item.get("submittedBy")),
        listed=listed,
        withdrawn=is_withdrawn(title, abstract),
    )


def _signals(paper_id: str, item: Mapping[str, Any], read_at: datetime) -> list[Signal]:
    paper = item["paper"]
    counts: dict[SignalKind, float] = {SignalKind.UPVOTES: _count(paper["upvotes"])}
    if "numComments" in item:
        counts[SignalKind.COMMENTS] = max(0.0, _count(item["numComments"]) - COMMENTS_FLOOR)
    if paper.get("githubStars") is not None:
        counts[SignalKind.STARS] = _count(paper["githubStars"])
    return [
        Signal(paper_id=paper_id, kind=kind, value=value, observed_at=read_at, source="huggingface")
        for kind, value in counts.items()
    ]


def _count(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 10**12:
        raise ValueError(f"{value!r} is not a count")
    return float(value)


def _text(value: object) -> str:
    return normalize.plain(value) if isinstance(value, str) else ""


def _words(value: object) -> tuple[str, ...]:
    return tuple(_text(word) for word in value if isinstance(word, str)) if isinstance(value, list) else ()


def _named(value: object) -> str:
    """The name people read of an organisation or account."""
    if not isinstance(value, Mapping):
        return ""
    return _text(value.get("fullname")) or _text(value.get("name"))


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None
