"""RSS and Atom feeds of journals and blogs as a source, by their URLs."""

import html
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
from lxml import etree

from digest.models import FetchResult, Health, Paper
from digest.models.errors import SourceChanged, SourceError
from digest.models.paper_ids import build_title_key, canonicalize
from digest.models.paper_merge import is_withdrawn
from digest.sources.base import FetchContext, conditional_headers, failed_result, to_web_link
from digest.sources.http.response import Accept
from digest.sources.text.normalize import normalize_name, normalize_text, normalize_title, strip_tags
from digest.sources.xml import (
    ATOM,
    Parsed,
    UnreadableItem,
    local_name,
    parse_document,
    parse_elements,
    text_of,
)

_ITEM_TAGS = (
    "item",
    f"{ATOM}entry",
    "{http://purl.org/rss/1.0/}item",
    "{http://my.netscape.com/rdf/simple/0.9/}item",
)
_ABSTRACT_FIELDS = ("encoded", "content", "description", "summary")
_DATE_FIELDS = ("pubDate", "published", "date", "publicationDate", "issued", "updated")
_ID_FIELDS = ("doi", "identifier", "guid", "id")
_NAMED_ENTITY = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos);)([a-zA-Z][a-zA-Z0-9]{1,31});")
_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>?#]+")

Fields = Mapping[str, Sequence[etree._Element]]  # noqa: SLF001  children of an item by local name


@dataclass(frozen=True, slots=True)
class Feeds:
    """The feeds the operator listed: one result each, and one that fails does not affect the others."""

    urls: tuple[str, ...]
    name: str = "feeds"

    async def fetch(self, context: FetchContext) -> AsyncIterator[FetchResult]:
        """Yield one result per feed."""
        for done, url in enumerate(self.urls):
            context.report_progress("Feeds", done, len(self.urls))
            try:
                yield await self._fetch_feed(context, url)
            except SourceError as error:
                yield failed_result(self.name, scope_of(url), context.now, error)
        context.report_progress("Feeds", len(self.urls), len(self.urls))

    async def _fetch_feed(self, context: FetchContext, url: str) -> FetchResult:
        scope = scope_of(url)
        headers = conditional_headers(context.get_state(scope))
        host = httpx.URL(url).host
        response = await context.client.get(url, rate_group=host, accept=Accept.XML, headers=headers)
        if response.is_unchanged:
            return FetchResult(source=self.name, scope=scope, read_at=context.now, note="Unchanged.")
        result = parse(response.body, scope, context.now)
        return replace(result, etag=response.etag, last_modified=response.last_modified)


def scope_of(url: str) -> str:
    """Return the name of a feed to display: host and path, without what may be secret in the URL."""
    parsed = httpx.URL(url)
    return f"{parsed.host}{parsed.path.rstrip('/')}"


def parse(body: bytes, scope: str, read_at: datetime) -> FetchResult:
    """Return the papers of a feed; items without DOI, arXiv id or distinctive title are skipped and counted.

    Raises:
        SourceChanged: the body is no feed.
    """
    parsed = _parse_items(body)
    is_empty = not parsed.items and not parsed.skipped
    if is_empty and local_name(parse_document(body)) not in {"rss", "feed", "RDF"}:
        raise SourceChanged("the answer is XML, but not a feed")
    health = Health.TRUNCATED if parsed.broken else Health.OK if parsed.items else Health.EMPTY
    note = f"{parsed.skipped} items have neither an id nor a distinctive title." if parsed.skipped else ""
    if parsed.broken:
        note = f"The feed broke off after {len(parsed.items)} items."
    papers = tuple({paper.id: paper for paper in reversed(parsed.items)}.values())[::-1]
    return FetchResult(
        source="feeds", scope=scope, read_at=read_at, papers=papers, health=health, note=note, body=body
    )


def _parse_items(body: bytes) -> Parsed[Paper]:
    """Parse as it is; if that fails, with HTML's entities replaced, which many feeds use undeclared."""
    try:
        parsed = parse_elements(body, _ITEM_TAGS, _parse_item)
    except SourceChanged:
        if not _NAMED_ENTITY.search(body):
            raise
        return parse_elements(_replace_entities(body), _ITEM_TAGS, _parse_item)
    if "Entity" in parsed.broken:
        return parse_elements(_replace_entities(body), _ITEM_TAGS, _parse_item)
    return parsed


def _replace_entities(body: bytes) -> bytes:
    def to_numeric(entity: re.Match[bytes]) -> bytes:
        characters = html.unescape(entity[0].decode())
        return b"".join(b"&#%d;" % ord(char) for char in characters) if characters[0] != "&" else b"&amp;"

    return _NAMED_ENTITY.sub(to_numeric, body)


def _parse_item(item: etree._Element) -> Paper:
    fields: dict[str, list[etree._Element]] = {}
    for child in item.iterchildren("*"):
        fields.setdefault(local_name(child), []).append(child)
    title = normalize_title(strip_tags(_first_text(fields, ("title",))))
    abstract = normalize_text(strip_tags(_first_text(fields, _ABSTRACT_FIELDS)))
    authors = tuple(_parse_authors(fields))
    published = _parse_time(_first_text(fields, _DATE_FIELDS))
    link = _find_link(fields)
    ids = _find_ids(fields, link)
    paper_id = ids[0] if ids else build_title_key(title, authors, published.year if published else None)
    if paper_id is None or not title:
        raise UnreadableItem(paper_id or title)
    # A blog's link may lead to the PDF of some version; arXiv's own page is always current.
    is_arxiv = paper_id.startswith("arxiv:")
    url = f"https://arxiv.org/abs/{paper_id.removeprefix('arxiv:')}" if is_arxiv else to_web_link(link)
    return Paper(
        id=paper_id,
        title=title,
        abstract=abstract,
        url=url,
        published=published,
        authors=authors,
        aliases=ids[1:],
        source="feeds",
        withdrawn=is_withdrawn(title, abstract),
    )


def _first_text(fields: Fields, names: Sequence[str]) -> str:
    """Return the first of these fields that is not empty."""
    return next((text for name in names for field in fields.get(name, ()) if (text := text_of(field))), "")


def _find_link(fields: Fields) -> str:
    links = fields.get("link", ())
    own = [link for link in links if link.get("rel", "alternate") == "alternate"] or links
    return next((url for link in own if (url := link.get("href") or text_of(link))), "")


def _find_ids(fields: Fields, link: str) -> tuple[str, ...]:
    """Return the canonical ids in the fields that may hold one and in the link, arXiv's first."""
    texts = [text_of(field) for name in _ID_FIELDS for field in fields.get(name, ())]
    ids: set[str] = set()
    for text in (*texts, link):
        doi = _DOI.search(text)
        for form in (text, doi[0] if doi else ""):
            with suppress(ValueError):
                ids.add(canonicalize(form))
                break
    return tuple(sorted(paper_id for paper_id in ids if not paper_id.startswith("title:")))


def _parse_authors(fields: Fields) -> Iterator[str]:
    """Yield the names: one per creator, or all in one, separated by commas.

    Of `address@example.org (Name)` only the name is taken.
    """
    people = fields.get("creator") or fields.get("author") or ()
    for person in people:
        name = person.find("{*}name")
        text = text_of(person if name is None else name)
        if match := re.search(r"@\S+\s*\((.+)\)", text):
            text = match[1]
        pieces = re.split(r"[;,]|\band\b", text) if len(people) == 1 else [text]
        yield from filter(None, map(normalize_name, pieces))


def _parse_time(text: str) -> datetime | None:
    for parse_format in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse_format(text)
        except ValueError:
            continue
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    return None
