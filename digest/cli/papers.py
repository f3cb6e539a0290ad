"""`digest papers`: what the store holds."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import click

from digest.cli.common import DayParam, clock, json_option, now_option, open_services
from digest.cli.output import show_line, show_table
from digest.cli.subscribers.common import plain
from digest.models import Paper, Signal, SignalKind

EVERYTHING = 1_000_000


@click.command("papers", epilog='Example: digest papers "diffusion policy" --since 2026-11-01 --json')
@click.argument("query", default="")
@click.option("--since", type=DayParam(), help="Only papers first seen since this day.")
@click.option("--limit", type=click.IntRange(1), help="At most so many. Default: 20; with --json all.")
@now_option
@json_option
def command(
    *, query: str, since: datetime | None, limit: int | None, now: datetime | None, as_json: bool
) -> None:
    """Search the stored papers: all of these words, the best first; without words the newest.

    With --json one object per line: the paper with its latest signals and the health of its record.
    """
    with open_services() as services, services.store.begin(write=False) as tx:
        most = limit or (EVERYTHING if as_json else 20)
        day = since.replace(tzinfo=UTC) if since else None
        papers = tx.papers.search(query, since=day, limit=most)
        signals = tx.signals.of([paper.id for paper in papers], until=clock(now))
    if as_json:
        for paper in papers:
            show_line(paper_json(paper, signals.get(paper.id, ())))
        return
    show_table(
        ("id", "seen", "votes", "category", "title"),
        [_row(paper, signals.get(paper.id, ())) for paper in papers],
        empty="Nothing found. Read the sources first, if that was never done: digest fetch",
    )


def paper_json(paper: Paper, signals: Sequence[Signal]) -> dict[str, Any]:
    """A paper as programs read it: its fields, its latest signals, and whether its record is sound."""
    missing = [
        name for name in ("abstract", "authors", "categories", "published") if not getattr(paper, name)
    ]
    fields: dict[str, Any] = plain(asdict(paper))
    return fields | {
        "signals": [
            {
                "kind": str(s.kind),
                "value": s.value,
                "observed_at": s.observed_at.isoformat(),
                "source": s.source,
            }
            for s in latest(signals)
        ],
        "health": "withdrawn" if paper.withdrawn else "incomplete" if missing else "ok",
        "missing": missing,
    }


def latest(signals: Sequence[Signal]) -> list[Signal]:
    """The last reading of each kind by each source."""
    last = {(signal.source, signal.kind): signal for signal in sorted(signals, key=lambda s: s.observed_at)}
    return list(last.values())


def _row(paper: Paper, signals: Sequence[Signal]) -> tuple[object, ...]:
    votes = [signal.value for signal in latest(signals) if signal.kind is SignalKind.UPVOTES]
    seen = f"{paper.first_seen:%Y-%m-%d}" if paper.first_seen else ""
    return paper.id, seen, f"{max(votes):g}" if votes else "", paper.category, paper.title
