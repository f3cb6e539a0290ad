"""arXiv's RSS feed: one day's announcement, in the form of rss.arxiv.org."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time
from email.utils import format_datetime
from zoneinfo import ZoneInfo

from lxml import etree

from digest.tools.demo.dataset import ArxivPaper, Dataset
from digest.tools.demo.services.xml_elements import add_element, serialize

EASTERN = ZoneInfo("America/New_York")  # the feed is rebuilt at midnight there
ARXIV = "http://arxiv.org/schemas/atom"
ATOM = "http://www.w3.org/2005/Atom"
DC = "http://purl.org/dc/elements/1.1/"
NAMESPACES = {"arxiv": ARXIV, "atom": ATOM, "dc": DC}
ORDER = ("new", "cross", "replace", "replace-cross")


def build_feed(dataset: Dataset, categories: Sequence[str], now: datetime) -> bytes:
    """Return the feed of these categories: the day's announcement, or an empty feed on days without one."""
    names, url = ", ".join(categories), f"http://rss.arxiv.org/rss/{'+'.join(categories)}"
    rss = etree.Element("rss", nsmap=NAMESPACES, version="2.0")
    channel = etree.SubElement(rss, "channel")
    add_element(channel, "title", f"{names} updates on arXiv.org")
    add_element(channel, "link", url)
    add_element(channel, "description", f"{names} updates on the arXiv.org e-print archive.")
    etree.SubElement(channel, f"{{{ATOM}}}link", href=url, rel="self", type="application/rss+xml")
    add_element(channel, "docs", "http://www.rssboard.org/rss-specification")
    add_element(channel, "language", "en-us")
    add_element(channel, "lastBuildDate", format_datetime(now.astimezone(UTC)))
    add_element(channel, "managingEditor", "rss-help@arxiv.org")
    add_element(channel, "pubDate", _format_midnight(now))
    skip_days = etree.SubElement(channel, "skipDays")
    for day in ("Saturday", "Sunday"):
        add_element(skip_days, "day", day)
    for announce_type, paper in list_announced(dataset, categories, now):
        _add_item(channel, announce_type, paper, now)
    return serialize(rss)


def list_announced(
    dataset: Dataset, categories: Sequence[str], now: datetime
) -> tuple[tuple[str, ArxivPaper], ...]:
    """Return announce type and paper of each paper announced this day in these categories."""
    today = dataset.announced.get(now.astimezone(EASTERN).date(), ())
    announced = [
        (_get_announce_type(paper, categories), paper)
        for paper in today
        if _is_in_any(paper.categories, categories)
    ]
    return tuple(sorted(announced, key=lambda item: ORDER.index(item[0])))


def _is_in_any(paper_categories: Iterable[str], categories: Sequence[str]) -> bool:
    return any(name in categories or name.partition(".")[0] in categories for name in paper_categories)


def _get_announce_type(paper: ArxivPaper, categories: Sequence[str]) -> str:
    """Return "new" only where the primary category is requested: elsewhere the paper is a cross-list."""
    if _is_in_any(paper.categories[:1], categories):
        return paper.type
    return {"new": "cross", "replace": "replace-cross"}.get(paper.type, paper.type)


def _add_item(channel: etree._Element, announce_type: str, paper: ArxivPaper, now: datetime) -> None:
    item = etree.SubElement(channel, "item")
    versioned_id = f"{paper.id}v{paper.version}"
    add_element(item, "title", paper.title)
    add_element(item, "link", f"https://arxiv.org/abs/{paper.id}")
    # the blank before the line break is the service's own
    add_element(
        item,
        "description",
        f"arXiv:{versioned_id} Announce Type: {announce_type} \nAbstract: {paper.abstract}",
    )
    add_element(item, "guid", f"oai:arXiv.org:{versioned_id}").set("isPermaLink", "false")
    for category in paper.categories:
        add_element(item, "category", category)
    add_element(item, "pubDate", _format_midnight(now))
    add_element(item, f"{{{ARXIV}}}announce_type", announce_type)
    add_element(item, f"{{{DC}}}rights", paper.licence)
    add_element(item, f"{{{DC}}}creator", paper.creator)


def _format_midnight(now: datetime) -> str:
    """Return midnight in New York: every date in this feed says that, whenever a paper is from."""
    return format_datetime(datetime.combine(now.astimezone(EASTERN).date(), time(), EASTERN))
