"""`digest fetch`: read the sources now, and say how each of them did."""

import sys
from collections.abc import Sequence
from datetime import datetime

import anyio
import click

from digest.cli.common import clock, json_option, now_option, open_services
from digest.cli.output import progress, show_json, show_table, tell
from digest.models import Health
from digest.pipeline import run
from digest.pipeline.run import Fetched
from digest.sources.registry import SOURCES, build

GOOD = {Health.OK, Health.EMPTY}
NONE_READ = "No source could be read: is the network up, or must HTTPS_PROXY name a proxy? See: digest doctor"


@click.command("fetch", epilog="Example: digest fetch --source arxiv")
@click.option(
    "--source",
    "names",
    type=click.Choice(list(SOURCES)),
    multiple=True,
    help="Only this source; may be given several times.",
)
@now_option
@json_option
def command(*, names: Sequence[str], now: datetime | None, as_json: bool) -> None:
    """Read the sources now: per source and category what was seen, what is new, and what failed.

    Exit code 1 when a source could not be read; what the others brought is kept.
    """
    with open_services() as services:
        chosen = build(services.fetch_plan, only=names)
        with progress("reading the sources") as bar:
            fetched = anyio.run(
                lambda: run.fetch(
                    services.store,
                    chosen,
                    services.connect,
                    clock(now),
                    tell=lambda what, n, of: bar(n, of, what),
                )
            )
    show_fetched(fetched, as_json=as_json)
    if any(each.reading.health not in GOOD for each in fetched):
        sys.exit(1)


def show_fetched(fetched: Sequence[Fetched], *, as_json: bool = False) -> None:
    """How each source did, as a table or as JSON."""
    rows = [fetched_json(each) for each in fetched]
    if as_json:
        show_json(rows)
        return
    table = [[row[name] for name in _HEADERS] for row in rows]
    show_table(list(_HEADERS.values()), _once(table) if sys.stdout.isatty() else table)
    tell(f"{sum(each.new for each in fetched)} new papers.")
    if fetched and all(each.reading.health is Health.FAILED for each in fetched):
        tell(NONE_READ)


def _once(rows: Sequence[list[object]]) -> Sequence[list[object]]:
    """The same note under itself is said once: a dead host fails every category alike."""
    notes = ["", *(row[-1] for row in rows)]
    return [
        [*row[:-1], '"' if row[-1] and row[-1] == above else row[-1]]
        for row, above in zip(rows, notes, strict=False)
    ]


_HEADERS = {
    "source": "source",
    "scope": "scope",
    "health": "health",
    "fetched": "seen",
    "new": "new",
    "updated": "updated",
    "note": "note",
}


def fetched_json(each: Fetched) -> dict[str, object]:
    """One reading as programs read it."""
    reading = each.reading
    return {
        "source": reading.source,
        "scope": reading.scope,
        "health": str(reading.health),
        "fetched": len(reading.papers),
        "signals": len(reading.signals),
        "new": each.new,
        "updated": each.updated,
        "note": reading.note,
    }
