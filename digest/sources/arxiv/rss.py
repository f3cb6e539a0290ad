"""arXiv's RSS and Atom feeds of new papers: one request for a group of categories."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from lxml import etree

from digest.models import Announcement, FetchResult, Health, Paper
from digest.models.errors import SourceChanged
from digest.models.notices import is_withdrawn
from digest.models.paper_ids import parse_arxiv_id, parse_arxiv_version
from digest.sources.base import add_note, to_aliases
from digest.sources.items import UnreadableItem
from digest.sources.text.dates import parse_date
from digest.sources.text.normalize import has_any, normalize_name, normalize_text, normalize_title
from digest.sources.xml import ATOM, local_name, parse_document, parse_elements, text_of

MAX_FEED_PAPERS = 2000  # arXiv cuts a feed here, and the new papers fall off first
MAX_CROSS_LIST_DAYS = 62  # a cross-listing of an older paper is no news
_ANNOUNCE_TYPE = "{http://arxiv.org/schemas/atom}announce_type"
_DOI = "{http://arxiv.org/schemas/atom}DOI"
_CREATOR = "{http://purl.org/dc/elements/1.1/}creator"
_PREAMBLE = re.compile(r"^\s*arXiv:\S+\s+Announce Type:\s*(\S+)\s*(?:Abstract:\s*)?")
# In a string of names: whatever a plain split at commas would get wrong.
_SPECIAL = ("\\", "{", "(", "$", "~", "&", "`", "--", " and ", ", Jr", ", Sr", ", I")
_ANNOUNCEMENTS = {kind.value: kind for kind in Announcement}


def parse(body: bytes, scope: str, read_at: datetime) -> FetchResult:
    """Return the papers of a feed; of a truncated one its complete items, with health TRUNCATED.

    Raises:
        SourceChanged: the body is no feed, or arXiv's error feed.
    """
    parsed = parse_elements(body, ("item", f"{ATOM}entry"), _parse_item)
    if not parsed.items and (message := find_error(body)):
        raise SourceChanged(f"arXiv says: {message}")
    if not parsed.items and local_name(parse_document(body)) not in {"rss", "feed", "RDF"}:
        raise SourceChanged("the answer is XML, but not a feed")
    health, note = Health.OK, ""
    if parsed.broken:
        health, note = Health.TRUNCATED, f"The feed broke off after {len(parsed.items)} papers."
    elif len(parsed.items) + parsed.skipped + parsed.unforeseen >= MAX_FEED_PAPERS:
        health, note = Health.TRUNCATED, f"The feed reached arXiv's limit of {MAX_FEED_PAPERS} papers."
    elif parsed.skipped:
        note = f"{parsed.skipped} of {parsed.skipped + len(parsed.items)} items could not be read."
    result = FetchResult(
        source="arxiv", scope=scope, read_at=read_at, papers=parsed.items, health=health, note=note
    )
    return add_note(result, parsed.repair_note)


def find_error(body: bytes) -> str:
    """Return the message of arXiv's error feed (which has status 400); empty if it is none."""
    try:
        root = parse_document(body)
    except SourceChanged:
        return ""
    feed = root.find("channel") if root.tag == "rss" else root
    if feed is None or not text_of(feed.find("{*}title")).startswith("Feed error"):
        return ""
    return text_of(feed.find("description")) or text_of(feed.find(f"{ATOM}subtitle"))


def find_bad_category(message: str, categories: Sequence[str]) -> str | None:
    """Return the category an error feed is about: `Bad subject class 'ZZ'. ... the archive 'cs' are`."""
    quoted = re.findall(r"'([^']+)'", message)
    for category in categories:
        archive, _, subject = category.partition(".")
        if quoted and ((subject == quoted[0] and archive in quoted) or quoted[0] in {category, archive}):
            return category
    return None


