"""What does arXiv know of these ids? The Atom answers of its query API, asked by id alone."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from lxml import etree

from digest.tools.demo.dataset import Announced, Collection
from digest.tools.demo.services.arxiv_rss import EASTERN
from digest.tools.demo.services.xml_elements import leaf, printed, unprefixed

ATOM = "http://www.w3.org/2005/Atom"
ARXIV = "http://arxiv.org/schemas/atom"
OPENSEARCH = "http://a9.com/-/spec/opensearch/1.1/"
NUMBER = re.compile(r"\d{4}\.\d{4,5}(v\d+)?")


class Misshapen(ValueError):
    """Something that was never an id; the real service answers with a 400 and an error entry."""


def answer(held: Collection, asked: Mapping[str, str], now: datetime) -> bytes:
    """The papers of these ids as they stand at this moment; who is not known is just missing."""
    numbers = [number for number in asked.get("id_list", "").split(",") if number]
    for number in numbers:
        if not NUMBER.fullmatch(number):
            raise Misshapen(number)
    past = {day: held.announced[day] for day in held.announced if day <= now.astimezone(EASTERN).date()}
    latest = {each.id: (day, each) for day, papers in past.items() for each in papers}
    known = {n: latest[n] for n in (number.partition("v")[0] for number in numbers) if n in latest}
    feed = _feed(f"arXiv Query: search_query=&id_list={','.join(numbers)}", now, len(known))
    for day, paper in known.values():
        _entry(feed, paper, held.first_day(paper), day)
    return printed(feed)


def error(number: str, now: datetime) -> bytes:
    """What comes with a 400: a feed whose only entry is the error."""
    feed = _feed("arXiv Search Results", now, 1)
    entry = etree.SubElement(feed, f"{{{ATOM}}}entry")
    name = f"https://arxiv.org/api/errors#incorrect_id_format_for_{number}"
    leaf(entry, f"{{{ATOM}}}id", name)
    leaf(entry, f"{{{ATOM}}}title", "Error")
    leaf(entry, f"{{{ATOM}}}summary", f"incorrect id format for {number}")
    return printed(feed)


def _feed(title: str, now: datetime, total: int) -> etree._Element:
    names = unprefixed(ATOM, opensearch=OPENSEARCH, arxiv=ARXIV)
    feed = etree.Element(f"{{{ATOM}}}feed", nsmap=names)
    leaf(feed, f"{{{ATOM}}}id", "https://arxiv.org/api/sample")
    leaf(feed, f"{{{ATOM}}}title", title)
    leaf(feed, f"{{{ATOM}}}updated", _iso(now))
    leaf(feed, f"{{{OPENSEARCH}}}totalResults", str(total))
    leaf(feed, f"{{{OPENSEARCH}}}startIndex", "0")
    return feed


def _entry(feed: etree._Element, paper: Announced, first: date, latest: date) -> None:
    entry = etree.SubElement(feed, f"{{{ATOM}}}entry")
    numbered = f"{paper.id}v{paper.version}"
    leaf(entry, f"{{{ATOM}}}id", f"http://arxiv.org/abs/{numbered}")
    leaf(entry, f"{{{ATOM}}}title", paper.title)
    leaf(entry, f"{{{ATOM}}}updated", _iso(_handed_in(latest)))
    leaf(entry, f"{{{ATOM}}}summary", paper.abstract)
    for category in paper.categories:
        etree.SubElement(entry, f"{{{ATOM}}}category", term=category, scheme=ARXIV)
    leaf(entry, f"{{{ATOM}}}published", _iso(_handed_in(first)))
    etree.SubElement(entry, f"{{{ARXIV}}}primary_category", term=paper.categories[0])
    for name in paper.authors:
        leaf(etree.SubElement(entry, f"{{{ATOM}}}author"), f"{{{ATOM}}}name", name)


def _handed_in(announced: date) -> datetime:
    """What is announced on a day was handed in before the deadline of the evening before."""
    return datetime.combine(announced, time(), UTC) - timedelta(hours=12)


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
