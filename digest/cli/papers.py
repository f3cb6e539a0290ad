"""`digest papers`: search the stored papers."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import click

from digest.cli.common import DayParam, json_option, now_option, open_services
from digest.cli.output import show_line, show_table
from digest.models import Paper, Signal, SignalKind
from digest.models.papers import select_latest

NO_LIMIT = 1_000_000


@click.command("papers", epilog='Example: digest papers "diffusion policy" --since 2026-11-01 --json')
@click.argument("query", default="")
@click.option("--since", type=DayParam(), help="Only papers first seen since this day.")
@click.option("--limit", type=click.IntRange(1), help="Maximum number. Default: 20; with --json all.")
@now_option
@json_option
def command(*, query: str, since: datetime | None, limit: int | None, now: datetime, as_json: bool) -> None:
    """Search the stored papers for all of these words, best match first; without words, list the newest.

    With --json one object per line: the paper with its latest signals and the health of its record.
    """
    with open_services() as services, services.store.begin(write=False) as tx:
        max_papers = limit or (NO_LIMIT if as_json else 20)
        seen_since = since.replace(tzinfo=UTC) if since else None
        papers = tx.papers.search(query, since=seen_since, limit=max_papers)
        signals = tx.signals.get_until([paper.id for paper in papers], until=now)
        stored = tx.papers.count()
    if as_json:
        for paper in papers:
            show_line(paper_to_json(paper, signals.get(paper.id, ())))
        return
    show_table(
        ("id", "seen", "votes", "category", "title"),
        [_to_row(paper, signals.get(paper.id, ())) for paper in papers],
        empty=f"None of the {stored:,} papers fits." if stored else "No papers are stored. Run: digest fetch",
    )


def paper_to_json(paper: Paper, signals: Sequence[Signal]) -> dict[str, Any]:
    """Return a paper as JSON: its fields, its latest signals and which fields are missing."""
    missing = [
        name for name in ("abstract", "authors", "categories", "published") if not getattr(paper, name)
    ]
    return asdict(paper) | {
        "signals": [
            {
                "kind": str(signal.kind),
                "value": signal.value,
                "observed_at": signal.observed_at.isoformat(),
                "source": signal.source,
            }
            for signal in select_latest(signals)
        ],
        "health": "withdrawn" if paper.withdrawn else "incomplete" if missing else "ok",
        "missing": missing,
    }


def _to_row(paper: Paper, signals: Sequence[Signal]) -> tuple[object, ...]:
    votes = [signal.value for signal in select_latest(signals) if signal.kind is SignalKind.UPVOTES]
    seen = f"{paper.first_seen:%Y-%m-%d}" if paper.first_seen else ""
    return paper.id, seen, f"{max(votes):g}" if votes else "", paper.category, paper.title
