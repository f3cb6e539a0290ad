"""`digest trending`: the public trending list, with its numbers and reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import click

from digest.cli.common import json_option, now_option, open_services
from digest.cli.output import echo_err, show_line, show_table
from digest.db import Database
from digest.mail.locale import get_locale
from digest.mail.wording import describe_trend
from digest.models import Heat, Paper
from digest.pipeline.fitted_models import load_baselines
from digest.trending.heat import compute_heat, sort_by_heat

WINDOWS = {"day": 2, "week": 7, "month": 31}  # days; the list of a day is read until the next evening
HEADERS = ("#", "heat", "votes", "hours", "on course for", "id", "title", "why")


@dataclass(frozen=True, slots=True)
class TrendingRow:
    """A paper with its position (from 1) and heat."""

    number: int
    paper: Paper
    heat: Heat


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
        rows = build_trending_list(services.store, now, days=WINDOWS[window])
        with services.store.begin(write=False) as tx:
            paper_count = tx.papers.count()
    rows = [row for row in rows if row.heat.is_doubted or not doubted][:limit]
    if as_json:
        for row in rows:
            show_line(row_to_json(row, now.date()))
    elif rows:
        show_table(HEADERS, [_to_cells(row, now.date()) for row in rows])
    else:
        echo_err(_explain_empty(paper_count, window, doubted=doubted))


def _explain_empty(papers: int, window: str, *, doubted: bool) -> str:
    """Say why the list is empty, and what to do."""
    if not papers:
        return "No papers yet. Read the sources first: digest fetch"
    if doubted:
        return "No paper whose votes look bought."
    hint = "try --window week, or " if window == "day" else ""
    return f"No paper was seen in the last {WINDOWS[window]} days: {hint}read the sources: digest fetch"


def build_trending_list(store: Database, now: datetime, *, days: int) -> list[TrendingRow]:
    """Return the papers of the last *days* as of *now*, hottest first."""
    with store.begin(write=False) as tx:
        papers = tx.papers.list_candidates(now - timedelta(days=days), now)
        signals = tx.signals.get_until([paper.id for paper in papers], until=now)
    heat = compute_heat(papers, signals, now, baselines=load_baselines(store, now))
    ordered = sort_by_heat(papers, heat)
    return [TrendingRow(number, paper, heat[paper.id]) for number, paper in enumerate(ordered, 1)]


def row_to_json(row: TrendingRow, day: date) -> dict[str, Any]:
    """Return a row as JSON; docs/trending.md explains each key."""
    heat = row.heat
    return {
        "place": row.number,
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


def explain_row(row: TrendingRow, day: date) -> str:
    """Return why the paper is hot, in the same words as the mail."""
    return describe_trend(get_locale("en"), row.heat, day, has_code=bool(row.paper.code_url))


def _to_cells(row: TrendingRow, day: date) -> Sequence[object]:
    heat = row.heat
    course = f"{heat.expected:.0f}" + (f" ({heat.low:.0f}-{heat.high:.0f})" if heat.high else "")
    return (
        row.number,
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
