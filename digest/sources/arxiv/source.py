"""Has arXiv told us everything? Its feeds, judged category by category, and healed where they fail.

A feed that is stale, cut, broken or dead, and a day on which we were not there, are made good from OAI-PMH
in the same visit; where that has nothing either, arXiv's own listing page is asked, once.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from digest.models import Announcement, FetchResult, FetchState, Health, Paper
from digest.models.arxiv_calendar import arxiv_day
from digest.models.errors import SourceError
from digest.sources.arxiv import listing as arxiv_listing
from digest.sources.arxiv import oai as arxiv_oai
from digest.sources.arxiv import rss as arxiv_rss
from digest.sources.base import FetchContext, counted, failed
from digest.sources.freshness import SICK, announcement_day, judge, missed_since
from digest.sources.http.response import BadResponse, CutShort

FIRST_DAYS = timedelta(days=4)  # how far back a new installation looks when the feeds are empty
FARTHEST = timedelta(days=60)  # how far back a repair may go
EARLY = timedelta(hours=4)  # arXiv announces at 20:00 its time; feeds are known to follow before midnight


@dataclass(frozen=True, slots=True, kw_only=True)
class Arxiv:
    """New papers of the chosen categories: one request for all, one reading for each."""

    categories: tuple[str, ...]
    rss: str
    oai: str = ""  # empty: nothing is repaired
    listing: str = ""  # empty: no second opinion
    name: str = "arxiv"

    async def read(self, visit: FetchContext) -> AsyncIterator[FetchResult]:
        """One reading per category; every paper stands under the first of our categories it is in."""
        today = arxiv_day(visit.now)
        visit.tell("arXiv feeds", 0, len(self.categories))
        raw = [counted(reading, visit.known) for reading in await self._group(visit, self.categories)]
        total = sum(len(reading.papers) for reading in raw)
        readings = [
            judge(r, visit.recall(r.scope), today=today, tonight=arxiv_day(visit.now + EARLY),
                  others=total - len(r.papers))
            for r in raw
        ]  # fmt: skip
        async for reading in self._healed(visit, readings, today):
            yield reading

    async def _healed(
        self, visit: FetchContext, readings: Sequence[FetchResult], today: date
    ) -> AsyncIterator[FetchResult]:
        """The readings one by one, each made good first where it can be."""
        second_opinion = ""
        for done, reading in enumerate(readings, 1):
            since = self._repair_from(reading, visit.recall(reading.scope), today)
            healed = reading if since is None else await self._repair(visit, reading, since)
            if healed.health is Health.STALE and self.listing:
                second_opinion = second_opinion or await self._second_opinion(visit, reading.scope, today)
                healed = replace(healed, note=f"{healed.note} {second_opinion}".strip())
            visit.tell("arXiv feeds", done, len(readings))
            yield healed

    def _repair_from(self, reading: FetchResult, memory: FetchState, today: date) -> date | None:
        """The day from which OAI-PMH should fill in, or None when nothing is amiss."""
        missed = missed_since(memory, today=today)
        is_first = memory.day is None and reading.health is Health.EMPTY
        is_refused = reading.health is Health.FAILED and reading.note.startswith(_UNKNOWN)
        if not self.oai or is_refused or not (missed or is_first or reading.health in SICK):
            return None
        last = memory.day or (today - FIRST_DAYS)
        return max(last - timedelta(days=1), today - FARTHEST)  # a day of overlap: records move while we read

    async def _repair(self, visit: FetchContext, reading: FetchResult, since: date) -> FetchResult:
        """The reading with what OAI-PMH knows besides; good again when that has the day's news."""
        found: dict[str, Paper] = {}
        trouble = ""
        try:
            async for page in arxiv_oai.harvest(visit.client, self.oai, reading.scope, since, visit.now):
                found |= {paper.id: paper for paper in page.papers}
                trouble = page.note if page.health is Health.TRUNCATED else trouble
        except SourceError as error:
            trouble = failed(self.name, reading.scope, visit.now, error).note
        return self._as_healed(visit, reading, found, trouble)

    def _as_healed(
        self, visit: FetchContext, reading: FetchResult, found: Mapping[str, Paper], trouble: str
    ) -> FetchResult:
        papers = {**found, **{paper.id: paper for paper in reading.papers}}
        fuller = counted(replace(reading, papers=tuple(papers.values()), newest=""), visit.known)
        news = [number for number, paper in found.items() if paper.announcement in _NEWS]
        if trouble:
            health = reading.health if reading.health in SICK else Health.TRUNCATED
            return _noting(fuller, f"OAI-PMH: {trouble}", health=health, day=None)
        if not set(news) - (visit.known(news) if news else set()):
            return _noting(fuller, "OAI-PMH has nothing new either.", health=reading.health, day=reading.day)
        day = announcement_day(arxiv_day(visit.now))
        added = len(papers) - len(reading.papers)
        return _noting(fuller, f"OAI-PMH added {added} papers.", health=Health.OK, day=day)

    async def _second_opinion(self, visit: FetchContext, category: str, today: date) -> str:
        """What arXiv's own page says about a stale feed, in a sentence."""
        try:
            listing = await arxiv_listing.ask(visit.client, self.listing, category, visit.now)
        except SourceError as error:
            return f"arXiv's listing page could not be read: {failed(self.name, '', visit.now, error).note}"
        if listing.day is None or listing.day < today:
            shown = f"{listing.day:%d %B}" if listing.day else "no day"
            return f"arXiv's own page has no new listing yet either (it shows {shown})."
        return f"arXiv's own page lists {listing.total} papers for today."

    async def _group(self, visit: FetchContext, categories: Sequence[str]) -> list[FetchResult]:
        """Read a group at once; split it where one category is refused or the whole is cut at the cap."""
        try:
            reading = await self._feed(visit, categories)
        except BadResponse as error:
            return await self._refused(visit, categories, error)
        except SourceError as error:
            return [failed(self.name, category, visit.now, error) for category in categories]
        if reading.health is Health.TRUNCATED and len(categories) > 1 and _is_at_cap(reading):
            return await self._halves(visit, categories)
        return by_category(reading, categories)

    async def _feed(self, visit: FetchContext, categories: Sequence[str]) -> FetchResult:
        """One request. A body that broke off on the way is read as far as it goes."""
        scope = "+".join(categories)
        memory = _same_answer([visit.recall(category) for category in categories], arxiv_day(visit.now))
        try:
            answer = await arxiv_rss.ask(visit.client, self.rss, categories, memory)
        except CutShort as error:
            reading = arxiv_rss.parse(error.body, scope, visit.now)
            return replace(reading, health=Health.TRUNCATED, note=reading.note or _broke_off(reading))
        if answer.unchanged:
            return FetchResult(source=self.name, scope=scope, read_at=visit.now, note="Unchanged.")
        reading = arxiv_rss.parse(answer.body, scope, visit.now)
        return replace(reading, etag=answer.etag, last_modified=answer.last_modified)

    async def _refused(
        self, visit: FetchContext, categories: Sequence[str], error: BadResponse
    ) -> list[FetchResult]:
        """Set the category that arXiv names aside, and ask again for the others."""
        message = arxiv_rss.error_in(error.answer.body)
        culprit = arxiv_rss.culprit(message, categories)
        if len(categories) == 1 and message:
            reason = SourceError(f"{_UNKNOWN} {categories[0]}: {message}")
            return [failed(self.name, categories[0], visit.now, reason)]
        if len(categories) == 1 or not message:
            return [failed(self.name, category, visit.now, error) for category in categories]
        if culprit is None:
            return await self._halves(visit, categories)
        reason = SourceError(f"{_UNKNOWN} {culprit}: {message}")
        others = [category for category in categories if category != culprit]
        return [*await self._group(visit, others), failed(self.name, culprit, visit.now, reason)]

    async def _halves(self, visit: FetchContext, categories: Sequence[str]) -> list[FetchResult]:
        half = len(categories) // 2
        first, second = (
            await self._group(visit, categories[:half]),
            await self._group(visit, categories[half:]),
        )
        return [*first, *second]


