"""What do journals and blogs publish? Any RSS or Atom feed by its address."""

import html
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
from lxml import etree

from digest.models import FetchResult, FetchState, Health, Paper
from digest.models.errors import SourceChanged, SourceError
from digest.models.paper_ids import canonical, title_key
from digest.models.paper_merge import is_withdrawn
from digest.sources.base import FetchContext, failed, web_link
from digest.sources.http.response import Wants
from digest.sources.text import normalize
from digest.sources.xml import ATOM, Parsed, Unreadable, local, read_each, text_of, tree

_ITEMS = (
    "item",
    f"{ATOM}entry",
    "{http://purl.org/rss/1.0/}item",
    "{http://my.netscape.com/rdf/simple/0.9/}item",
)
_TEXT = ("encoded", "content", "description", "summary")
_DATES = ("pubDate", "published", "date", "publicationDate", "issued", "updated")
_NAMED_ENTITY = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos);)([a-zA-Z][a-zA-Z0-9]{1,31});")
_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>?#]+")


@dataclass(frozen=True, slots=True)
class Feeds:
    """The feeds the operator listed; one reading each, and a dead one harms no other."""

    urls: tuple[str, ...]
    name: str = "feeds"

    async def read(self, visit: FetchContext) -> AsyncIterator[FetchResult]:
        """One reading per feed."""
        for done, url in enumerate(self.urls):
            visit.tell("Feeds", done, len(self.urls))
            scope = scope_of(url)
            try:
                yield await self._feed(visit, url, visit.recall(scope))
            except SourceError as error:
                yield failed(self.name, scope, visit.now, error)
        visit.tell("Feeds", len(self.urls), len(self.urls))

    async def _feed(self, visit: FetchContext, url: str, memory: FetchState) -> FetchResult:
        headers = {"If-None-Match": memory.etag} if memory.etag else {}
        if memory.last_modified:
            headers["If-Modified-Since"] = memory.last_modified
        family = httpx.URL(url).host
        answer = await visit.client.get(url, family=family, wants=Wants.XML, headers=headers)
        if answer.unchanged:
            return FetchResult(source=self.name, scope=scope_of(url), read_at=visit.now, note="Unchanged.")
        reading = parse(answer.body, scope_of(url), visit.now)
        return replace(reading, etag=answer.etag, last_modified=answer.last_modified)


def scope_of(url: str) -> str:
    """A feed's name on the screen: its host and path, without what may be secret in the address."""
    address = httpx.URL(url)
    return f"{address.host}{address.path.rstrip('/')}"


def parse(body: bytes, scope: str, read_at: datetime) -> FetchResult:
    """The papers of a feed; what has neither a DOI, an arXiv id nor a telling title is passed over."""
    parsed = _read(body)
    if not parsed.items and not parsed.skipped and not _is_feed(body):
        raise SourceChanged("the answer is XML, but not a feed")
    health = Health.TRUNCATED if parsed.broken else Health.OK if parsed.items else Health.EMPTY
    note = f"{parsed.skipped} items could not be named." if parsed.skipped else ""
    if parsed.broken:
        note = f"The feed broke off after {len(parsed.items)} items."
    papers = tuple({paper.id: paper for paper in reversed(parsed.items)}.values())[::-1]
    return FetchResult(
        source="feeds", scope=scope, read_at=read_at, papers=papers, health=health, note=note, body=body
    )


def _read(body: bytes) -> Parsed[Paper]:
    """Once as it is; once more with HTML's entities spelt out, which many feeds use without declaring."""
    try:
        parsed = read_each(body, _ITEMS, _paper)
    except SourceChanged:
        if not _NAMED_ENTITY.search(body):
            raise
        return read_each(_spelt_out(body), _ITEMS, _paper)
    return read_each(_spelt_out(body), _ITEMS, _paper) if "Entity" in parsed.broken else parsed


def _spelt_out(body: bytes) -> bytes:
    def spell(entity: re.Match[bytes]) -> bytes:
        characters = html.unescape(entity[0].decode())
        return b"".join(b"&#%d;" % ord(char) for char in characters) if characters[0] != "&" else b"&amp;"

    return _NAMED_ENTITY.sub(spell, body)


def _is_feed(body: bytes) -> bool:
    return local(tree(body)) in {"rss", "feed", "RDF"}


def _paper(item: etree._Element) -> Paper:
    said: dict[str, list[etree._Element]] = {}
    for child in item.iterchildren("*"):
        said.setdefault(local(child), []).append(child)
    title = normalize.title(normalize.untagged(_first(said, ("title",))))
    abstract = normalize.plain(normalize.untagged(_first(said, _TEXT)))
    authors = tuple(_authors(said))
    published = _moment(_first(said, _DATES))
    names = _names(said)
    number = names[0] if names else title_key(title, authors, published.year if published else None)
    if number is None or not title:
        raise Unreadable(number or title)
    link = _link(said)
    return Paper(
        id=number,
        title=title,
        abstract=abstract,
        url=_address(number, link),
        published=published,
        authors=authors,
        aliases=names[1:],
        source="feeds",
        withdrawn=is_withdrawn(title, abstract),
    )


def _address(number: str, link: str) -> str:
    """Where the paper is read: a blog's link may lead to the PDF of some version, arXiv's page never ages."""
    if number.startswith("arxiv:"):
        return f"https://arxiv.org/abs/{number.removeprefix('arxiv:')}"
    return web_link(link)


def _first(said: dict[str, list[etree._Element]], names: tuple[str, ...]) -> str:
    """The first of these fields that says anything."""
    return next((text for name in names for field in said.get(name, []) if (text := text_of(field))), "")


def _link(said: dict[str, list[etree._Element]]) -> str:
    links = said.get("link", [])
    own = [link for link in links if link.get("rel", "alternate") == "alternate"] or links
    return next((address for link in own if (address := link.get("href") or text_of(link))), "")


def _names(said: dict[str, list[etree._Element]]) -> tuple[str, ...]:
    """The ids in whatever fields carry one: doi, identifier, guid, id or the link; arXiv's first."""
    fields = [text_of(field) for name in ("doi", "identifier", "guid", "id") for field in said.get(name, [])]
    names: set[str] = set()
    for text in (*fields, _link(said)):
        doi = _DOI.search(text)
        for form in (text, doi[0] if doi else ""):
            with suppress(ValueError):
                names.add(canonical(form))
                break
    return tuple(sorted(name for name in names if not name.startswith("title:")))


def _authors(said: dict[str, list[etree._Element]]) -> Iterator[str]:
    """One creator each, or all in one, comma-joined; an address in front of (a name) is left out."""
    people = said.get("creator") or said.get("author") or []
    for person in people:
        name = person.find("{*}name")
        text = text_of(person if name is None else name)
        if match := re.search(r"@\S+\s*\((.+)\)", text):
            text = match[1]
        pieces = re.split(r"[;,]|\band\b", text) if len(people) == 1 else [text]
        yield from filter(None, map(normalize.name, pieces))


def _moment(text: str) -> datetime | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
        except ValueError:
            continue
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    return None
