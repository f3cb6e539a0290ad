"""arXiv as a source: its feeds, judged category by category, and repaired from OAI-PMH where they fail.

A feed that is stale, cut, broken or down, and a day that was missed, are repaired in the same fetch. If
OAI-PMH has nothing new either, arXiv's listing page is fetched, once.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from digest.models import Announcement, FetchResult, FetchState, Health, Paper
from digest.models.arxiv_calendar import get_arxiv_day
from digest.models.errors import SourceError
from digest.sources.arxiv import listing, oai, rss
from digest.sources.base import (
    FetchContext,
    add_note,
    conditional_headers,
    count_unseen,
    failed_result,
    to_sentence,
)
from digest.sources.config import SourceConfig
from digest.sources.freshness import BAD_HEALTH, announcement_day, find_missed_day, judge_freshness
from digest.sources.http.response import Accept, BadResponse, IncompleteResponse

FIRST_REPAIR = timedelta(days=4)  # how far back a new installation looks when the feeds are empty
MAX_REPAIR = timedelta(days=60)  # how far back a repair may go
EARLY = timedelta(hours=4)  # arXiv announces at 20:00 its time; feeds are known to follow before midnight
_UNKNOWN_CATEGORY = "arXiv does not know"
_NEWS = frozenset({Announcement.NEW, Announcement.CROSS})


@dataclass(frozen=True, slots=True)
class Arxiv:
    """New papers of the chosen categories: one request for all, one result for each."""

    config: SourceConfig
    name: str = "arxiv"

    async def fetch(self, context: FetchContext) -> AsyncIterator[FetchResult]:
        """Yield one result per category; a paper is in the first of our categories that it has."""
        today = get_arxiv_day(context.now)
        context.report_progress("arXiv feeds", 0, len(self.config.arxiv_categories))
        fetched = await self._fetch_group(context, self.config.arxiv_categories)
        counted = [count_unseen(result, context) for result in fetched]
        total = sum(len(result.papers) for result in counted)
        results = [
            judge_freshness(
                result,
                context.get_state(result.scope),
                today=today,
                evening_day=get_arxiv_day(context.now + EARLY),
                papers_elsewhere=total - len(result.papers),
            )
            for result in counted
        ]
        async for result in self._repair_all(context, results, today):
            yield result

    async def _repair_all(
        self, context: FetchContext, results: Sequence[FetchResult], today: date
    ) -> AsyncIterator[FetchResult]:
        second_opinion = ""
        for done, result in enumerate(results, 1):
            since = self._repair_from(result, context.get_state(result.scope), today)
            repaired = result if since is None else await self._repair(context, result, since)
            if repaired.health is Health.STALE and self.config.arxiv_listing_url:
                second_opinion = second_opinion or await self._second_opinion(context, result.scope, today)
                repaired = add_note(repaired, second_opinion)
            context.report_progress("arXiv feeds", done, len(results))
            yield repaired

    def _repair_from(self, result: FetchResult, state: FetchState, today: date) -> date | None:
        """Return the day from which to harvest OAI-PMH; None if there is nothing to repair."""
        missed_day = find_missed_day(state, today=today)
        is_first = state.day is None and result.health is Health.EMPTY
        is_unknown = result.health is Health.FAILED and result.note.startswith(_UNKNOWN_CATEGORY)
        needs_repair = missed_day or is_first or result.health in BAD_HEALTH
        if not self.config.arxiv_oai_url or is_unknown or not needs_repair:
            return None
        last = state.day or (today - FIRST_REPAIR)
        return max(last - timedelta(days=1), today - MAX_REPAIR)  # a day of overlap: records change meanwhile

    async def _repair(self, context: FetchContext, result: FetchResult, since: date) -> FetchResult:
        """Return the result with the papers of OAI-PMH added; healthy again if these include news."""
        harvested: dict[str, Paper] = {}
        problem = ""
        try:
            async for page in oai.harvest(
                context.client, self.config.arxiv_oai_url, result.scope, since, context.now
            ):
                harvested |= {paper.id: paper for paper in page.papers}
                problem = page.note if page.health is Health.TRUNCATED else problem
        except SourceError as error:
            problem = to_sentence(str(error))
        return _merge_harvest(context, result, harvested, problem)

    async def _second_opinion(self, context: FetchContext, category: str, today: date) -> str:
        """Return what arXiv's listing page says about a stale feed, as a sentence."""
        try:
            page = await listing.fetch_listing(context.client, self.config.arxiv_listing_url, category)
        except SourceError as error:
            return f"arXiv's listing page could not be read: {to_sentence(str(error))}"
        if page.day is None or page.day < today:
            shown = f"{page.day:%d %B}" if page.day else "no day"
            return f"arXiv's own page has no new listing yet either (it shows {shown})."
        return f"arXiv's own page lists {page.total} papers for today."

    async def _fetch_group(self, context: FetchContext, categories: Sequence[str]) -> list[FetchResult]:
        """Fetch a group at once; split it if a category is refused or the feed is cut at its limit."""
        try:
            result = await self._fetch_feed(context, categories)
        except BadResponse as error:
            return await self._handle_refusal(context, categories, error)
        except SourceError as error:
            return [failed_result(self.name, category, context.now, error) for category in categories]
        is_full = result.health is Health.TRUNCATED and len(result.papers) >= rss.MAX_FEED_PAPERS
        if is_full and len(categories) > 1:
            return await self._fetch_halves(context, categories)
        return split_by_category(result, categories)

    async def _fetch_feed(self, context: FetchContext, categories: Sequence[str]) -> FetchResult:
        """Make one request; a body that broke off is parsed as far as it goes."""
        scope = "+".join(categories)
        states = [context.get_state(category) for category in categories]
        state = _common_state(states, get_arxiv_day(context.now))
        try:
            response = await context.client.get(
                f"{self.config.arxiv_rss_url}/rss/{scope}",
                rate_group="arxiv",
                accept=Accept.XML,
                headers=conditional_headers(state),
            )
        except IncompleteResponse as error:
            result = rss.parse(error.body, scope, context.now)
            note = result.note or f"The connection broke off after {len(result.papers)} papers."
            return replace(result, health=Health.TRUNCATED, note=note)
        if response.is_unchanged:
            return FetchResult(source=self.name, scope=scope, read_at=context.now, note="Unchanged.")
        result = rss.parse(response.body, scope, context.now)
        return replace(result, etag=response.etag, last_modified=response.last_modified)

    async def _handle_refusal(
        self, context: FetchContext, categories: Sequence[str], error: BadResponse
    ) -> list[FetchResult]:
        """Fail the category that arXiv's message names, and fetch the others again."""
        message = rss.find_error(error.response.body)
        if not message:
            return [failed_result(self.name, category, context.now, error) for category in categories]
        bad_category = categories[0] if len(categories) == 1 else rss.find_bad_category(message, categories)
        if bad_category is None:
            return await self._fetch_halves(context, categories)
        reason = SourceError(f"{_UNKNOWN_CATEGORY} {bad_category}: {message}")
        failed = failed_result(self.name, bad_category, context.now, reason)
        others = [category for category in categories if category != bad_category]
        return [*await self._fetch_group(context, others), failed] if others else [failed]

    async def _fetch_halves(self, context: FetchContext, categories: Sequence[str]) -> list[FetchResult]:
        middle = len(categories) // 2
        first = await self._fetch_group(context, categories[:middle])
        return [*first, *await self._fetch_group(context, categories[middle:])]