_UNKNOWN = "arXiv does not know"
_NEWS = frozenset({Announcement.NEW, Announcement.CROSS})


def by_category(reading: FetchResult, categories: Sequence[str]) -> list[FetchResult]:
    """One reading per category, each paper once; the raw answer stays with the first."""
    shelves: dict[str, list[Paper]] = {category: [] for category in categories}
    for paper in reading.papers:
        shelves[shelf_of(paper, categories)].append(paper)
    return [
        replace(reading, scope=category, papers=tuple(papers), body=b"" if index else reading.body)
        for index, (category, papers) in enumerate(shelves.items())
    ]


def shelf_of(paper: Paper, categories: Sequence[str]) -> str:
    """The first of the paper's categories that we asked for."""
    for own in paper.categories:
        for asked in (own, own.partition(".")[0]):
            if asked in categories:
                return asked
    return categories[0]


def _noting(reading: FetchResult, note: str, *, health: Health, day: date | None) -> FetchResult:
    return replace(reading, health=health, day=day, note=f"{reading.note} {note}".strip())


def _same_answer(memories: Sequence[FetchState], today: date) -> FetchState:
    """What to ask `has it changed since?` with: only when the day is done for every category."""
    first = memories[0]
    is_done = all(memory.day == today and memory.etag == first.etag for memory in memories)
    return first if is_done and first.etag else FetchState()


def _is_at_cap(reading: FetchResult) -> bool:
    return len(reading.papers) >= arxiv_rss.CAP


def _broke_off(reading: FetchResult) -> str:
    return f"The connection broke off after {len(reading.papers)} papers."
