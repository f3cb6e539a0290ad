"""Atom responses of arXiv's query API, for lists of ids only."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from lxml import etree

from digest.tools.demo.dataset import ArxivPaper, Dataset
from digest.tools.demo.services.arxiv_rss import EASTERN
from digest.tools.demo.services.xml_elements import add_element, build_namespaces, serialize

ATOM = "http://www.w3.org/2005/Atom"
ARXIV = "http://arxiv.org/schemas/atom"
OPENSEARCH = "http://a9.com/-/spec/opensearch/1.1/"


def build_response(dataset: Dataset, params: Mapping[str, str], now: datetime) -> bytes:
    """Return the papers of these ids as they are at this moment; unknown ids are left out."""
    ids = [arxiv_id for arxiv_id in params.get("id_list", "").split(",") if arxiv_id]
    past = {day: dataset.announced[day] for day in dataset.announced if day <= now.astimezone(EASTERN).date()}
    latest = {paper.id: (day, paper) for day, papers in past.items() for paper in papers}
    known = {
        name: latest[name] for name in (arxiv_id.partition("v")[0] for arxiv_id in ids) if name in latest
    }
    feed = _build_feed(f"arXiv Query: search_query=&id_list={','.join(ids)}", now, len(known))
    for day, paper in known.values():
        _add_entry(feed, paper, dataset.get_first_day(paper), day)
    return serialize(feed)


def _build_feed(title: str, now: datetime, total: int) -> etree._Element:
    names = build_namespaces(ATOM, opensearch=OPENSEARCH, arxiv=ARXIV)
    feed = etree.Element(f"{{{ATOM}}}feed", nsmap=names)
    add_element(feed, f"{{{ATOM}}}id", "https://arxiv.org/api/sample")
    add_element(feed, f"{{{ATOM}}}title", title)
    add_element(feed, f"{{{ATOM}}}updated", _format_iso(now))
    add_element(feed, f"{{{OPENSEARCH}}}totalResults", str(total))
    add_element(feed, f"{{{OPENSEARCH}}}startIndex", "0")
    return feed


def _add_entry(feed: etree._Element, paper: ArxivPaper, first: date, latest: date) -> None:
    entry = etree.SubElement(feed, f"{{{ATOM}}}entry")
    versioned_id = f"{paper.id}v{paper.version}"
    add_element(entry, f"{{{ATOM}}}id", f"http://arxiv.org/abs/{versioned_id}")
    add_element(entry, f"{{{ATOM}}}title", paper.title)
    add_element(entry, f"{{{ATOM}}}updated", _format_iso(_get_submission_time(latest)))
    add_element(entry, f"{{{ATOM}}}summary", paper.abstract)
    for category in paper.categories:
        etree.SubElement(entry, f"{{{ATOM}}}category", term=category, scheme=ARXIV)
    add_element(entry, f"{{{ATOM}}}published", _format_iso(_get_submission_time(first)))
    etree.SubElement(entry, f"{{{ARXIV}}}primary_category", term=paper.categories[0])
    for name in paper.authors:
        add_element(etree.SubElement(entry, f"{{{ATOM}}}author"), f"{{{ATOM}}}name", name)


def _get_submission_time(announced: date) -> datetime:
    """Return when a paper was submitted: before the deadline of the evening before its announcement."""
    return datetime.combine(announced, time(), UTC) - timedelta(hours=12)


def _format_iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
