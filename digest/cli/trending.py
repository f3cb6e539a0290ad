"""`digest trending`: the public trending list, with its numbers and reasons."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import click

from digest.cli.common import json_option, now_option, open_services
from digest.cli.output import echo_err, show_line, show_table
from digest.mail.locale import get_locale
from digest.mail.wording import describe_trend
from digest.pipeline.fitted_models import load_baselines
from digest.web.trending_lists import MONTH, TODAY, WEEK, RankedPaper, rank_papers

WINDOWS = {"day": TODAY, "week": WEEK, "month": MONTH}
HEADERS = ("#", "heat", "votes", "hours", "on course for", "id", "title", "why")


@click.command("trending", epilog="Example: digest trending --window week --limit 10")
@click.option(
    "--window", type=click.Choice(list(WINDOWS)), default="day", show_default=True, help="How far back."
)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Maximum number.")
@click.option("--doubted", is_flag=True, help="Only papers whose votes look bought.")
@now_option
@json_option
def command(*, window: str, limit: int, doubted: bool, now: datetime, as_json: bool) -> None:
    """Show the trending papers: their votes, the forecast, and how it compares with a usual paper.

    Heat is in doublings: 1 means a forecast of twice the votes of a usual paper, 3 of eight times.
    With --json one object per line, the hottest first.
    """
    with open_services() as services:
        since = now - timedelta(days=WINDOWS[window].days)
        ranked = rank_papers(services.store, since, now, load_baselines(services.store, now))
        with services.store.begin(write=False) as tx:
            paper_count = tx.papers.count()
    places = enumerate(ranked, 1)
    rows = [(place, row) for place, row in places if row.heat.is_doubted or not doubted][:limit]
    if as_json:
        for place, row in rows:
            show_line(row_to_json(place, row, now.date()))
    elif rows:
        show_table(HEADERS, [_to_cells(place, row, now.date()) for place, row in rows])
    else:
        echo_err(_explain_empty(paper_count, window, doubted=doubted))


def _explain_empty(papers: int, window: str, *, doubted: bool) -> str:
    """Say why the list is empty, and what to do."""
    if not papers:
        return "No papers yet. Read the sources first: digest fetch"
    if doubted:
        return "No paper whose votes look bought."
    hint = "try --window week, or " if window == "day" else ""
    return f"No paper was seen in the last {WINDOWS[window].days} days: {hint}read the sources: digest fetch"


def row_to_json(place: int, row: RankedPaper, day: date) -> dict[str, Any]:
    """Return a row as JSON; docs/trending.md explains each key."""
    heat = row.heat
    return {
        "place": place,
        "id": row.paper.id,
        "title": row.paper.title,
        "url": row.paper.url,
        "heat": round(heat.value, 3),
        "votes": heat.votes,
        "kind": heat.kind and str(heat.kind),
        "source": heat.source or None,
        "hours": _round(heat.hours),
        "usual": _round(heat.usual),
        "expected": _round(heat.expected),
        "low": _round(heat.low) if heat.kind else None,
        "high": _round(heat.high) if heat.kind else None,
        "gained": heat.gained,
        "usual_gain": _round(heat.usual_gain),
        "without_votes": heat.content_prior,
        "doubted": heat.is_doubted,
        "reason": explain_row(row, day),
    }


def explain_row(row: RankedPaper, day: date) -> str:
    """Return why the paper is hot, in the same words as the mail."""
    return describe_trend(get_locale("en"), row.heat, day, has_code=bool(row.paper.code_url))


def _to_cells(place: int, row: RankedPaper, day: date) -> Sequence[object]:
    heat = row.heat
    course = f"{heat.expected:.0f}" + (f" ({heat.low:.0f}-{heat.high:.0f})" if heat.high else "")
    return (
        place,
        f"{heat.value:+.1f}",
        "" if heat.votes is None else f"{heat.votes:.0f}",
        "" if heat.hours is None else f"{heat.hours:.0f}",
        course,
        row.paper.id,
        row.paper.title,
        ("votes look bought; " if heat.is_doubted else "") + explain_row(row, day),
    )


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
