"""PubMed as a source: NCBI's E-utilities, searched by the day on which a record was entered.

https://www.ncbi.nlm.nih.gov/books/NBK25499/. A search gives ids; only records that are not stored are
fetched. MeSH headings are added weeks after a record was entered, so a query that names one is also asked for
the records that got their headings since the last reading.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from lxml import etree

from digest.models import FetchResult, Health, Paper
from digest.models.errors import SourceChanged, SourceError
from digest.models.journals import name_journal
from digest.models.notices import is_withdrawn
from digest.models.paper_ids import find_ids
from digest.sources.base import FetchContext, to_aliases
from digest.sources.config import SourceConfig
from digest.sources.http.response import Accept
from digest.sources.items import UnreadableItem
from digest.sources.json_body import get_value, load_json
from digest.sources.pages import collect_pages, find_period_start, split_batches, to_xml_result
from digest.sources.text.dates import parse_date
from digest.sources.text.normalize import normalize_names, normalize_text, normalize_title, strip_tags
from digest.sources.xml import markup_of, parse_elements, text_of

TOOL = "trending-papers-digest"  # NCBI asks every program to name itself
MAX_IDS = 9_999  # of one search; PubMed shows no more
BATCH_SIZE = 200  # records in one request
MAX_INDEXING_TIME = timedelta(days=365)  # from the entry of a record to its headings
MAX_CATEGORIES = 12  # the journal and the main headings
_MESH_FIELD = re.compile(r"\[(?:mh|mesh|majr|sh|subheading|pa)\b", re.IGNORECASE)
_NOT_PAPERS = frozenset({
    "Published Erratum", "Retraction of Publication", "Retraction Notice", "Expression of Concern",
})  # fmt: skip
_PREPRINT_JOURNAL = re.compile(
    r"\b(?:arxiv|biorxiv|medrxiv|res(?:earch)? sq|preprint|ssrn|chemrxiv)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Search:
    """The ids a search found, newest first, and where NCBI keeps them for a while."""

    ids: tuple[str, ...]
    count: int
    web_env: str = ""
    query_key: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class PubMed:
    """Records that match a query, written as on pubmed.gov."""

    config: SourceConfig
    name: str = "pubmed"

    async def fetch(self, context: FetchContext) -> AsyncIterator[FetchResult]:
        """Yield one result of all records that were entered or got their headings lately."""
        if not self.config.pubmed_query:
            raise SourceError("has no query: set DIGEST_PUBMED_QUERY")
        state = context.get_state(self.name)
        yield await collect_pages(
            self._iter_batches(context, find_period_start(state, context.now)),
            source=self.name,
            scope=self.name,
            read_at=context.now,
            usual=state.usual,
        )

    async def _iter_batches(self, context: FetchContext, start: datetime) -> AsyncIterator[FetchResult]:
        first, last = start.date(), context.now.date() + timedelta(days=1)
        async for batch in self._iter_period(context, self.config.pubmed_query, "edat", first, last):
            yield batch
        if _MESH_FIELD.search(self.config.pubmed_query) and context.get_state(self.name).read_at:
            oldest = f"{last - MAX_INDEXING_TIME:%Y/%m/%d}"
            query = f"({self.config.pubmed_query}) AND {oldest}:{last:%Y/%m/%d}[edat]"
            async for batch in self._iter_period(context, query, "mhda", first, last):
                yield batch

    async def _iter_period(
        self, context: FetchContext, query: str, date_type: str, first: date, last: date
    ) -> AsyncIterator[FetchResult]:
        """Yield batches of the records in a period that are not stored; halve it where there are too many."""
        search = await self._search(context, query, date_type, first, last)
        if search.count > MAX_IDS and first < last:
            middle = first + (last - first) // 2
            for half in ((first, middle), (middle + timedelta(days=1), last)):
                async for batch in self._iter_period(context, query, date_type, *half):
                    yield batch
            return
        note = search.note
        if search.count > MAX_IDS:
            note = f"{note} Of {search.count} records of one day, {MAX_IDS} were read.".strip()
        health = Health.TRUNCATED if search.count > MAX_IDS else Health.OK
        yield FetchResult(source=self.name, scope=self.name, read_at=context.now, health=health, note=note)
        ids = context.list_new([f"pmid:{pmid}" for pmid in search.ids])
        new = [paper_id.removeprefix("pmid:") for paper_id in ids]
        for done, batch_ids in enumerate(split_batches(new, BATCH_SIZE)):
            context.report_progress("PubMed", done, -(-len(new) // BATCH_SIZE))
            is_whole = len(new) == len(search.ids) and search.web_env
            yield await self._fetch_batch(context, batch_ids, search if is_whole else None, done * BATCH_SIZE)

    async def _search(
        self, context: FetchContext, query: str, date_type: str, first: date, last: date
    ) -> Search:
        """Return all ids of a search, of which an answer may hold a part only."""
        params: dict[str, str | int] = {
            "term": query, "datetype": date_type, "retmax": MAX_IDS, "retmode": "json", "usehistory": "y",
            "mindate": f"{first:%Y/%m/%d}", "maxdate": f"{last:%Y/%m/%d}",
        }  # fmt: skip
        search = parse_search(await self._get(context, "esearch", params, Accept.JSON))
        while 0 < len(search.ids) < min(search.count, MAX_IDS):
            rest = {**params, "retstart": len(search.ids)}
            more = parse_search(await self._get(context, "esearch", rest, Accept.JSON))
            ids = tuple(dict.fromkeys((*search.ids, *more.ids)))
            if len(ids) == len(search.ids):
                break
            search = replace(more, ids=ids)
        return search

    async def _fetch_batch(
        self, context: FetchContext, ids: Sequence[str], search: Search | None, start: int
    ) -> FetchResult:
        """Fetch records by their ids, or by their place in a *search*, whose address is shorter."""
        params: dict[str, str | int] = {"id": ",".join(ids)}
        if search:
            params = {
                "WebEnv": search.web_env, "query_key": search.query_key, "retstart": start,
                "retmax": BATCH_SIZE,
            }  # fmt: skip
        body = await self._get(context, "efetch", {**params, "retmode": "xml"}, Accept.XML)
        return parse(body, self.name, context.now)

    async def _get(
        self, context: FetchContext, program: str, params: Mapping[str, str | int], accept: Accept
    ) -> bytes:
        who = {"tool": TOOL, "email": self.config.contact, "api_key": self.config.pubmed_key}
        response = await context.client.get(
            f"{self.config.pubmed_url}/entrez/eutils/{program}.fcgi",
            rate_group="pubmed",
            accept=accept,
            params={"db": "pubmed", **params, **who},
        )
        return response.body


def parse_search(body: bytes) -> Search:
    """Return the ids in an answer of ESearch.

    Raises:
        SourceError: PubMed refused the query.
        SourceChanged: the body has another shape.
    """
    document = load_json(body).value
    result = get_value(document, "esearchresult")
    if not isinstance(result, dict):
        raise SourceChanged("the answer is not the expected search result")
    if reason := result.get("ERROR") or document.get("error"):
        raise SourceError(f"refused the query: {str(reason)[:200]}")
    ids = result.get("idlist")
    count = str(result.get("count", ""))
    if not isinstance(ids, list) or not re.fullmatch(r"[0-9]{1,18}", count):
        raise SourceChanged("the search result has no list of ids")
    return Search(
        ids=tuple(pmid for pmid in ids if isinstance(pmid, str) and pmid.isdecimal()),
        count=int(count),
        web_env=str(result.get("webenv") or ""),
        query_key=str(result.get("querykey") or ""),
        note=_describe_warnings(result),
    )


def _describe_warnings(result: Mapping[str, Any]) -> str:
    """Return what PubMed did not find or ignored in the query, as a sentence; usually empty."""
    words: dict[str, None] = {}
    for name in ("errorlist", "warninglist"):
        lists = result.get(name)
        for values in lists.values() if isinstance(lists, dict) else ():
            words |= {str(word)[:80]: None for word in values if word} if isinstance(values, list) else {}
    return f"PubMed says of the query: {'; '.join(list(words)[:5])}." if words else ""


def parse(body: bytes, scope: str, read_at: datetime) -> FetchResult:
    """Return the papers in an answer of EFetch; notices of errors and retractions are left out.

    Raises:
        SourceChanged: the body has another shape.
    """
    parsed = parse_elements(body, ("PubmedArticle",), _parse_article)
    if parsed.root not in ("PubmedArticleSet", "PubmedArticle"):
        raise SourceChanged("the answer is XML, but not a set of articles")
    return to_xml_result(scope, scope, read_at, parsed, parsed.items, unread="records could not be read")


def _parse_article(record: etree._Element) -> Paper | None:
    pmid = text_of(record.find("MedlineCitation/PMID"))
    article = record.find("MedlineCitation/Article")
    if article is None or not pmid.isdecimal():
        raise UnreadableItem(pmid)
    types = {text_of(kind) for kind in article.iterfind("PublicationTypeList/PublicationType")}
    if types & _NOT_PAPERS:
        return None
    title = _parse_title(article)
    if not title:
        raise UnreadableItem(pmid)
    doi = _find_doi(record, article)
    ids = (*to_aliases(doi), f"pmid:{pmid}")
    abstract = normalize_text(" ".join(_iter_abstract(article)))
    keywords = record.iterfind("MedlineCitation/KeywordList/Keyword")
    return Paper(
        id=ids[0],
        title=title,
        abstract=abstract,
        url=f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/",
        published=_find_date(record, article),
        authors=normalize_names(_iter_authors(article)),
        categories=tuple(dict.fromkeys(_iter_categories(record, article)))[:MAX_CATEGORIES],
        aliases=(*ids[1:], *_find_other_versions(record, is_preprint="Preprint" in types)),
        source="pubmed",
        keywords=tuple(filter(None, map(normalize_text, map(text_of, keywords)))),
        withdrawn="Retracted Publication" in types or is_withdrawn(title, abstract),
    )


def _parse_title(article: etree._Element) -> str:
    """Return the title without the stop behind it, and without the brackets of a translated one."""
    for name in ("ArticleTitle", "VernacularTitle"):
        title = normalize_title(strip_tags(markup_of(article.find(name))))
        title = title.removesuffix(".") if not title.endswith("..") else title
        title = title[1:-1].removesuffix(".") if title.startswith("[") and title.endswith("]") else title
        if title and title != "Not Available":
            return title
    return ""


def _iter_abstract(article: etree._Element) -> Iterator[str]:
    """Yield the sections of an abstract, each with its label."""
    for section in article.iterfind("Abstract/AbstractText"):
        label, text = (section.get("Label") or "").strip(), strip_tags(markup_of(section))
        if text:
            yield f"{label.capitalize()}: {text}" if label and label != "UNLABELLED" else text


def _iter_authors(article: etree._Element) -> Iterator[str]:
    for author in article.iterfind("AuthorList/Author"):
        if author.get("ValidYN") != "N":
            given, initials, *others = (
                text_of(author.find(name)) for name in ("ForeName", "Initials", "LastName", "Suffix")
            )
            names = filter(None, (given or " ".join(initials), *others))
            yield " ".join(names) or text_of(author.find("CollectiveName"))


def _iter_categories(record: etree._Element, article: etree._Element) -> Iterator[str]:
    """Yield the journal and the main MeSH headings, without commas, which separate names in lists."""
    issns = [text_of(issn) for issn in (article.find("Journal/ISSN"), record.find(".//ISSNLinking"))]
    if journal := name_journal(normalize_text(text_of(article.find("Journal/Title"))), issns):
        yield journal
    for heading in record.iterfind("MedlineCitation/MeshHeadingList/MeshHeading"):
        descriptor = heading.find("DescriptorName")
        parts = [part for part in heading if part.get("MajorTopicYN") == "Y"]
        if descriptor is not None and parts and (name := normalize_text(text_of(descriptor))):
            yield " ".join(name.replace(",", " ").split())


def _find_doi(record: etree._Element, article: etree._Element) -> str:
    places = (
        *(place for place in article.iterfind("ELocationID") if place.get("ValidYN") != "N"),
        *record.iterfind("PubmedData/ArticleIdList/ArticleId"),  # of this article, not of its references
    )
    kinds = ((place.get("EIdType") or place.get("IdType"), text_of(place)) for place in places)
    return next((text for kind, text in kinds if kind == "doi" and text), "")


def _find_other_versions(record: etree._Element, *, is_preprint: bool) -> Iterator[str]:
    """Yield the ids of the preprint of an article, or of the article that a preprint became."""
    for other in record.iterfind("MedlineCitation/CommentsCorrectionsList/CommentsCorrections"):
        where = text_of(other.find("RefSource"))
        is_version = other.get("RefType") in ("UpdateIn", "UpdateOf")
        if is_version and (is_preprint or _PREPRINT_JOURNAL.search(where)):
            pmid = text_of(other.find("PMID"))
            yield from (f"pmid:{pmid}",) if pmid.isdecimal() else ()
            yield from find_ids(where)


def _find_date(record: etree._Element, article: etree._Element) -> datetime | None:
    """Return when it went online, else when it was entered, else the date of the issue: it may lie ahead."""
    statuses = (f"PubMedPubDate[@PubStatus='{name}']" for name in ("entrez", "pubmed"))
    entered = (record.find(f"PubmedData/History/{status}") for status in statuses)
    places = (article.find("ArticleDate"), *entered, article.find("Journal/JournalIssue/PubDate"))
    return next(filter(None, map(_parse_date, places)), None)


def _parse_date(place: etree._Element | None) -> datetime | None:
    if place is None:
        return None
    year, month, day = (text_of(place.find(name)) for name in ("Year", "Month", "Day"))
    if not year:
        return parse_date(text_of(place.find("MedlineDate"))[:8])
    if month.isdecimal():
        return parse_date(f"{year}-{month:0>2}-{day or '1':0>2}")
    return parse_date(f"{day} {month} {year}".strip()) if month else parse_date(f"{year}-01-01")
