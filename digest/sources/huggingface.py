"""Hugging Face's daily papers as a source: papers, votes, comments and stars of the last listing days."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Any

from digest.models import FetchResult, Health, Paper, Signal, SignalKind
from digest.models.errors import SourceChanged, SourceError
from digest.models.notices import is_withdrawn
from digest.models.paper_ids import canonicalize, parse_arxiv_id
from digest.models.paper_merge import merge_papers
from digest.sources.arxiv.api import look_up
from digest.sources.base import FetchContext, add_note, failed_result, to_web_link
from digest.sources.config import SourceConfig
from digest.sources.http.response import BadResponse
from digest.sources.items import UnreadableItem, make_items
from digest.sources.json_body import get_count, get_list, get_text, get_value, load_json
from digest.sources.pages import to_result
from digest.sources.text.dates import parse_date
from digest.sources.text.normalize import normalize_names, normalize_text, normalize_title, strip_tags

DAYS = 7  # votes keep coming for a week
PAGE_SIZE = 100
MIN_FULL_PAGE = 50  # a page this long may have a next one, whatever limit the server really grants
MAX_PAGES = 10
AUTOMATIC_COMMENTS = 2  # every paper shows at least two comments that are not by people


@dataclass(frozen=True, slots=True)
class HuggingFace:
    """The daily papers of the last days, fetched again each time as their votes grow."""

    config: SourceConfig
    name: str = "huggingface"

    async def fetch(self, context: FetchContext) -> AsyncIterator[FetchResult]:
        """Yield one result of the last days together; its note names a day that could not be read."""
        today = context.now.date()
        days = [today - timedelta(days=days_ago) for days_ago in range(DAYS)]
        tracked = context.track("Hugging Face daily papers", days)
        results = [await self._fetch_day(context, day) for day in tracked]
        yield await self._add_categories(context, merge_results(results))

    async def _add_categories(self, context: FetchContext, result: FetchResult) -> FetchResult:
        """Give papers that are not stored their categories and exact texts from arXiv."""
        found = await look_up(context, self.config.arxiv_api_url, [paper.id for paper in result.papers])
        from_arxiv = {paper.id: paper for paper in found.papers}
        papers = tuple(merge_papers(p, from_arxiv[p.id]) if p.id in from_arxiv else p for p in result.papers)
        return add_note(result, found.note, papers=papers)

    async def _fetch_day(self, context: FetchContext, day: date) -> FetchResult:
        pages: list[FetchResult] = []
        try:
            for number in range(MAX_PAGES):
                pages.append(await self._fetch_page(context, day, number))
                if len(pages[-1].papers) < MIN_FULL_PAGE:
                    break
        except SourceError as error:
            pages.append(self._failed_page(context, day, error))
        return merge_results(pages, scope=day.isoformat())

    def _failed_page(self, context: FetchContext, day: date, error: SourceError) -> FetchResult:
        """Return the result of a failed request; empty if today has not begun there yet."""
        is_bad_request = isinstance(error, BadResponse) and error.response.status == HTTPStatus.BAD_REQUEST
        if is_bad_request and day == context.now.date():
            return parse(b"[]", day.isoformat(), context.now)
        return failed_result(self.name, day.isoformat(), context.now, error)

    async def _fetch_page(self, context: FetchContext, day: date, number: int) -> FetchResult:
        response = await context.client.get(
            f"{self.config.huggingface_url}/api/daily_papers",
            rate_group=self.name,
            params={"date": day.isoformat(), "limit": PAGE_SIZE, "p": number},
        )
        return parse(response.body, day.isoformat(), context.now)


def merge_results(results: Sequence[FetchResult], *, scope: str = "daily") -> FetchResult:
    """Return many results as one: every paper once, and a note on what could not be read."""
    bad = [result for result in results if result.health in {Health.FAILED, Health.CHANGED}]
    papers = {paper.id: paper for result in reversed(results) for paper in result.papers}
    signals = {(s.paper_id, s.kind): s for result in reversed(results) for s in result.signals}
    merged = replace(results[0], scope=scope, papers=tuple(papers.values()), signals=tuple(signals.values()))
    if len(bad) == len(results):
        return replace(merged, health=bad[0].health, note=bad[0].note)
    if bad:
        note = f"{len(bad)} of {len(results)} parts could not be read ({bad[0].scope}): {bad[0].note}"
        return replace(merged, health=Health.TRUNCATED, note=note)
    notes = dict.fromkeys(result.note for result in results if result.note and result.papers)
    if papers:
        return replace(merged, health=Health.OK, note=" ".join(notes))
    return replace(merged, health=Health.EMPTY, note="Hugging Face listed no papers.")


def parse(body: bytes, scope: str, read_at: datetime) -> FetchResult:
    """Return the papers of a listing day with their votes; the note counts items that cannot be read.

    Raises:
        SourceChanged: the body has another shape.
    """
    document = load_json(body, items_key="")
    items = document.value
    if not isinstance(items, list):
        raise SourceChanged("the answer is not a list of papers")
    parsed = make_items(items, lambda item: _parse_item(item, scope, read_at)).check("papers")
    papers = tuple(paper for paper, _ in parsed.made)
    signals = tuple(signal for _, signals in parsed.made for signal in signals)
    what = f"of {len(items)} papers"
    return to_result(
        "huggingface", scope, read_at, parsed, what, note=document.note, papers=papers, signals=signals
    )


def _parse_item(item: object, scope: str, read_at: datetime) -> tuple[Paper, list[Signal]]:
    """Parse a paper and its votes; without id or title it is unreadable, any other field may be missing."""
    if not isinstance(item, dict) or not isinstance(item.get("paper"), dict):
        raise UnreadableItem(scope)
    paper = _parse_paper(item, scope)
    return paper, _parse_signals(paper.id, item, read_at)


def _parse_paper(item: Mapping[str, Any], scope: str) -> Paper:
    paper = item["paper"]
    identifier = parse_arxiv_id(paper["id"])
    titles = (normalize_title(strip_tags(get_text(each, "title"))) for each in (paper, item))
    title = next(filter(None, titles), "")
    if not title:
        raise UnreadableItem(paper["id"])
    abstract = normalize_text(get_text(paper, "summary") or get_text(item, "summary"))
    authors = (author for author in get_list(paper, "authors") if not get_value(author, "hidden"))
    listed = parse_date(get_text(paper, "submittedOnDailyAt")) or parse_date(scope)
    page_url = f"https://huggingface.co/papers/{paper['id']}"
    return Paper(
        id=canonicalize(paper["id"]),
        title=title,
        abstract=abstract,
        url=f"https://arxiv.org/abs/{identifier}" if identifier else page_url,
        pdf_url=f"https://arxiv.org/pdf/{identifier}" if identifier else "",
        published=parse_date(get_text(paper, "publishedAt")),
        authors=normalize_names(get_text(author, "name") for author in authors),
        source="huggingface",
        summary=normalize_text(get_text(paper, "ai_summary")),
        keywords=tuple(
            normalize_text(word) for word in get_list(paper, "ai_keywords") if isinstance(word, str)
        ),
        code_url=to_web_link(paper.get("githubRepo")),
        project_url=to_web_link(paper.get("projectPage")),
        discussion_url=page_url,
        organization=_parse_display_name(paper.get("organization") or item.get("organization")),
        submitter=_parse_display_name(paper.get("submittedOnDailyBy") or item.get("submittedBy")),
        listed=listed.date() if listed else None,
        withdrawn=is_withdrawn(title, abstract),
    )


def _parse_signals(paper_id: str, item: Mapping[str, Any], read_at: datetime) -> list[Signal]:
    paper = item["paper"]
    comments = get_count(item, "numComments")
    counts = {  # a paper is kept without those that are missing
        SignalKind.UPVOTES: get_count(paper, "upvotes"),
        SignalKind.COMMENTS: None if comments is None else max(0.0, comments - AUTOMATIC_COMMENTS),
        SignalKind.STARS: get_count(paper, "githubStars"),
    }
    return [
        Signal(paper_id=paper_id, kind=kind, value=value, observed_at=read_at, source="huggingface")
        for kind, value in counts.items()
        if value is not None
    ]


def _parse_display_name(value: object) -> str:
    """Return the name of an organisation or account as people read it."""
    return normalize_text(get_text(value, "fullname")) or normalize_text(get_text(value, "name"))
