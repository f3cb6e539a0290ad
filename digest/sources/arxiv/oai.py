"""arXiv's OAI-PMH service: complete but slower than the feeds; used to fill in what they missed."""

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta

from lxml import etree

from digest.models import Announcement, FetchResult, Paper
from digest.models.errors import SourceChanged, SourceError
from digest.models.notices import is_withdrawn
from digest.models.paper_ids import parse_arxiv_id
from digest.sources.base import to_aliases
from digest.sources.http.client import Client
from digest.sources.http.response import Accept
from digest.sources.items import UnreadableItem
from digest.sources.pages import to_xml_result
from digest.sources.text.dates import parse_date
from digest.sources.text.normalize import (
    normalize_inverted_name,
    normalize_names,
    normalize_text,
    normalize_title,
)
from digest.sources.xml import local_name, parse_elements, text_of

MAX_NEW_AGE = timedelta(days=30)  # moderation may hold a paper back so long; an older one is a revision
MAX_PAGES = 60
_OAI = "{http://www.openarchives.org/OAI/2.0/}"
_GROUPS = frozenset({"cs", "econ", "eess", "math", "q-bio", "q-fin", "stat"})  # all others are in physics


def to_set_spec(category: str) -> str:
    """Return the OAI set of an archive or category: cs.CL is cs:cs:CL, hep-th is physics:hep-th."""
    archive, _, subject = category.partition(".")
    if archive in _GROUPS and not subject:
        return archive
    group = archive if archive in _GROUPS else "physics"
    return ":".join(filter(None, (group, archive, subject)))


async def harvest(
    client: Client, base_url: str, category: str, since: date, read_at: datetime
) -> AsyncIterator[FetchResult]:
    """Yield page after page of what changed in *category* since a day; pages may repeat papers.

    Raises:
        SourceError: a page could not be fetched or reports an error, or there are more than MAX_PAGES.
    """
    query = {"metadataPrefix": "arXiv", "set": to_set_spec(category), "from": since.isoformat()}
    for _ in range(MAX_PAGES):
        response = await client.get(
            base_url, rate_group="arxiv", accept=Accept.XML, params={"verb": "ListRecords", **query}
        )
        page, token = parse(response.body, category, read_at)
        yield page
        if not token:
            return
        query = {"resumptionToken": token}  # percent-encoded already, and to be encoded once more
    raise SourceError(f"the harvest has more than {MAX_PAGES} pages; the rest is read next time")


def parse(body: bytes, scope: str, read_at: datetime) -> tuple[FetchResult, str]:
    """Return the records of one page, and the token that requests the next, empty on the last.

    The error noRecordsMatch is a page without papers.

    Raises:
        SourceError: the page reports another error.
        SourceChanged: the body is not OAI-PMH.
    """
    tags = [f"{_OAI}{name}" for name in ("record", "resumptionToken", "error")]
    parsed = parse_elements(body, tags, lambda element: _parse_element(element, read_at))
    if not parsed.broken and parsed.root != f"{_OAI}OAI-PMH":
        raise SourceChanged("the answer is XML, but not of OAI-PMH")
    papers = tuple(item for item in parsed.items if isinstance(item, Paper))
    unread = "records could not be read"
    result = to_xml_result("arxiv-oai", scope, read_at, parsed, papers, unread=unread)
    return result, next((item for item in parsed.items if isinstance(item, str)), "")


def _parse_element(element: etree._Element, read_at: datetime) -> Paper | str | None:
    """Return a paper, or the token of the next page; raise SourceError for an error, which has status 200."""
    kind = local_name(element)
    if kind == "resumptionToken":
        return text_of(element)
    if kind == "error":
        if element.get("code") != "noRecordsMatch":
            raise SourceError(f"OAI-PMH says {element.get('code', '')}: {text_of(element)}")
        return None
    header = element.find(f"{_OAI}header")
    is_deleted = header is not None and header.get("status") == "deleted"
    return None if is_deleted else _parse_record(element, read_at)


def _parse_record(record: etree._Element, read_at: datetime) -> Paper:
    oai_identifier = text_of(record.find(f"{_OAI}header/{_OAI}identifier"))
    identifier = parse_arxiv_id(oai_identifier)
    metadata = next(iter(record.iterfind(f"{_OAI}metadata/*")), None)
    if identifier is None or metadata is None:
        raise UnreadableItem(oai_identifier)
    if local_name(metadata) == "dc":
        return _parse_dublin_core(identifier, metadata)
    fields = {local_name(field): field for field in metadata.iterchildren("*")}
    title = normalize_title(text_of(fields.get("title")))
    abstract = normalize_text(text_of(fields.get("abstract")))
    if not title:
        raise UnreadableItem(oai_identifier)
    created = parse_date(text_of(fields.get("created")))
    # OAI-PMH does not say what is new: a paper created lately is, any other was only changed.
    is_new = created is not None and read_at - created <= MAX_NEW_AGE
    return Paper(
        id=f"arxiv:{identifier}",
        title=title,
        abstract=abstract,
        url=f"https://arxiv.org/abs/{identifier}",
        pdf_url=f"https://arxiv.org/pdf/{identifier}",
        published=created,
        authors=normalize_names(map(_format_author, metadata.iterfind("{*}authors/{*}author"))),
        categories=tuple(text_of(fields.get("categories")).split()),
        aliases=to_aliases(text_of(fields.get("doi"))),
        announcement=Announcement.NEW if is_new else Announcement.REPLACE,
        source="arxiv-oai",
        withdrawn=is_withdrawn(title, abstract, text_of(fields.get("comments"))),
    )


def _parse_dublin_core(identifier: str, metadata: etree._Element) -> Paper:
    """Parse the older format, which has no categories, and comments among the descriptions."""
    fields = [(local_name(field), text_of(field)) for field in metadata.iterchildren("*")]
    descriptions = [text for name, text in fields if name == "description"]
    title = normalize_title(next((text for name, text in fields if name == "title"), ""))
    if not title:
        raise UnreadableItem(identifier)
    abstract = normalize_text(descriptions[0] if descriptions else "")
    dois = (text for name, text in fields if name == "identifier" and text.startswith("doi:"))
    dates = (parse_date(text) for name, text in fields if name == "date")
    return Paper(
        id=f"arxiv:{identifier}",
        title=title,
        abstract=abstract,
        url=f"https://arxiv.org/abs/{identifier}",
        pdf_url=f"https://arxiv.org/pdf/{identifier}",
        published=min(filter(None, dates), default=None),
        authors=tuple(normalize_inverted_name(text) for name, text in fields if name == "creator"),
        aliases=to_aliases(next(dois, "")),
        announcement=Announcement.REPLACE,
        source="arxiv-oai",
        withdrawn=is_withdrawn(title, abstract, " ".join(descriptions[1:])),
    )


def _format_author(author: etree._Element) -> str:
    parts = (text_of(author.find(f"{{*}}{part}")) for part in ("forenames", "keyname", "suffix"))
    return " ".join(filter(None, parts))