def _merge_harvest(
    context: FetchContext, result: FetchResult, harvested: Mapping[str, Paper], problem: str
) -> FetchResult:
    papers = {**harvested, **{paper.id: paper for paper in result.papers}}
    merged = count_unseen(replace(result, papers=tuple(papers.values())), context)
    news = [paper_id for paper_id, paper in harvested.items() if paper.announcement in _NEWS]
    if problem:
        health = result.health if result.health in BAD_HEALTH else Health.TRUNCATED
        return add_note(merged, f"OAI-PMH: {problem}", health=health, day=None)
    if not context.list_new(news):
        return add_note(merged, "OAI-PMH has nothing new either.")
    added = len(papers) - len(result.papers)
    day = announcement_day(get_arxiv_day(context.now))
    return add_note(merged, f"OAI-PMH added {added} papers.", health=Health.OK, day=day)


def split_by_category(result: FetchResult, categories: Sequence[str]) -> list[FetchResult]:
    """Return one result per category, each paper once."""
    by_category: dict[str, list[Paper]] = {category: [] for category in categories}
    for paper in result.papers:
        by_category[_assign_category(paper, categories)].append(paper)
    return [replace(result, scope=category, papers=tuple(papers)) for category, papers in by_category.items()]


def _assign_category(paper: Paper, categories: Sequence[str]) -> str:
    """Return the first of the paper's categories, or of their archives, that is in *categories*."""
    for category in paper.categories:
        for name in (category, category.partition(".")[0]):
            if name in categories:
                return name
    return categories[0]


def _common_state(states: Sequence[FetchState], today: date) -> FetchState:
    """Return the state for a conditional request: empty unless every category is done for today."""
    first = states[0]
    is_done = all(state.day == today and state.etag == first.etag for state in states)
    return first if is_done and first.etag else FetchState()
