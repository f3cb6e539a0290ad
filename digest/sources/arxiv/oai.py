"""What did the feeds miss? arXiv's OAI-PMH service: complete, a little slower, the way to repair a day."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from lxml import etree

from digest.models import Announcement, FetchResult, Health, Paper
from digest.models.errors import SourceChanged, SourceError
from digest.models.paper_ids import arxiv_id, canonical
from digest.models.paper_merge import is_withdrawn
from digest.sources.http.client import Client
from digest.sources.http.response import Wants
from digest.sources.text import normalize
from digest.sources.xml import Unreadable, local, read_each, text_of

NEWS = timedelta(days=30)  # moderation may hold a paper back so long; what was made earlier is a revision
MOST_PAGES = 60
_OAI = "{http://www.openarchives.org/OAI/2.0/}"
_OWN_GROUP = frozenset({"cs", "econ", "eess", "math", "q-bio", "q-fin", "stat"})


@dataclass(frozen=True, slots=True)
class Token:
    """How the next page is asked for; empty on the last."""

    text: str


@dataclass(frozen=True, slots=True)
class Complaint:
    """An error that OAI-PMH reports inside a good answer."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class OaiPage:
    """One page of a harvest: its papers, and the token of the next page or nothing."""

    reading: FetchResult
    token: str


def set_of(category: str) -> str:
    """The OAI set of an archive or category: cs.CL is cs:cs:CL, hep-th is physics:hep-th."""
    archive, _, subject = category.partition(".")
    if archive in _OWN_GROUP and not subject:
        return archive
    group = archive if archive in _OWN_GROUP else "physics"
    return ":".join(filter(None, (group, archive, subject)))


async def harvest(
    client: Client, base: str, category: str, since: date, read_at: datetime
) -> AsyncIterator[FetchResult]:
    """Page after page of what changed in a category since a day; pages may repeat papers, none is skipped."""
    asked = {"metadataPrefix": "arXiv", "set": set_of(category), "from": since.isoformat()}
    for _ in range(MOST_PAGES):
        answer = await client.get(
            base, family="arxiv", wants=Wants.XML, params={"verb": "ListRecords", **asked}
        )
        page = parse(answer.body, category, read_at)
        yield page.reading
        if not page.token:
            return
        asked = {"resumptionToken": page.token}  # already percent-encoded, and encoded once more on the way
    raise SourceError(f"the harvest has more than {MOST_PAGES} pages; the rest was left for the next time")


def parse(body: bytes, scope: str, read_at: datetime) -> OaiPage:
    """The records of one page. No records is an ordinary quiet day; any other complaint is an error."""
    tags = [f"{_OAI}{name}" for name in ("record", "resumptionToken", "error")]
    parsed = read_each(body, tags, lambda element: _part(element, read_at))
    if not parsed.broken and parsed.root != f"{_OAI}OAI-PMH":
        raise SourceChanged("the answer is XML, but not of OAI-PMH")
    for part in parsed.items:
        if isinstance(part, Complaint) and part.code != "noRecordsMatch":
            raise SourceError(f"OAI-PMH says {part.code}: {part.text}")
    papers = tuple(part for part in parsed.items if isinstance(part, Paper))
    reading = FetchResult(
        source="arxiv-oai",
        scope=scope,
        read_at=read_at,
        papers=papers,
        body=body,
        health=_health(papers, parsed.broken),
        note=_note(papers, parsed.skipped, parsed.broken),
    )
    return OaiPage(reading, next((part.text for part in parsed.items if isinstance(part, Token)), ""))


def _health(papers: tuple[Paper, ...], broken: str) -> Health:
    if broken:
        return Health.TRUNCATED
    return Health.OK if papers else Health.EMPTY


def _note(papers: tuple[Paper, ...], skipped: int, broken: str) -> str:
    if broken:
        return f"The harvest broke off after {len(papers)} papers."
    return f"{skipped} records could not be read." if skipped else ""


