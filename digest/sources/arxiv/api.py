"""What does arXiv know of these very papers? Its query API, asked only by id, never to discover."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from lxml import etree

from digest.models import FetchResult, Health, Paper
from digest.models.errors import SourceChanged, SourceError
from digest.models.paper_ids import arxiv_id, arxiv_version, canonical
from digest.models.paper_merge import is_withdrawn
from digest.sources.http.client import Client
from digest.sources.http.response import BadResponse, Wants
from digest.sources.text import normalize
from digest.sources.xml import ATOM, Unreadable, read_each, text_of

MOST = 100  # ids in one question
_EXT = "{http://arxiv.org/schemas/atom}"
_ERROR = "/api/errors#"


async def look_up(client: Client, base: str, numbers: Sequence[str], read_at: datetime) -> FetchResult:
    """The papers of these arXiv ids, a hundred to a question; the unknown ones are named in the note."""
    asked = [number.removeprefix("arxiv:") for number in numbers]
    readings = [
        await _ask(client, base, asked[start : start + MOST], read_at) for start in range(0, len(asked), MOST)
    ]
    papers = tuple(paper for reading in readings for paper in reading.papers)
    missing = sorted(set(asked) - {paper.id.removeprefix("arxiv:") for paper in papers})
    note = " ".join(reading.note for reading in readings if reading.note)
    whole = FetchResult(source="arxiv-api", scope="look-up", read_at=read_at, papers=papers, note=note)
    if not missing:
        return whole
    return _noting(whole, f"arXiv does not know {', '.join(missing[:5])}{' …' if missing[5:] else ''}.")


async def _ask(client: Client, base: str, numbers: Sequence[str], read_at: datetime) -> FetchResult:
    try:
        answer = await client.get(
            f"{base}/api/query",
            family="arxiv",
            wants=Wants.XML,
            params={"id_list": ",".join(numbers), "start": 0, "max_results": len(numbers)},
        )
    except BadResponse as error:
        raise SourceError(error_in(error.answer.body) or str(error)) from error
    return parse(answer.body, "look-up", read_at)


def parse(body: bytes, scope: str, read_at: datetime) -> FetchResult:
    """The papers of one answer; SourceChanged when it is no Atom feed or an error entry."""
    if message := error_in(body):
        raise SourceChanged(f"arXiv says: {message}")
    parsed = read_each(body, (f"{ATOM}entry",), _paper)
    if not parsed.broken and parsed.root != f"{ATOM}feed":
        raise SourceChanged("the answer is XML, but not a feed")
    reading = FetchResult(
        source="arxiv-api", scope=scope, read_at=read_at, papers=parsed.items, body=body,
        health=Health.TRUNCATED if parsed.broken else Health.OK,
    )  # fmt: skip
    if parsed.broken:
        return _noting(reading, f"The answer broke off after {len(parsed.items)} papers.")
    return _noting(reading, f"{parsed.skipped} entries could not be read.") if parsed.skipped else reading


def error_in(body: bytes) -> str:
    """The sentence of an error entry, or an empty string."""
    if _ERROR.encode() not in body:
        return ""
    return next(iter(read_each(body, (f"{ATOM}entry",), _error).items), "")


def _noting(reading: FetchResult, note: str) -> FetchResult:
    return replace(reading, note=f"{reading.note} {note}".strip())


def _error(entry: etree._Element) -> str | None:
    is_error = _ERROR in text_of(entry.find(f"{ATOM}id"))
    return text_of(entry.find(f"{ATOM}summary")) or "an error without words" if is_error else None


def _paper(entry: etree._Element) -> Paper:
    said = {child.tag: text_of(child) if len(child) else child.text or "" for child in entry}
    given = said.get(f"{ATOM}id", "").removeprefix("http://arxiv.org/abs/")  # the usual form, read quickly
    number = arxiv_id(given)
    title = normalize.title(said.get(f"{ATOM}title", ""))
    if number is None or not title:
        raise Unreadable(given)
    abstract = normalize.plain(said.get(f"{ATOM}summary", ""))
    return Paper(
        id=f"arxiv:{number}",
        title=title,
        abstract=abstract,
        url=f"https://arxiv.org/abs/{number}",
        pdf_url=f"https://arxiv.org/pdf/{number}",
        published=_moment(said.get(f"{ATOM}published", "")),
        authors=normalize.names(map(text_of, entry.iter(f"{ATOM}name"))),
        categories=_categories(entry),
        version=arxiv_version(given) or 1,
        aliases=_aliases(said.get(f"{_EXT}doi", "")),
        source="arxiv-api",
        withdrawn=is_withdrawn(title, abstract, said.get(f"{_EXT}comment", "")),
    )


def _categories(entry: etree._Element) -> tuple[str, ...]:
    """The primary one first; the MSC and ACM classes among them are left out."""
    first, others = f"{_EXT}primary_category", f"{ATOM}category"
    terms = [child.get("term", "") for tag in (first, others) for child in entry.iterchildren(tag)]
    return tuple(dict.fromkeys(term for term in terms if term and " " not in term and not term[0].isdigit()))


def _aliases(doi: str) -> tuple[str, ...]:
    try:
        return (canonical(doi),) if doi else ()
    except ValueError:
        return ()


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
