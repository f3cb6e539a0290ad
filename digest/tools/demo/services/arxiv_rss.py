"""arXiv's RSS feed: one day's announcement, in the form of rss.arxiv.org."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time
from email.utils import format_datetime
from zoneinfo import ZoneInfo

from digest.tools.demo.dataset import ArxivPaper, Dataset
from digest.tools.demo.templates import TEMPLATES

EASTERN = ZoneInfo("America/New_York")  # the feed is rebuilt at midnight there
ORDER = ("new", "cross", "replace", "replace-cross")


def build_feed(dataset: Dataset, categories: Sequence[str], now: datetime) -> bytes:
    """Return the feed of these categories: the day's announcement, or an empty feed on days without one."""
    today = now.astimezone(EASTERN).date()
    announced = [
        (_get_announce_type(paper, categories), paper)
        for paper in dataset.announced.get(today, ())
        if _is_in_any(paper.categories, categories)
    ]
    feed = TEMPLATES.get_template("arxiv_rss.xml").render(
        categories=categories,
        built_at=format_datetime(now.astimezone(UTC)),
        # every date in this feed says so, whenever a paper is from
        midnight=format_datetime(datetime.combine(today, time(), EASTERN)),
        announced=sorted(announced, key=lambda item: ORDER.index(item[0])),
    )
    return feed.encode()


def _is_in_any(paper_categories: Iterable[str], categories: Sequence[str]) -> bool:
    return any(name in categories or name.partition(".")[0] in categories for name in paper_categories)


def _get_announce_type(paper: ArxivPaper, categories: Sequence[str]) -> str:
    """Return "new" only where the primary category is requested: elsewhere the paper is a cross-list."""
    if _is_in_any(paper.categories[:1], categories):
        return paper.type
    return {"new": "cross", "replace": "replace-cross"}.get(paper.type, paper.type)
