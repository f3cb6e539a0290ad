"""arXiv's services: RSS feed, OAI-PMH, and the query API for lists of ids. The XML is in templates."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from zoneinfo import ZoneInfo

from digest.tools.demo.dataset import ArxivPaper, Dataset
from digest.tools.demo.templates import TEMPLATES

EASTERN = ZoneInfo("America/New_York")  # the feed is rebuilt at midnight there
ORDER = ("new", "cross", "replace", "replace-cross")
GROUPS = {"cs", "econ", "eess", "math", "q-bio", "q-fin", "stat"}  # every other archive is physics

Change = tuple[date, ArxivPaper]  # the day a record changed, and the record since


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


def list_changes(dataset: Dataset, params: Mapping[str, str], now: datetime) -> bytes:
    """Return OAI-PMH's records that changed since a day; the status is always 200, an error stands inside."""
    since = date.fromisoformat(params.get("from", "2005-01-01"))
    start = f"{params['set']}:" if params.get("set") else ""
    records = []
    for day, paper in _find_latest(dataset, now, since=since).values():
        sets = [*dict.fromkeys(map(_to_set, paper.categories))]
        if any(f"{name}:".startswith(start) for name in sets):
            created = dataset.get_first_day(paper)
            records.append({"day": day, "paper": paper, "created": created, "sets": sets})
    template = TEMPLATES.get_template("arxiv_oai.xml")
    return template.render(params=params, now=now.astimezone(UTC), records=records).encode()


def _to_set(category: str) -> str:
    """Return the set of a category: cs.CL is cs:cs:CL, quant-ph is physics:quant-ph."""
    archive, _, subject = category.partition(".")
    return ":".join(filter(None, (archive if archive in GROUPS else "physics", archive, subject)))


def look_up(dataset: Dataset, params: Mapping[str, str], now: datetime) -> bytes:
    """Return the papers of these ids as they are at this moment, as Atom; unknown ids are left out."""
    ids = [arxiv_id for arxiv_id in params.get("id_list", "").split(",") if arxiv_id]
    latest = _find_latest(dataset, now)
    known = [latest[name] for arxiv_id in ids if (name := arxiv_id.partition("v")[0]) in latest]
    entries = [
        (paper, _format_submission(dataset.get_first_day(paper)), _format_submission(day))
        for day, paper in known
    ]
    feed = TEMPLATES.get_template("arxiv_api.xml").render(ids=ids, now=now.astimezone(UTC), entries=entries)
    return feed.encode()


def _find_latest(dataset: Dataset, now: datetime, *, since: date = date.min) -> dict[str, Change]:
    """Return each paper that was announced in a period once, in its latest version, by its id."""
    today, latest = now.astimezone(EASTERN).date(), dict[str, Change]()
    for day, papers in dataset.announced.items():
        if since <= day <= today:
            latest |= {paper.id: (day, paper) for paper in papers}
    return latest


def _format_submission(announced: date) -> str:
    """Return when a paper was submitted: before the deadline of the evening before its announcement."""
    return f"{announced - timedelta(days=1)}T12:00:00Z"