def parse_authors(creator: str) -> tuple[str, ...]:
    """Return the names in a comma-separated string, without affiliations in parentheses."""
    if creator.isascii() and not has_any(creator, _SPECIAL):
        return tuple(filter(None, map(str.strip, creator.split(","))))
    names: list[str] = []
    for piece in re.split(r",|\band\b(?=\s+[A-Z\\])", _remove_parentheses(creator)):
        name = normalize_name(piece)
        if name.rstrip(".") in {"Jr", "Sr", "II", "III", "IV"} and names:
            names[-1] = f"{names[-1]} {name}"
        elif name:
            names.append(name)
    return tuple(names)


def _remove_parentheses(text: str) -> str:
    if "(" not in text:
        return text
    outside, depth = [], 0
    for char in text:
        depth += char == "("
        if depth == 0:
            outside.append(char)
        depth = max(0, depth - (char == ")"))
    return "".join(outside)


def _parse_item(item: etree._Element) -> Paper:
    fields, categories = parse_fields(item)
    guid = fields.get("guid") or fields.get(f"{ATOM}id", "")
    identifier = parse_arxiv_id(guid)
    title = normalize_title(fields.get("title") or fields.get(f"{ATOM}title", ""))
    if identifier is None or not title:
        raise UnreadableItem(guid)
    description = fields.get("description") or fields.get(f"{ATOM}summary", "")
    preamble_type, abstract = _parse_description(description)
    announce_type = fields.get(_ANNOUNCE_TYPE, preamble_type).strip()
    announcement = _ANNOUNCEMENTS.get(announce_type, Announcement.NEW)
    announced = _parse_time(fields.get("pubDate") or fields.get(f"{ATOM}published", ""))
    return Paper(
        id=f"arxiv:{identifier}",
        title=title,
        abstract=abstract,
        url=f"https://arxiv.org/abs/{identifier}",
        pdf_url=f"https://arxiv.org/pdf/{identifier}",
        published=_first_published(identifier, announced, announcement),
        authors=parse_authors(fields.get(_CREATOR, "")),
        categories=categories,
        version=parse_arxiv_version(guid) or 1,
        aliases=to_aliases(fields.get(_DOI, "")),
        announcement=_adjust_announcement(announcement, identifier, announced),
        source="arxiv",
        withdrawn=is_withdrawn(title, abstract),
    )


def parse_fields(item: etree._Element) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the texts of an item by tag, and its categories in order, in one pass: there are many items."""
    pairs = [(child.tag, text_of(child) if len(child) else child.text or "") for child in item]
    fields = dict(pairs)
    if f"{ATOM}category" in fields:
        categories = [child.get("term", "") for child in item.iterchildren(f"{ATOM}category")]
    else:
        categories = [text for tag, text in pairs if tag == "category"]
    return fields, tuple(dict.fromkeys(filter(None, categories)))


def _parse_description(description: str) -> tuple[str, str]:
    """Return the announce type in front, and the abstract."""
    match = _PREAMBLE.match(description)
    if match is None:
        return "", normalize_text(description)
    return match[1], normalize_text(description[match.end() :])


def _month_of(identifier: str) -> datetime:
    """Return the start of the month in which an arXiv id was assigned."""
    digits = identifier.rpartition("/")[2]
    year, month = int(digits[:2]), int(digits[2:4])
    return datetime(1900 + year if year > 90 else 2000 + year, min(max(month, 1), 12), 1, tzinfo=UTC)


def _first_published(
    identifier: str, announced: datetime | None, announcement: Announcement
) -> datetime | None:
    """Return when a paper was first published: a new one when it was announced, any other by its id."""
    if announcement is Announcement.NEW or announced is None:
        return announced
    month = _month_of(identifier)
    return announced if (month.year, month.month) == (announced.year, announced.month) else month


def _adjust_announcement(
    announcement: Announcement, identifier: str, announced: datetime | None
) -> Announcement:
    """Turn a cross-listing of an old paper, which is no news, into a kind of replacement."""
    if announcement is not Announcement.CROSS or announced is None:
        return announcement
    age = announced - _month_of(identifier)
    return Announcement.REPLACE_CROSS if age.days > MAX_CROSS_LIST_DAYS else announcement


_parse_time = lru_cache(maxsize=64)(parse_date)  # every item of a feed has the same date