def _part(element: etree._Element, read_at: datetime) -> Paper | Token | Complaint | None:
    kind = local(element)
    if kind == "resumptionToken":
        return Token(text_of(element))
    if kind == "error":
        return Complaint(element.get("code", ""), text_of(element))
    header = element.find(f"{_OAI}header")
    is_deleted = header is not None and header.get("status") == "deleted"
    return None if is_deleted else _paper(element, read_at)


def _paper(record: etree._Element, read_at: datetime) -> Paper:
    given = text_of(record.find(f"{_OAI}header/{_OAI}identifier"))
    number = arxiv_id(given)
    fields = next(iter(record.iterfind(f"{_OAI}metadata/*")), None)
    if number is None or fields is None:
        raise Unreadable(given)
    if local(fields) == "dc":
        return _dublin_core(number, fields)
    said = {local(field): field for field in fields.iterchildren("*")}
    title, abstract = _words(said.get("title"), said.get("abstract"))
    if not title:
        raise Unreadable(given)
    created = _day(text_of(said.get("created")))
    return Paper(
        id=f"arxiv:{number}",
        title=title,
        abstract=abstract,
        url=f"https://arxiv.org/abs/{number}",
        pdf_url=f"https://arxiv.org/pdf/{number}",
        published=created,
        authors=normalize.names(map(_author, fields.iterfind("{*}authors/{*}author"))),
        categories=tuple(text_of(said.get("categories")).split()),
        aliases=_aliases(text_of(said.get("doi"))),
        announcement=_announcement(created, read_at),
        source="arxiv-oai",
        withdrawn=is_withdrawn(title, abstract, text_of(said.get("comments"))),
    )


def _dublin_core(number: str, fields: etree._Element) -> Paper:
    """The older, poorer format: no categories, and comments among the descriptions."""
    said = [(local(field), text_of(field)) for field in fields.iterchildren("*")]
    descriptions = [text for name, text in said if name == "description"]
    title = normalize.title(next((text for name, text in said if name == "title"), ""))
    if not title:
        raise Unreadable(number)
    abstract = normalize.plain(descriptions[0] if descriptions else "")
    dois = [text for name, text in said if name == "identifier" and text.startswith("doi:")]
    return Paper(
        id=f"arxiv:{number}",
        title=title,
        abstract=abstract,
        url=f"https://arxiv.org/abs/{number}",
        pdf_url=f"https://arxiv.org/pdf/{number}",
        published=min(filter(None, (_day(text) for name, text in said if name == "date")), default=None),
        authors=tuple(_turned(text) for name, text in said if name == "creator"),
        aliases=_aliases(dois[0] if dois else ""),
        announcement=Announcement.REPLACE,
        source="arxiv-oai",
        withdrawn=is_withdrawn(title, abstract, " ".join(descriptions[1:])),
    )


def _words(title: etree._Element | None, abstract: etree._Element | None) -> tuple[str, str]:
    return normalize.title(text_of(title)), normalize.plain(text_of(abstract))


def _author(author: etree._Element) -> str:
    parts = (text_of(author.find(f"{{*}}{part}")) for part in ("forenames", "keyname", "suffix"))
    return " ".join(filter(None, parts))


def _turned(name: str) -> str:
    """`Gauss, Carl Friedrich` the other way round."""
    last, _, first = name.partition(",")
    return normalize.name(f"{first} {last}")


def _announcement(created: datetime | None, read_at: datetime) -> Announcement:
    """OAI-PMH does not say what is new: a paper made lately is, whatever was touched is not."""
    is_new = created is not None and read_at - created <= NEWS
    return Announcement.NEW if is_new else Announcement.REPLACE


def _aliases(doi: str) -> tuple[str, ...]:
    try:
        return (canonical(doi.split(maxsplit=1)[0]),) if doi else ()
    except ValueError:
        return ()


def _day(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None
