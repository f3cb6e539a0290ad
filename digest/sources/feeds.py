"""RSS and Atom feeds of journals and blogs as a source, by their URLs."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from urllib.parse import urljoin, urlsplit

from lxml import etree

from digest.models import FetchResult, Paper
from digest.models.errors import SourceChanged, SourceError
from digest.models.notices import is_notice, is_withdrawn
from digest.models.paper_ids import build_title_key, canonicalize
from digest.sources.base import FetchContext, conditional_headers, failed_result, to_web_link
from digest.sources.config import SourceConfig
from digest.sources.http.response import Accept
from digest.sources.items import UnreadableItem
from digest.sources.pages import to_xml_result
from digest.sources.text.dates import parse_date
from digest.sources.text.names import split_names
from digest.sources.text.normalize import (
    normalize_name,
    normalize_names,
    normalize_text,
    normalize_title,
    strip_tags,
)
from digest.sources.text.publisher_notes import strip_heading, strip_publisher_notes, strip_section_label
from digest.sources.xml import local_name, markup_of, parse_elements, text_of

CONTENT_NAMESPACE = "http://purl.org/rss/1.0/modules/content/"
MAX_LINK_CHARS = 2000
_ITEM_TAGS = tuple(
    f"{{*}}{name}" for word in ("item", "entry") for name in (word, word.upper(), word.title())
)
_ROOTS = frozenset({"rss", "feed", "rdf"})  # in any case, as the names of fields are
_ABSTRACT_FIELDS = ("encoded", "content", "description", "summary", "abstract")
_DATE_FIELDS = (
    "pubDate", "published", "date", "publicationDate", "issued", "available", "created", "coverDate",
    "coverDisplayDate", "dateSubmitted", "updated", "modified",
)  # fmt: skip
_ID_FIELDS = ("doi", "DOI", "identifier", "guid", "id")
# What describes the paper itself; every other vocabulary (media, itunes) describes pictures and sounds.
_PAPER_NAMESPACES = (
    "http://purl.org/dc/", "http://prismstandard.org/", "http://purl.org/rss/1.0/", "http://arxiv.org/",
    "http://www.w3.org/2005/Atom", "http://purl.org/atom/",
)  # fmt: skip
_PAPER_PREFIXES = frozenset({"dc", "dcterms", "prism", "content", "arxiv", "atom"})  # where undeclared
_RDF_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
_AFFILIATION_MARK = re.compile(r"<sup\b[^<>]*>[^<>]*</sup>", re.IGNORECASE)
_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>?#]+")


@dataclass(frozen=True, slots=True)
class Fields:
    """The children of an item by local name in lower case, the paper's own vocabularies before all others."""

    own: Mapping[str, Sequence[etree._Element]]
    foreign: Mapping[str, Sequence[etree._Element]]

    def find(self, *names: str) -> Iterator[etree._Element]:
        """Yield the elements with these names, in the order of the names, the paper's own first."""
        for fields in (self.own, self.foreign):
            for name in names:
                yield from fields.get(name.lower(), ())

    def find_texts(self, *names: str) -> Iterator[str]:
        """Yield the texts of these elements that are not empty."""
        return filter(None, map(text_of, self.find(*names)))

    def read_markup(self, *names: str) -> str:
        """Return the first of these elements that is not empty, with its tags."""
        return next(filter(None, map(markup_of, self.find(*names))), "")


@dataclass(frozen=True, slots=True)
class Feeds:
    """The feeds the operator listed: one result each, and one that fails does not affect the others."""

    config: SourceConfig
    name: str = "feeds"

    async def fetch(self, context: FetchContext) -> AsyncIterator[FetchResult]:
        """Yield one result per feed."""
        for url, scope in context.track("Feeds", name_scopes(self.config.feeds).items()):
            try:
                yield await self._fetch_feed(context, url, scope)
            except SourceError as error:
                yield failed_result(self.name, scope, context.now, error)

    async def _fetch_feed(self, context: FetchContext, url: str, scope: str) -> FetchResult:
        headers = conditional_headers(context.get_state(scope))
        host, _ = _split(url)
        response = await context.client.get(url, rate_group=host, accept=Accept.XML, headers=headers)
        if response.is_unchanged:
            return FetchResult(source=self.name, scope=scope, read_at=context.now, note="Unchanged.")
        result = parse(response.body, scope, context.now, url=response.url)
        return replace(result, etag=response.etag, last_modified=response.last_modified)


def name_scopes(urls: Sequence[str]) -> dict[str, str]:
    """Return the scope of each feed; addresses that differ in scheme or final slash only have one each."""
    scopes = {url: scope_of(url) for url in urls}
    counts = Counter(scopes.values())
    return {url: scope if counts[scope] == 1 else _add_hash(scope, url) for url, scope in scopes.items()}


def scope_of(url: str) -> str:
    """Return the name of a feed to display and to remember it by, without what may be secret in the URL.

    It is host and path; whatever else tells two addresses apart is in a short hash behind them.
    """
    host, path = _split(url)
    scope = f"{host}{path.rstrip('/')}"
    if url in {f"https://{scope}", f"https://{scope}/", f"http://{scope}", f"http://{scope}/"}:
        return scope
    return _add_hash(scope, url)


def _add_hash(scope: str, url: str) -> str:
    return f"{scope} #{sha256(url.encode()).hexdigest()[:6]}"


