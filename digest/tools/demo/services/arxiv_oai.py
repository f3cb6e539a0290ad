"""What changed at arXiv since a day? Its OAI-PMH service, by which missed days are repaired."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime

from lxml import etree

from digest.tools.demo.dataset import Announced, Collection
from digest.tools.demo.services.arxiv_rss import EASTERN
from digest.tools.demo.services.xml_elements import leaf, printed, unprefixed

OAI = "http://www.openarchives.org/OAI/2.0/"
ARXIV = "http://arxiv.org/OAI/arXiv/"
GROUPS = {"cs", "econ", "eess", "math", "q-bio", "q-fin", "stat"}  # every other archive is physics
NO_RECORDS = "The combination of the values of the from, until, set and metadataPrefix arguments results in an empty list."  # noqa: E501  the service's own sentence

Change = tuple[date, Announced]  # the day a record changed, and what it says since


def answer(held: Collection, asked: Mapping[str, str], now: datetime) -> bytes:
    """One answer, always with status 200; what is wrong with a question stands inside it."""
    root = etree.Element(f"{{{OAI}}}OAI-PMH", nsmap=unprefixed(OAI))
    leaf(root, f"{{{OAI}}}responseDate", now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    request = leaf(root, f"{{{OAI}}}request", "http://oaipmh.arxiv.org/oai")
    code, complaint, changes = _found(held, asked, now)
    if complaint:
        leaf(root, f"{{{OAI}}}error", complaint).set("code", code)
    else:
        for name, value in asked.items():
            request.set(name, value)
        records = etree.SubElement(root, f"{{{OAI}}}ListRecords")
        for day, paper in changes:
            _record(records, day, paper, held.first_day(paper))
    return printed(root)


def sets_of(paper: Announced) -> tuple[str, ...]:
    """The sets a paper is in: cs.CL is cs:cs:CL, quant-ph is physics:quant-ph."""
    return tuple(dict.fromkeys(map(_set, paper.categories)))


def _set(category: str) -> str:
    archive, _, subject = category.partition(".")
    return ":".join(filter(None, (archive if archive in GROUPS else "physics", archive, subject)))


def _found(held: Collection, asked: Mapping[str, str], now: datetime) -> tuple[str, str, tuple[Change, ...]]:
    """What is wrong with the question (a code and a sentence), or the changes it asks for."""
    if asked.get("verb") != "ListRecords":
        return "badVerb", "The verb is missing or not served here.", ()
    if asked.get("metadataPrefix") != "arXiv":
        return "cannotDisseminateFormat", "Only the arXiv format is served here.", ()
    try:
        since = date.fromisoformat(asked.get("from", "2005-01-01"))
    except ValueError:
        return "badArgument", "The request includes illegal arguments: from must be YYYY-MM-DD.", ()
    changes = tuple(_changes(held, asked.get("set", ""), since, now))
    return ("", "", changes) if changes else ("noRecordsMatch", NO_RECORDS, ())


def _changes(held: Collection, wanted: str, since: date, now: datetime) -> Iterable[Change]:
    """Each paper once, as it stands now."""
    today, latest = now.astimezone(EASTERN).date(), dict[str, Change]()
    for day, papers in held.announced.items():
        if since <= day <= today:
            latest |= {paper.id: (day, paper) for paper in papers}
    return (change for change in latest.values() if _is_in(change[1], wanted))


def _is_in(paper: Announced, wanted: str) -> bool:
    return not wanted or any(f"{name}:".startswith(f"{wanted}:") for name in sets_of(paper))


def _record(records: etree._Element, day: date, paper: Announced, created: date) -> None:
    record = etree.SubElement(records, f"{{{OAI}}}record")
    header = etree.SubElement(record, f"{{{OAI}}}header")
    leaf(header, f"{{{OAI}}}identifier", f"oai:arXiv.org:{paper.id}")
    leaf(header, f"{{{OAI}}}datestamp", day.isoformat())
    for name in sets_of(paper):
        leaf(header, f"{{{OAI}}}setSpec", name)
    metadata = etree.SubElement(record, f"{{{OAI}}}metadata")
    _metadata(etree.SubElement(metadata, f"{{{ARXIV}}}arXiv", nsmap=unprefixed(ARXIV)), day, paper, created)


def _metadata(fields: etree._Element, day: date, paper: Announced, created: date) -> None:
    leaf(fields, f"{{{ARXIV}}}id", paper.id)
    leaf(fields, f"{{{ARXIV}}}created", created.isoformat())
    if paper.version > 1:
        leaf(fields, f"{{{ARXIV}}}updated", day.isoformat())
    authors = etree.SubElement(fields, f"{{{ARXIV}}}authors")
    for keyname, forenames in _names(paper):
        author = etree.SubElement(authors, f"{{{ARXIV}}}author")
        leaf(author, f"{{{ARXIV}}}keyname", keyname)
        if forenames:
            leaf(author, f"{{{ARXIV}}}forenames", forenames)
    leaf(fields, f"{{{ARXIV}}}title", paper.title)
    leaf(fields, f"{{{ARXIV}}}categories", " ".join(paper.categories))
    leaf(fields, f"{{{ARXIV}}}license", paper.licence)
    leaf(fields, f"{{{ARXIV}}}abstract", f"  {paper.abstract}")


def _names(paper: Announced) -> Iterator[tuple[str, str]]:
    """Unlike the feeds, this service has clean names; the last word is taken for the family's."""
    for name in paper.authors:
        forenames, _, keyname = name.rpartition(" ")
        yield keyname, forenames
