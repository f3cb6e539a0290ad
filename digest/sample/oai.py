"""What changed at arXiv since a day? Its OAI-PMH service, by which missed days are repaired."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import cast

from lxml import etree

from digest.sample.collection import Announced, Collection
from digest.sample.rss import EASTERN

OAI = "http://www.openarchives.org/OAI/2.0/"
ARXIV = "http://arxiv.org/OAI/arXiv/"
GROUPS = {"cs", "econ", "eess", "math", "q-bio", "q-fin", "stat"}  # every other archive is physics
NO_RECORDS = "The combination of the values of the from, until, set and metadataPrefix arguments results in an empty list."  # noqa: E501  the service's own sentence

Change = tuple[date, Announced]  # the day a record changed, and what it says since


def answer(held: Collection, asked: Mapping[str, str], now: datetime) -> bytes:
    """One answer, always with status 200; what is wrong with a question stands inside it."""
    root = etree.Element(f"{{{OAI}}}OAI-PMH", nsmap=_plain(OAI))
    _text(root, "responseDate", now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    request = _text(root, "request", "http://oaipmh.arxiv.org/oai")
    code, complaint, changes = _found(held, asked, now)
    if complaint:
        _text(root, "error", complaint).set("code", code)
    else:
        for name, value in asked.items():
            request.set(name, value)
        records = etree.SubElement(root, f"{{{OAI}}}ListRecords")
        for day, paper in changes:
            _record(records, day, paper, _created(held, paper))
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)


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


def _created(held: Collection, paper: Announced) -> date:
    """The day of its first version; the month of its number, if that lies before the sample."""
    days = (day for day, papers in held.announced.items() for each in papers if each.id == paper.id)
    month = date(2000 + int(paper.id[:2]), int(paper.id[2:4]), 1)
    return next(days) if paper.id.startswith("2611.") else month


def _record(records: etree._Element, day: date, paper: Announced, created: date) -> None:
    record = etree.SubElement(records, f"{{{OAI}}}record")
    header = etree.SubElement(record, f"{{{OAI}}}header")
    _text(header, "identifier", f"oai:arXiv.org:{paper.id}")
    _text(header, "datestamp", day.isoformat())
    for name in sets_of(paper):
        _text(header, "setSpec", name)
    metadata = etree.SubElement(record, f"{{{OAI}}}metadata")
    _metadata(etree.SubElement(metadata, f"{{{ARXIV}}}arXiv", nsmap=_plain(ARXIV)), day, paper, created)


def _metadata(fields: etree._Element, day: date, paper: Announced, created: date) -> None:
    _text(fields, "id", paper.id, ARXIV)
    _text(fields, "created", created.isoformat(), ARXIV)
    if paper.version > 1:
        _text(fields, "updated", day.isoformat(), ARXIV)
    authors = etree.SubElement(fields, f"{{{ARXIV}}}authors")
    for keyname, forenames in _names(paper):
        author = etree.SubElement(authors, f"{{{ARXIV}}}author")
        _text(author, "keyname", keyname, ARXIV)
        if forenames:
            _text(author, "forenames", forenames, ARXIV)
    _text(fields, "title", paper.title, ARXIV)
    _text(fields, "categories", " ".join(paper.categories), ARXIV)
    _text(fields, "license", paper.licence, ARXIV)
    _text(fields, "abstract", f"  {paper.abstract}", ARXIV)


def _names(paper: Announced) -> Iterator[tuple[str, str]]:
    """Unlike the feeds, this service has clean names; the last word is taken for the family's."""
    for name in paper.authors:
        forenames, _, keyname = name.rpartition(" ")
        yield keyname, forenames


def _plain(namespace: str) -> dict[str, str]:
    """A default namespace; lxml's types know only named ones."""
    return cast("dict[str, str]", {None: namespace})


def _text(parent: etree._Element, tag: str, text: str, namespace: str = OAI) -> etree._Element:
    element = etree.SubElement(parent, f"{{{namespace}}}{tag}")
    element.text = text
    return element
