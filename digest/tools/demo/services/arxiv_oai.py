"""arXiv's OAI-PMH service: what changed since a day, by which missed days are repaired."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime

from digest.tools.demo.dataset import ArxivPaper, Dataset
from digest.tools.demo.services.arxiv_rss import EASTERN
from digest.tools.demo.templates import TEMPLATES

GROUPS = {"cs", "econ", "eess", "math", "q-bio", "q-fin", "stat"}  # every other archive is physics

Change = tuple[date, ArxivPaper]  # the day a record changed, and the record since


def build_response(dataset: Dataset, params: Mapping[str, str], now: datetime) -> bytes:
    """Return the response to a request; its status is always 200, an error stands inside."""
    since = date.fromisoformat(params.get("from", "2005-01-01"))
    records = [
        {"day": day, "paper": paper, "created": dataset.get_first_day(paper), "sets": list_sets(paper)}
        for day, paper in _list_changes(dataset, params.get("set", ""), since, now)
    ]
    template = TEMPLATES.get_template("arxiv_oai.xml")
    return template.render(params=params, now=now.astimezone(UTC), records=records).encode()


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
