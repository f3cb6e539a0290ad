"""What did arXiv announce today? Its RSS and Atom feeds, one request for a group of categories."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from lxml import etree

from digest.models import Announcement, FetchResult, FetchState, Health, Paper
from digest.models.errors import SourceChanged
from digest.models.paper_ids import arxiv_id, arxiv_version, canonical
from digest.models.paper_merge import is_withdrawn
from digest.sources.http.client import Client
from digest.sources.http.response import Answer, Wants
from digest.sources.text import normalize
from digest.sources.xml import ATOM, Unreadable, local, read_each, text_of, tree

CAP = 2000  # arXiv cuts a feed here, and the new papers fall off first
_ANNOUNCED_AS = "{http://arxiv.org/schemas/atom}announce_type"
_ITS_DOI = "{http://arxiv.org/schemas/atom}DOI"
_CREATOR = "{http://purl.org/dc/elements/1.1/}creator"
_PREAMBLE = re.compile(r"^\s*arXiv:\S+\s+Announce Type:\s*(\S+)\s*(?:Abstract:\s*)?")
_OLD_NEWS = 62  # days; a cross-listing of an older paper is no news
_UNUSUAL = ("\\", "{", "(", "$", "~", "&", "`", "--", " and ", ", Jr", ", Sr", ", I")  # in a string of names
_TYPES = {kind.value: kind for kind in Announcement}


def url_of(base: str, categories: Sequence[str]) -> str:
    """The address of the feed of a group of categories."""
    return f"{base}/rss/{'+'.join(categories)}"


async def ask(client: Client, base: str, categories: Sequence[str], memory: FetchState) -> Answer:
    """The feed of a group; `memory` lets the server say that nothing changed since."""
    headers = {"If-None-Match": memory.etag} if memory.etag else {}
    if memory.last_modified:
        headers["If-Modified-Since"] = memory.last_modified
    return await client.get(url_of(base, categories), family="arxiv", wants=Wants.XML, headers=headers)


def parse(body: bytes, scope: str, read_at: datetime) -> FetchResult:
    """The papers of one feed. A feed that breaks off keeps its complete items and says so.

    SourceChanged when it is no feed, or when arXiv answers with its error feed.
    """
    parsed = read_each(body, ("item", f"{ATOM}entry"), _paper)
    if not parsed.items:
        _check_empty_feed(body)
    health, note = Health.OK, ""
    if parsed.broken:
        health, note = Health.TRUNCATED, f"The feed broke off after {len(parsed.items)} papers."
    elif len(parsed.items) + parsed.skipped >= CAP:
        health, note = Health.TRUNCATED, f"The feed reached arXiv's limit of {CAP} papers."
    elif parsed.skipped:
        note = f"{parsed.skipped} of {parsed.skipped + len(parsed.items)} items could not be read."
    return FetchResult(
        source="arxiv", scope=scope, read_at=read_at, papers=parsed.items, health=health, note=note, body=body
    )


def error_in(body: bytes) -> str:
    """The sentence of arXiv's error feed (sent with status 400), or an empty string."""
    try:
        root = tree(body)
    except SourceChanged:
        return ""
    feed = root.find("channel") if root.tag == "rss" else root
    if feed is None or not text_of(feed.find("{*}title")).startswith("Feed error"):
        return ""
    return text_of(feed.find("description")) or text_of(feed.find(f"{ATOM}subtitle"))


def culprit(message: str, categories: Sequence[str]) -> str | None:
    """The category that an error feed is about: `Bad subject class 'ZZ'. ... the archive 'cs' are`."""
    quoted = re.findall(r"'([^']+)'", message)
    for category in categories:
        archive, _, subject = category.partition(".")
        if quoted and ((subject == quoted[0] and archive in quoted) or quoted[0] in {category, archive}):
            return category
    return None


def authors_of(creator: str) -> tuple[str, ...]:
    """Names out of one comma-joined string; affiliations in parentheses are left out."""
    if not _has_unusual(creator):
        return tuple(filter(None, map(str.strip, creator.split(","))))
    outside = _without_parentheses(creator)
    names: list[str] = []
    for piece in re.split(r",|\band\b(?=\s+[A-Z\\])", outside):
        name = normalize.name(piece)
        if name.rstrip(".") in {"Jr", "Sr", "II", "III", "IV"} and names:
            names[-1] = f"{names[-1]} {name}"
        elif name:
            names.append(name)
    return tuple(names)


