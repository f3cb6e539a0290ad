"""Hacker News as a source of attention: pages of Algolia's search, joined to papers by their links."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from digest.models import FetchResult, Health, Signal, SignalKind
from digest.models.errors import SourceError
from digest.models.paper_ids import canonicalize
from digest.sources.arxiv.api import look_up
from digest.sources.base import FetchContext, add_note, announce, to_sentence
from digest.sources.config import SourceConfig
from digest.sources.items import Items, UnreadableItem, make_items
from digest.sources.json_body import get_count, get_text, load_json, require_list

PERIOD = timedelta(days=14)  # points come in the first days
MAX_NEW_AGE = timedelta(days=60)  # an older paper is no news, however much it is discussed
MAX_STORIES = 200  # in one response
MAX_PAGES = 5  # Algolia shows 1,000 stories of a search
# Words in the addresses of papers, each a search of its own.
SITES = (
    "arxiv.org", "alphaxiv.org", "huggingface.co/papers", "biorxiv.org", "medrxiv.org", "openreview.net",
    "doi.org", "nature.com/articles", "science.org/doi", "pubmed.ncbi.nlm.nih.gov",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Story:
    """A story that links to a paper."""

    story_id: str
    paper_id: str
    points: float
    comments: float


@dataclass(frozen=True, slots=True)
class StoryPage:
    """One response of the search."""

    stories: Items[Story]
    is_full: bool  # so that another page may follow
    note: str


@dataclass(frozen=True, slots=True)
class HackerNews:
    """Points and comments of stories that link to papers; those of arXiv's not stored are looked up."""

    config: SourceConfig
    name: str = "hackernews"

    async def fetch(self, context: FetchContext) -> AsyncIterator[FetchResult]:
        """Yield one result of the stories of PERIOD."""
        pages: list[StoryPage] = []
        notes: list[str] = []
        for site in context.track("Hacker News", SITES):
            found, note = await self._fetch_site(context, site, is_first=not pages)
            pages += found
            notes += [note] if note else []
        result = add_note(build_result(pages, context.now), " ".join(notes))
        yield await self._add_papers(context, result)

    async def _fetch_site(
        self, context: FetchContext, site: str, *, is_first: bool
    ) -> tuple[list[StoryPage], str]:
        """Return the pages of stories that link to a site, and a note on what is missing.

        Raises:
            SourceError: nothing could be read, and *is_first*.
        """
        pages: list[StoryPage] = []
        while len(pages) < MAX_PAGES and (not pages or pages[-1].is_full):
            try:
                pages.append(parse_page(await self._fetch_page(context, site, len(pages))))
            except SourceError as error:
                if not pages and is_first:
                    raise
                count, reason = len(pages) * MAX_STORIES, to_sentence(str(error))
                return pages, f"Only the newest {count} stories on {site} were read: {reason}"
        if len(pages) == MAX_PAGES and pages[-1].is_full:
            return pages, f"Older stories on {site} than the newest {MAX_PAGES * MAX_STORIES} were not read."
        return pages, ""

    async def _fetch_page(self, context: FetchContext, site: str, number: int) -> bytes:
        response = await context.client.get(
            f"{self.config.hackernews_url}/api/v1/search_by_date",
            rate_group=self.name,
            params={
                "query": site,
                "restrictSearchableAttributes": "url",
                "tags": "story",
                "numericFilters": f"created_at_i>{int((context.now - PERIOD).timestamp())}",
                "hitsPerPage": MAX_STORIES,
                "page": number,
            },
        )
        return response.body

    async def _add_papers(self, context: FetchContext, result: FetchResult) -> FetchResult:
        """Return the result with the papers that are not stored; signals of unknown papers are left out."""
        ids = list(dict.fromkeys(signal.paper_id for signal in result.signals))
        found = await look_up(context, self.config.arxiv_api_url, ids)
        papers = tuple(
            replace(paper, announcement=announce(paper.published, context.now, max_age=MAX_NEW_AGE))
            for paper in found.papers
        )
        unknown = {*context.list_new(ids)} - {paper.id for paper in papers}
        signals = tuple(signal for signal in result.signals if signal.paper_id not in unknown)
        return add_note(result, found.note, papers=papers, signals=signals)


def parse_page(body: bytes) -> StoryPage:
    """Return the stories of a response.

    Raises:
        SourceChanged: the body has another shape.
    """
    document = load_json(body, items_key="hits")
    stories = make_items(require_list(document.value, "hits", "stories"), _parse_story).check("stories")
    return StoryPage(stories, stories.total >= MAX_STORIES, document.note)


def build_result(pages: Sequence[StoryPage], read_at: datetime) -> FetchResult:
    """Return the attention of each linked paper, summed over its stories; one on two pages counts once."""
    # While pages are fetched, new stories move the others to the next page.
    stories = {
        story.story_id or (page_number, number): story
        for page_number, page in enumerate(pages)
        for number, story in enumerate(page.stories.made)
    }
    totals: dict[tuple[str, SignalKind], float] = {}
    for story in stories.values():
        for kind, value in ((SignalKind.POINTS, story.points), (SignalKind.COMMENTS, story.comments)):
            totals[story.paper_id, kind] = totals.get((story.paper_id, kind), 0.0) + value
    signals = tuple(
        Signal(paper_id=paper_id, kind=kind, value=value, observed_at=read_at, source="hackernews")
        for (paper_id, kind), value in totals.items()
    )
    hit_count = sum(page.stories.total for page in pages)
    skipped = sum(page.stories.skipped for page in pages)
    result = FetchResult(
        source="hackernews",
        scope="stories",
        read_at=read_at,
        signals=signals,
        health=Health.OK if hit_count else Health.EMPTY,
        note=f"{skipped} of {hit_count} stories could not be read." if skipped else "",
    )
    return add_note(result, " ".join(dict.fromkeys(page.note for page in pages if page.note)))


def _parse_story(hit: object) -> Story | None:
    """Return a story; None if it links to no paper."""
    if not isinstance(hit, dict):
        raise UnreadableItem("not an object")
    try:
        paper_id = canonicalize(get_text(hit, "url"))
    except ValueError:
        return None
    points, comments = get_count(hit, "points") or 0.0, get_count(hit, "num_comments") or 0.0
    return Story(str(hit.get("objectID") or ""), paper_id, points, comments)
