"""OpenAlex as a source: new works of journals, authors and institutions or for words, and citations.

https://docs.openalex.org. Abstracts come as an index of the places of each word. Works appear days to weeks
after they were published, so they are chosen by the day on which OpenAlex created its record, once a day.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from digest.models import FetchResult, FetchState, Health, Paper, Signal, SignalKind
from digest.models.journals import name_journal
from digest.models.notices import is_notice, is_withdrawn
from digest.models.paper_ids import build_title_key, canonicalize
from digest.sources.base import FetchContext, announce, to_web_link
from digest.sources.config import SourceConfig
from digest.sources.items import UnreadableItem, make_items
from digest.sources.json_body import get_count, get_list, get_text, get_value, load_json, require_list
from digest.sources.pages import (
    MAX_PAGES,
    collect_pages,
    cut_page,
    find_period_start,
    split_batches,
    to_result,
)
from digest.sources.text.dates import parse_date
from digest.sources.text.normalize import normalize_names, normalize_text, normalize_title, strip_tags

PAGE_SIZE = 200
MAX_DELAY = timedelta(days=60)  # from the publication of a work to its record; an older work is no news
MAX_VALUES = 50  # ids in one filter, whose address would else be too long
MAX_WORDS = 5_000  # of an abstract; an index with higher places is meant to harm
FIELDS = (
    "id,doi,title,publication_date,created_date,type,ids,authorships,primary_location,locations,"
    "abstract_inverted_index,cited_by_count,is_retracted,primary_topic"
)
CITATIONS = "citations"  # the scope of what is looked up for stored papers
_NOT_PAPERS = frozenset({"paratext", "erratum", "retraction", "peer-review", "grant", "dataset", "libguides"})


@dataclass(frozen=True, slots=True)
class OpenAlex:
    """New works by journal, author, institution and words, and the citations of stored papers."""

    config: SourceConfig
    name: str = "openalex"

    async def fetch(self, context: FetchContext) -> AsyncIterator[FetchResult]:
        """Yield one result for each kind of search, and once a day the citations of stored papers."""
        for scope, params in self._iter_searches():
            state = context.get_state(scope)
            if _is_read_today(state, context.now):
                yield FetchResult(
                    source=self.name, scope=scope, read_at=context.now, note="Read today already."
                )
                continue
            yield await collect_pages(
                self._iter_pages(context, scope, params, find_period_start(state, context.now)),
                source=self.name, scope=scope, read_at=context.now, usual=state.usual,
            )  # fmt: skip
        ids = {doi.removeprefix("doi:"): id_ for id_ in context.ids_to_enrich if (doi := _to_doi(id_))}
        if ids and not _is_read_today(context.get_state(CITATIONS), context.now):  # they change slowly
            citations = self._iter_citations(context, ids)
            yield await collect_pages(citations, source=self.name, scope=CITATIONS, read_at=context.now)

    def _iter_searches(self) -> Iterator[tuple[str, Mapping[str, str]]]:
        """Yield the scope and the parameters of each search."""
        authors = [id_.rpartition("/")[2] for id_ in self.config.openalex_authors]
        institutions = [id_.rpartition("/")[2] for id_ in self.config.openalex_institutions]
        orcids = [id_ for id_ in authors if "-" in id_]
        numbers = [id_ for id_ in institutions if id_.startswith("I")]
        filters = [
            ("journals", "primary_location.source.issn", self.config.issns),
            ("authors", "authorships.author.orcid", orcids),
            ("authors by number", "authorships.author.id", [id_ for id_ in authors if id_ not in orcids]),
            (
                "institutions",
                "authorships.institutions.ror",
                [id_ for id_ in institutions if id_ not in numbers],
            ),
            ("institutions by number", "authorships.institutions.id", numbers),
        ]
        for scope, name, values in filters:
            for number, batch in enumerate(split_batches(values, MAX_VALUES), 1):
                yield f"{scope} {number}" if number > 1 else scope, {"filter": f"{name}:{'|'.join(batch)}"}
        if self.config.openalex_query:
            yield "query", {"search": self.config.openalex_query}

    async def _iter_pages(
        self, context: FetchContext, scope: str, params: Mapping[str, str], start: datetime
    ) -> AsyncIterator[FetchResult]:
        """Yield pages of the works whose records were created since *start*."""
        since = f"from_publication_date:{(context.now - MAX_DELAY).date()}"
        filters = ",".join(filter(None, [params.get("filter", ""), since]))
        cursor = "*"
        for number in range(MAX_PAGES):
            context.report_progress(f"OpenAlex {scope}", number, number + 1)
            body = await self._get(context, {**params, "filter": filters, "cursor": cursor})
            page, cursor = parse(body, scope, context.now, created_since=start)
            yield page
            if not cursor:
                return
        yield cut_page(self.name, scope, context.now)

    async def _iter_citations(
        self, context: FetchContext, ids: Mapping[str, str]
    ) -> AsyncIterator[FetchResult]:
        """Yield the citations of stored papers, whose ids are given by their DOI."""
        usable = [doi for doi in ids if "," not in doi and "|" not in doi]  # they separate filters and values
        for batch in split_batches(usable, MAX_VALUES):
            body = await self._get(context, {"filter": f"doi:{'|'.join(batch)}"})
            page, _ = parse(body, CITATIONS, context.now)
            signals = (
                replace(s, paper_id=ids.get(s.paper_id.removeprefix("doi:"), s.paper_id))
                for s in page.signals
            )
            known = tuple(signal for signal in signals if signal.paper_id in ids.values())
            yield replace(page, papers=(), signals=known, health=Health.OK)

    async def _get(self, context: FetchContext, params: Mapping[str, str]) -> bytes:
        response = await context.client.get(
            f"{self.config.openalex_url}/works",
            rate_group="openalex",
            params={
                "per-page": PAGE_SIZE, "select": FIELDS, **params,
                "api_key": self.config.openalex_key, "mailto": self.config.contact,
            },
        )  # fmt: skip
        return response.body


def parse(
    body: bytes, scope: str, read_at: datetime, *, created_since: datetime | None = None
) -> tuple[FetchResult, str]:
    """Return the works of one page with their citations, and the cursor of the next, empty on the last.

    Works with an older record are left out.

    Raises:
        SourceChanged: the body has another shape.
    """
    document = load_json(body, items_key="results")
    items = require_list(document.value, "results", "works")
    works = make_items(items, lambda item: _parse_work(item, read_at, created_since)).check("works")
    papers = tuple(paper for paper, _ in works.made)
    signals = tuple(signal for _, signal in works.made if signal)
    page = to_result(
        "openalex", scope, read_at, works, "works", note=document.note, papers=papers, signals=signals
    )
    return page, get_text(document.value, "meta", "next_cursor") if len(items) >= PAGE_SIZE else ""


def restore_abstract(index: Any) -> str:
    """Return the text of an inverted index, which maps each word to its places; empty if it is none."""
    places: dict[int, str] = {}
    for word, numbers in index.items() if isinstance(index, dict) else ():
        for number in numbers if isinstance(numbers, list) else ():
            if isinstance(number, int) and 0 <= number < MAX_WORDS:
                places[number] = word
    return " ".join(places[number] for number in sorted(places))


def _is_read_today(state: FetchState, now: datetime) -> bool:
    return state.read_at is not None and state.read_at.date() == now.date()


def _to_doi(paper_id: str) -> str:
    """Return the DOI of a paper, also of one on arXiv; empty if it has none."""
    kind, _, number = paper_id.partition(":")
    return {"doi": paper_id, "arxiv": f"doi:10.48550/arxiv.{number}"}.get(kind, "")


def _parse_work(
    work: Any, read_at: datetime, created_since: datetime | None
) -> tuple[Paper, Signal | None] | None:
    if not isinstance(work, dict):
        raise UnreadableItem("work")
    created = parse_date(str(work.get("created_date") or ""))
    if created_since and created and created.date() < created_since.date():
        return None
    title = normalize_title(strip_tags(get_text(work, "title") or get_text(work, "display_name")))
    if work.get("type") in _NOT_PAPERS or is_notice(title):
        return None
    names = (get_text(author, "author", "display_name") for author in get_list(work, "authorships"))
    authors = normalize_names(names)
    published = parse_date(get_text(work, "publication_date"))
    # The DOI, and the ids in the addresses of all places where the work is.
    ids = tuple(dict.fromkeys(_iter_ids(work)))
    paper_id = ids[0] if ids else build_title_key(title, authors, published.year if published else None)
    if not title or not paper_id:
        raise UnreadableItem("work")
    abstract = normalize_text(strip_tags(restore_abstract(work.get("abstract_inverted_index"))))
    paper = Paper(
        id=paper_id,
        title=title,
        abstract=abstract,
        url=to_web_link(get_value(work, "primary_location", "landing_page_url"))
        or to_web_link(work.get("doi")),
        pdf_url=to_web_link(get_value(work, "primary_location", "pdf_url")),
        published=published,
        authors=authors,
        categories=tuple(dict.fromkeys(_iter_categories(work))),
        aliases=ids[1:],
        announcement=announce(published, read_at, max_age=MAX_DELAY),
        source="openalex",
        withdrawn=work.get("is_retracted") is True or is_withdrawn(title, abstract),
    )
    count = get_count(work, "cited_by_count")
    if count is None:
        return paper, None
    kind = SignalKind.CITATIONS
    return paper, Signal(paper_id=paper_id, kind=kind, value=count, observed_at=read_at, source="openalex")


def _iter_ids(work: Mapping[str, Any]) -> Iterator[str]:
    places = (get_text(place, "landing_page_url") for place in get_list(work, "locations"))
    for link in (get_text(work, "doi"), get_text(work, "ids", "pmid"), *places):
        with suppress(ValueError):
            yield canonicalize(link)


def _iter_categories(work: Mapping[str, Any]) -> Iterator[str]:
    """Yield the journal and the topic."""
    place = get_value(work, "primary_location", "source")
    if get_text(place, "type") == "journal":
        codes = [issn for issn in get_list(place, "issn") if isinstance(issn, str)]
        yield from filter(None, [name_journal(get_text(place, "display_name"), codes)])
    if name := get_text(work, "primary_topic", "subfield", "display_name"):
        yield " ".join(name.replace(",", " ").split())