def _has_unusual(creator: str) -> bool:
    if not creator.isascii():
        return True
    for mark in _UNUSUAL:  # noqa: SIM110  a plain loop is faster, and there are many papers
        if mark in creator:
            return True
    return False


def _without_parentheses(text: str) -> str:
    if "(" not in text:
        return text
    kept, depth = [], 0
    for char in text:
        depth += char == "("
        if depth == 0:
            kept.append(char)
        depth = max(0, depth - (char == ")"))
    return "".join(kept)


def _paper(item: etree._Element) -> Paper:
    said, categories = fields_of(item)
    given = said.get("guid") or said.get(f"{ATOM}id", "")
    number = arxiv_id(given)
    title = normalize.title(said.get("title") or said.get(f"{ATOM}title", ""))
    if number is None or not title:
        raise Unreadable(given)
    preamble, abstract = _abstract(said.get("description") or said.get(f"{ATOM}summary", ""))
    kind = _TYPES.get(said.get(_ANNOUNCED_AS, preamble).strip(), Announcement.NEW)
    announced = _moment(said.get("pubDate") or said.get(f"{ATOM}published", ""))
    return Paper(
        id=f"arxiv:{number}",
        title=title,
        abstract=abstract,
        url=f"https://arxiv.org/abs/{number}",
        pdf_url=f"https://arxiv.org/pdf/{number}",
        published=first_published(number, announced, kind),
        authors=authors_of(said.get(_CREATOR, "")),
        categories=categories,
        version=arxiv_version(given) or 1,
        aliases=_aliases(said.get(_ITS_DOI, "")),
        announcement=_as_news(kind, number, announced),
        source="arxiv",
        withdrawn=is_withdrawn(title, abstract),
    )


def fields_of(item: etree._Element) -> tuple[dict[str, str], tuple[str, ...]]:
    """What an item says, by tag, and its categories in their order: one walk, for there are many items."""
    pairs = [(child.tag, text_of(child) if len(child) else child.text or "") for child in item]
    said = dict(pairs)
    if f"{ATOM}category" in said:
        categories = [child.get("term", "") for child in item.iterchildren(f"{ATOM}category")]
    else:
        categories = [text for tag, text in pairs if tag == "category"]
    return said, tuple(dict.fromkeys(filter(None, categories)))


def _abstract(description: str) -> tuple[str, str]:
    """The announce type in front, and the abstract behind it."""
    match = _PREAMBLE.match(description)
    if match is None:
        return "", normalize.plain(description)
    return match[1], normalize.plain(description[match.end() :])


def _aliases(doi: str) -> tuple[str, ...]:
    try:
        return (canonical(doi),) if doi else ()
    except ValueError:
        return ()


def month_of(number: str) -> datetime:
    """The first moment of the month an arXiv id was given out in."""
    digits = number.rpartition("/")[2]
    year, month = int(digits[:2]), int(digits[2:4])
    return datetime(1900 + year if year > 90 else 2000 + year, min(max(month, 1), 12), 1, tzinfo=UTC)


def first_published(number: str, announced: datetime | None, kind: Announcement) -> datetime | None:
    """A new paper is as old as its announcement; any other as old as its id says."""
    if kind is Announcement.NEW or announced is None:
        return announced
    month = month_of(number)
    return announced if (month.year, month.month) == (announced.year, announced.month) else month


def _as_news(kind: Announcement, number: str, announced: datetime | None) -> Announcement:
    """A cross-listing is news only of a recent paper; of an old one it is a kind of replacement."""
    if kind is Announcement.CROSS and announced and (announced - month_of(number)).days > _OLD_NEWS:
        return Announcement.REPLACE_CROSS
    return kind


@lru_cache(maxsize=64)  # every item of a feed carries the same date
def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if text[:4].isdigit() else parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment.astimezone(UTC)


def _check_empty_feed(body: bytes) -> None:
    if message := error_in(body):
        raise SourceChanged(f"arXiv says: {message}")
    if local(tree(body)) not in {"rss", "feed", "RDF"}:
        raise SourceChanged("the answer is XML, but not a feed")
