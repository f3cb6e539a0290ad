"""What does arXiv's feed say this morning? One day's announcement, in the true form of rss.arxiv.org."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time
from email.utils import format_datetime
from zoneinfo import ZoneInfo

from lxml import etree

from digest.tools.demo.dataset import Announced, Collection
from digest.tools.demo.services.xml_elements import leaf, printed

EASTERN = ZoneInfo("America/New_York")  # the feed is rebuilt at midnight there
ARXIV = "http://arxiv.org/schemas/atom"
ATOM = "http://www.w3.org/2005/Atom"
DC = "http://purl.org/dc/elements/1.1/"
NAMESPACES = {"arxiv": ARXIV, "atom": ATOM, "dc": DC}
ORDER = ("new", "cross", "replace", "replace-cross")
ARCHIVES = {
    "astro-ph", "cond-mat", "cs", "econ", "eess", "gr-qc", "hep-ex", "hep-lat", "hep-ph", "hep-th", "math",
    "math-ph", "nlin", "nucl-ex", "nucl-th", "physics", "q-bio", "q-fin", "quant-ph", "stat",
}  # fmt: skip


def feed(held: Collection, wanted: Sequence[str], now: datetime) -> bytes:
    """The feed of these categories: the day's announcement, a valid empty feed on days without one."""
    items = announcement(held, wanted, now)
    return _document(f"{', '.join(wanted)} updates on arXiv.org", _about(wanted), wanted, items, now)


def refusal(wanted: Sequence[str], now: datetime) -> bytes:
    """The feed that comes with a 400: well formed, empty, and saying so only in its title."""
    url = _url(wanted)
    archives = ", ".join(sorted(ARCHIVES))
    about = f"Bad archive '{_stranger(wanted)}'. Valid archives are: {archives}."
    return _document(f"Feed error for query: {url}", about, wanted, (), now)


def is_known(category: str) -> bool:
    """Whether arXiv has an archive of this name."""
    return category.partition(".")[0] in ARCHIVES


def announcement(held: Collection, wanted: Sequence[str], now: datetime) -> tuple[tuple[str, Announced], ...]:
    """The papers announced this day in these categories, once each, with what they are to the asker."""
    today = held.announced.get(now.astimezone(EASTERN).date(), ())
    found = [(_type(paper, wanted), paper) for paper in today if _concerns(paper.categories, wanted)]
    return tuple(sorted(found, key=lambda item: ORDER.index(item[0])))


def _concerns(categories: Iterable[str], wanted: Sequence[str]) -> bool:
    return any(category in wanted or category.partition(".")[0] in wanted for category in categories)


def _type(paper: Announced, wanted: Sequence[str]) -> str:
    """A paper is new where its primary category is asked for, and a cross-list elsewhere."""
    if _concerns(paper.categories[:1], wanted):
        return paper.type
    return {"new": "cross", "replace": "replace-cross"}.get(paper.type, paper.type)


def _document(
    title: str, about: str, wanted: Sequence[str], items: Iterable[tuple[str, Announced]], now: datetime
) -> bytes:
    rss = etree.Element("rss", nsmap=NAMESPACES, version="2.0")
    channel = etree.SubElement(rss, "channel")
    leaf(channel, "title", title)
    leaf(channel, "link", _url(wanted))
    leaf(channel, "description", about)
    etree.SubElement(channel, f"{{{ATOM}}}link", href=_url(wanted), rel="self", type="application/rss+xml")
    leaf(channel, "docs", "http://www.rssboard.org/rss-specification")
    leaf(channel, "language", "en-us")
    leaf(channel, "lastBuildDate", format_datetime(now.astimezone(UTC)))
    leaf(channel, "managingEditor", "rss-help@arxiv.org")
    leaf(channel, "pubDate", _midnight(now))
    skipped = etree.SubElement(channel, "skipDays")
    for day in ("Saturday", "Sunday"):
        leaf(skipped, "day", day)
    for kind, paper in items:
        _item(channel, kind, paper, now)
    return printed(rss)


def _item(channel: etree._Element, kind: str, paper: Announced, now: datetime) -> None:
    item = etree.SubElement(channel, "item")
    numbered = f"{paper.id}v{paper.version}"
    leaf(item, "title", paper.title)
    leaf(item, "link", f"https://arxiv.org/abs/{paper.id}")
    # the blank before the line break is the service's own
    leaf(item, "description", f"arXiv:{numbered} Announce Type: {kind} \nAbstract: {paper.abstract}")
    leaf(item, "guid", f"oai:arXiv.org:{numbered}").set("isPermaLink", "false")
    for category in paper.categories:
        leaf(item, "category", category)
    leaf(item, "pubDate", _midnight(now))
    leaf(item, f"{{{ARXIV}}}announce_type", kind)
    leaf(item, f"{{{DC}}}rights", paper.licence)
    leaf(item, f"{{{DC}}}creator", paper.creator)


def _midnight(now: datetime) -> str:
    """No date in this feed says when a paper is from: all of them say midnight in the East."""
    return format_datetime(datetime.combine(now.astimezone(EASTERN).date(), time(), EASTERN))


def _about(wanted: Sequence[str]) -> str:
    return f"{', '.join(wanted)} updates on the arXiv.org e-print archive."


def _url(wanted: Sequence[str]) -> str:
    return f"http://rss.arxiv.org/rss/{'+'.join(wanted)}"


def _stranger(wanted: Sequence[str]) -> str:
    return next((category for category in wanted if not is_known(category)), "")
