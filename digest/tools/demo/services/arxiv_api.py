"""Atom responses of arXiv's query API, for lists of ids only."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from digest.tools.demo.dataset import Dataset
from digest.tools.demo.services.arxiv_rss import EASTERN
from digest.tools.demo.templates import TEMPLATES


def build_response(dataset: Dataset, params: Mapping[str, str], now: datetime) -> bytes:
    """Return the papers of these ids as they are at this moment; unknown ids are left out."""
    ids = [arxiv_id for arxiv_id in params.get("id_list", "").split(",") if arxiv_id]
    past = {day: dataset.announced[day] for day in dataset.announced if day <= now.astimezone(EASTERN).date()}
    latest = {paper.id: (day, paper) for day, papers in past.items() for paper in papers}
    known = {
        name: latest[name] for name in (arxiv_id.partition("v")[0] for arxiv_id in ids) if name in latest
    }
    entries = [
        (paper, _format_submission(dataset.get_first_day(paper)), _format_submission(day))
        for day, paper in known.values()
    ]
    feed = TEMPLATES.get_template("arxiv_api.xml").render(ids=ids, now=now.astimezone(UTC), entries=entries)
    return feed.encode()


def _format_submission(announced: date) -> str:
    """Return when a paper was submitted: before the deadline of the evening before its announcement."""
    return f"{announced - timedelta(days=1)}T12:00:00Z"
