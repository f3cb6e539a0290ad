"""arXiv's OAI-PMH service: what changed since a day, by which missed days are repaired."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime

from lxml import etree

from digest.tools.demo.dataset import ArxivPaper, Dataset
from digest.tools.demo.services.arxiv_rss import EASTERN
from digest.tools.demo.services.xml_elements import add_element, build_namespaces, serialize

OAI = "http://www.openarchives.org/OAI/2.0/"
ARXIV = "http://arxiv.org/OAI/arXiv/"
GROUPS = {"cs", "econ", "eess", "math", "q-bio", "q-fin", "stat"}  # every other archive is physics
NO_RECORDS = "The combination of the values of the from, until, set and metadataPrefix arguments results in an empty list."  # noqa: E501  the service's own sentence

Change = tuple[date, ArxivPaper]  # the day a record changed, and the record since


def build_response(dataset: Dataset, params: Mapping[str, str], now: datetime) -> bytes:
    """Return the response to a request; its status is always 200, an error stands inside."""
    root = etree.Element(f"{{{OAI}}}OAI-PMH", nsmap=build_namespaces(OAI))
    add_element(root, f"{{{OAI}}}responseDate", now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    request = add_element(root, f"{{{OAI}}}request", "http://oaipmh.arxiv.org/oai")
    since = date.fromisoformat(params.get("from", "2005-01-01"))
    changes = [*_list_changes(dataset, params.get("set", ""), since, now)]
    if not changes:
        add_element(root, f"{{{OAI}}}error", NO_RECORDS).set("code", "noRecordsMatch")
    else:
        for name, value in params.items():
            request.set(name, value)
        records = etree.SubElement(root, f"{{{OAI}}}ListRecords")
        for day, paper in changes:
            _add_record(records, day, paper, dataset.get_first_day(paper))
    return serialize(root)


def list_sets(paper: ArxivPaper) -> tuple[str, ...]:
    """Return the sets of a paper: cs.CL is cs:cs:CL, quant-ph is physics:quant-ph."""
    return tuple(dict.fromkeys(map(_to_set, paper.categories)))


def _to_set(category: str) -> str:
    archive, _, subject = category.partition(".")
    return ":".join(filter(None, (archive if archive in GROUPS else "physics", archive, subject)))


def _list_changes(dataset: Dataset, set_name: str, since: date, now: datetime) -> Iterable[Change]:
    """Return each paper once, in its latest version."""
    today, latest = now.astimezone(EASTERN).date(), dict[str, Change]()
    for day, papers in dataset.announced.items():
        if since <= day <= today:
            latest |= {paper.id: (day, paper) for paper in papers}
    return (
        (day, paper)
        for day, paper in latest.values()
        if not set_name or any(f"{name}:".startswith(f"{set_name}:") for name in list_sets(paper))
    )


def _add_record(records: etree._Element, day: date, paper: ArxivPaper, created: date) -> None:
    record = etree.SubElement(records, f"{{{OAI}}}record")
    header = etree.SubElement(record, f"{{{OAI}}}header")
    add_element(header, f"{{{OAI}}}identifier", f"oai:arXiv.org:{paper.id}")
    add_element(header, f"{{{OAI}}}datestamp", day.isoformat())
    for name in list_sets(paper):
        add_element(header, f"{{{OAI}}}setSpec", name)
    metadata = etree.SubElement(record, f"{{{OAI}}}metadata")
    _add_metadata(
        etree.SubElement(metadata, f"{{{ARXIV}}}arXiv", nsmap=build_namespaces(ARXIV)), day, paper, created
    )


def _add_metadata(fields: etree._Element, day: date, paper: ArxivPaper, created: date) -> None:
    add_element(fields, f"{{{ARXIV}}}id", paper.id)
    add_element(fields, f"{{{ARXIV}}}created", created.isoformat())
    if paper.version > 1:
        add_element(fields, f"{{{ARXIV}}}updated", day.isoformat())
    authors = etree.SubElement(fields, f"{{{ARXIV}}}authors")
    for name in paper.authors:  # unlike the feeds, this service has clean names without TeX
        forenames, _, keyname = name.rpartition(" ")
        author = etree.SubElement(authors, f"{{{ARXIV}}}author")
        add_element(author, f"{{{ARXIV}}}keyname", keyname)
        if forenames:
            add_element(author, f"{{{ARXIV}}}forenames", forenames)
    add_element(fields, f"{{{ARXIV}}}title", paper.title)
    add_element(fields, f"{{{ARXIV}}}categories", " ".join(paper.categories))
    add_element(fields, f"{{{ARXIV}}}license", paper.licence)
    add_element(fields, f"{{{ARXIV}}}abstract", f"  {paper.abstract}")