def _split(url: str) -> tuple[str, str]:
    """Return host and path; both empty for an address that is none."""
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that are no IPv6 address
        return "", ""
    return parts.hostname or "", parts.path


def parse(body: bytes, scope: str, read_at: datetime, *, url: str = "") -> FetchResult:
    """Return the papers of a feed; items without DOI, arXiv id or distinctive title are skipped and counted.

    Raises:
        SourceChanged: the body is no feed.
    """
    parsed = parse_elements(body, _ITEM_TAGS, _parse_item, base_url=url)
    is_empty = not parsed.items and not parsed.skipped and not parsed.unforeseen
    if is_empty and parsed.root.rpartition("}")[2].lower() not in _ROOTS:
        raise SourceChanged("the answer is XML, but not a feed")
    papers = tuple({paper.id: paper for paper in reversed(parsed.items)}.values())[::-1]
    unread = "items have neither an id nor a distinctive title"
    return to_xml_result("feeds", scope, read_at, parsed, papers, unread=unread)


def _parse_item(item: etree._Element) -> Paper | None:
    fields = _read_fields(item)
    full_title = strip_tags(fields.read_markup("title"))
    title = normalize_title(strip_section_label(full_title))
    if is_notice(title):
        return None
    markup = strip_heading(fields.read_markup(*_ABSTRACT_FIELDS))
    prose, named = strip_publisher_notes(strip_tags(markup))
    abstract = normalize_text(prose)
    creators = tuple(_parse_authors(fields))
    authors = creators or normalize_names(split_names(named, is_list=True))
    published = next(filter(None, map(parse_date, fields.find_texts(*_DATE_FIELDS))), None)
    link = _find_link(item, fields)
    ids = _find_ids(fields, link)
    if not ids:
        # Earlier versions stored it by all of the title and the creators only: it shall not come twice.
        year, stored = published.year if published else None, (normalize_title(full_title), creators)
        keys = (build_title_key(*names, year) for names in ((title, authors), stored))
        ids = tuple(dict.fromkeys(filter(None, keys)))
    if not ids or not title:
        raise UnreadableItem(next(iter(ids), title))
    paper_id = ids[0]
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


def _read_fields(item: etree._Element) -> Fields:
    own: dict[str, list[etree._Element]] = {}
    foreign: dict[str, list[etree._Element]] = {}
    namespace = str(item.tag).rpartition("}")[0].removeprefix("{")
    for child in item.iterchildren("*"):
        fields = own if _is_own(str(child.tag), namespace) else foreign
        fields.setdefault(local_name(child).lower(), []).append(child)
    return Fields(own, foreign)


def _is_own(tag: str, item_namespace: str) -> bool:
    """Return whether an element describes the paper: of the item's namespace, or of one for papers."""
    namespace, _, name = tag.rpartition("}")
    namespace = namespace.removeprefix("{")
    if not namespace:
        prefix, has_prefix, _ = name.partition(":")
        return not has_prefix or prefix in _PAPER_PREFIXES
    return namespace in {item_namespace, CONTENT_NAMESPACE} or namespace.startswith(_PAPER_NAMESPACES)


def _find_link(item: etree._Element, fields: Fields) -> str:
    """Return the address of the item's page: its link, else a guid or id that is an address."""
    links = [(link, link.get("href") or text_of(link)) for link in fields.find("link")]
    guids = [guid for guid in fields.find("guid") if guid.get("isPermaLink", "true") != "false"]
    candidates = [
        *((link, text) for link, text in links if link.get("rel", "alternate") == "alternate"),
        *((guid, text_of(guid)) for guid in guids),
        *((other, text_of(other)) for other in fields.find("origLink", "id", "url")),
        (item, item.get(_RDF_ABOUT, "")),
        *links,
    ]
    addresses = (_to_absolute(element, text) for element, text in candidates if text)
    return next(filter(None, addresses), "")


def _to_absolute(element: etree._Element, text: str) -> str:
    """Return the address in *text*, which may be relative to xml:base or the feed; empty if it is none."""
    link = re.sub(r"[\t\n\r]+\s*", "", text.strip())[:MAX_LINK_CHARS].replace(" ", "%20")
    try:
        return to_web_link(urljoin(element.base or "", link))
    except ValueError:  # brackets that are no IPv6 address
        return ""


def _find_ids(fields: Fields, link: str) -> tuple[str, ...]:
    """Return the canonical ids in the fields that may hold one and in the link, arXiv's first."""
    ids: set[str] = set()
    for text in (*fields.find_texts(*_ID_FIELDS), link):
        doi = _DOI.search(text)
        for form in (text, doi[0] if doi else ""):
            with suppress(ValueError):
                ids.add(canonicalize(form))
                break
    return tuple(sorted(paper_id for paper_id in ids if not paper_id.startswith("title:")))


def _parse_authors(fields: Fields) -> Iterator[str]:
    """Yield the names: one per creator, or all in one."""
    groups = (group.get(name, ()) for group in (fields.own, fields.foreign) for name in ("creator", "author"))
    people = next(filter(None, groups), ())
    for person in people:
        name = next(
            (child for child in person.iterchildren("*") if local_name(child).lower() == "name"), person
        )
        text = strip_tags(_AFFILIATION_MARK.sub("", markup_of(name)))
        yield from filter(None, map(normalize_name, split_names(text, is_list=len(people) == 1)))
