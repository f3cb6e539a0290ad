"""arXiv's query API: papers by their ids. It is never used to discover papers."""

from collections.abc import Sequence
from datetime import datetime

from lxml import etree

from digest.models import FetchResult, Paper
from digest.models.errors import SourceChanged, SourceError
from digest.models.notices import is_withdrawn
from digest.models.paper_ids import parse_arxiv_id, parse_arxiv_version
from digest.sources.base import FetchContext, add_note, to_aliases, to_sentence
from digest.sources.http.client import Client
from digest.sources.http.response import Accept, BadResponse
from digest.sources.items import UnreadableItem
from digest.sources.pages import split_batches, to_xml_result
from digest.sources.text.dates import parse_date
from digest.sources.text.normalize import normalize_names, normalize_text, normalize_title
from digest.sources.xml import ATOM, parse_elements, text_of

MAX_IDS_PER_REQUEST = 100
_EXTENSION = "{http://arxiv.org/schemas/atom}"
_ERROR_MARK = "/api/errors#"


async def look_up(context: FetchContext, base_url: str, paper_ids: Sequence[str]) -> FetchResult:
    """Return the papers of arXiv among these ids that are not stored; none without *base_url*.

    A request that fails is named in the note.
    """
    ids = context.list_new([paper_id for paper_id in paper_ids if paper_id.startswith("arxiv:")])
    try:
        return await fetch_by_id(context.client, base_url, ids if base_url else (), context.now)
    except SourceError as error:
        note = f"{len(ids)} papers could not be looked up at arXiv: {to_sentence(str(error))}"
        return FetchResult(source="arxiv-api", scope="look-up", read_at=context.now, note=note)


async def fetch_by_id(
    client: Client, base_url: str, paper_ids: Sequence[str], read_at: datetime
) -> FetchResult:
    """Return the papers with these arXiv ids; the note names ids that arXiv does not know.

    Raises:
        SourceError: a request failed.
    """
    ids = [paper_id.removeprefix("arxiv:") for paper_id in paper_ids]
    batches = split_batches(ids, MAX_IDS_PER_REQUEST)
    results = [await _fetch_batch(client, base_url, batch, read_at) for batch in batches]
    papers = tuple(paper for result in results for paper in result.papers)
    missing = sorted(set(ids) - {paper.id.removeprefix("arxiv:") for paper in papers})
    note = " ".join(result.note for result in results if result.note)
    merged = FetchResult(source="arxiv-api", scope="look-up", read_at=read_at, papers=papers, note=note)
    if not missing:
        return merged
    return add_note(merged, f"arXiv does not know {', '.join(missing[:5])}{' …' if missing[5:] else ''}.")


async def _fetch_batch(client: Client, base_url: str, ids: Sequence[str], read_at: datetime) -> FetchResult:
    try:
        response = await client.get(
            f"{base_url}/api/query",
            rate_group="arxiv",
            accept=Accept.XML,
            params={"id_list": ",".join(ids), "start": 0, "max_results": len(ids)},
        )
    except BadResponse as error:
        raise SourceError(find_error(error.response.body) or str(error)) from error
    return parse(response.body, "look-up", read_at)


def parse(body: bytes, scope: str, read_at: datetime) -> FetchResult:
    """Return the papers of one response.

    Raises:
        SourceChanged: the body is no Atom feed, or holds an error entry.
    """
    if message := find_error(body):
        raise SourceChanged(f"arXiv says: {message}")
    parsed = parse_elements(body, (f"{ATOM}entry",), _parse_entry)
    if not parsed.broken and parsed.root != f"{ATOM}feed":
        raise SourceChanged("the answer is XML, but not a feed")
    unread = "entries could not be read"
    return to_xml_result("arxiv-api", scope, read_at, parsed, parsed.items, unread=unread)


def find_error(body: bytes) -> str:
    """Return the message of an error entry; empty if there is none."""
    if _ERROR_MARK.encode() not in body:
        return ""
    return next(iter(parse_elements(body, (f"{ATOM}entry",), _parse_error).items), "")


def _parse_error(entry: etree._Element) -> str | None:
    is_error = _ERROR_MARK in text_of(entry.find(f"{ATOM}id"))
    return text_of(entry.find(f"{ATOM}summary")) or "an error without words" if is_error else None


def _parse_entry(entry: etree._Element) -> Paper:
    fields = {child.tag: text_of(child) if len(child) else child.text or "" for child in entry}
    url = fields.get(f"{ATOM}id", "").removeprefix("http://arxiv.org/abs/")  # the plain id is parsed faster
    identifier = parse_arxiv_id(url)
    title = normalize_title(fields.get(f"{ATOM}title", ""))
    if identifier is None or not title:
        raise UnreadableItem(url)
    abstract = normalize_text(fields.get(f"{ATOM}summary", ""))
    return Paper(
        id=f"arxiv:{identifier}",
        title=title,
        abstract=abstract,
        url=f"https://arxiv.org/abs/{identifier}",
        pdf_url=f"https://arxiv.org/pdf/{identifier}",
        published=parse_date(fields.get(f"{ATOM}published", "")),
        authors=normalize_names(map(text_of, entry.iter(f"{ATOM}name"))),
        categories=_parse_categories(entry),
        version=parse_arxiv_version(url) or 1,
        aliases=to_aliases(fields.get(f"{_EXTENSION}doi", "")),
        source="arxiv-api",
        withdrawn=is_withdrawn(title, abstract, fields.get(f"{_EXTENSION}comment", "")),
    )


def _parse_categories(entry: etree._Element) -> tuple[str, ...]:
    """Return the categories, the primary one first, without the MSC and ACM classes among them."""
    tags = (f"{_EXTENSION}primary_category", f"{ATOM}category")
    terms = [child.get("term", "") for tag in tags for child in entry.iterchildren(tag)]
    return tuple(dict.fromkeys(term for term in terms if term and " " not in term and not term[0].isdigit()))
