"""Has arXiv told us everything? Its feeds, judged category by category, and healed where they fail."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from digest.errors import SourceError
from digest.fetch import arxiv_rss
from digest.fetch.answer import Refused
from digest.fetch.source import Visit, failed
from digest.model import Memory, Paper, Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Arxiv:
    """New papers of the chosen categories: one request for all, one reading for each."""

    categories: tuple[str, ...]
    rss: str
    oai: str = ""
    listing: str = ""
    name: str = "arxiv"

    async def read(self, visit: Visit) -> AsyncIterator[Reading]:
        """One reading per category; every paper stands under the first of our categories it is in."""
        visit.tell("arXiv feeds", 0, len(self.categories))
        for reading in await self._group(visit, self.categories):
            yield reading
        visit.tell("arXiv feeds", len(self.categories), len(self.categories))

    async def _group(self, visit: Visit, categories: Sequence[str]) -> list[Reading]:
        """Read a group at once; split it where one category is refused or the whole is cut."""
        scope = "+".join(categories)
        try:
            body, etag, modified = await arxiv_rss.ask(visit.client, self.rss, categories, Memory())
            reading = arxiv_rss.parse(body, scope, visit.now)
        except Refused as error:
            return await self._without_the_refused(visit, categories, error)
        except SourceError as error:
            return [failed(self.name, category, visit.now, error) for category in categories]
        reading = replace(reading, etag=etag, last_modified=modified)
        return by_category(reading, categories)

    async def _without_the_refused(
        self, visit: Visit, categories: Sequence[str], error: Refused
    ) -> list[Reading]:
        message = arxiv_rss.error_in(error.answer.body)
        if len(categories) == 1:
            reason = SourceError(f"arXiv does not know {categories[0]}: {message}" if message else str(error))
            return [failed(self.name, categories[0], visit.now, reason)]
        half = len(categories) // 2
        return [
            *await self._group(visit, categories[:half]),
            *await self._group(visit, categories[half:]),
        ]


def by_category(reading: Reading, categories: Sequence[str]) -> list[Reading]:
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
