"""`digest fetch`: read the sources now, and report the result of each."""

import sys
from collections.abc import Sequence
from datetime import datetime

import anyio
import click

from digest.cli.common import json_option, now_option, open_services
from digest.cli.output import echo_err, show_json, show_progress, show_table
from digest.models import Health
from digest.pipeline.ingest import StoredResult, fetch_sources
from digest.sources.config import list_source_names

HEALTHY = {Health.OK, Health.EMPTY}
NO_SOURCE_READ = (
    "No source could be read: is the network up, or must HTTPS_PROXY name a proxy? See: digest doctor"
)
HEADERS = {  # JSON key: table header
    "source": "source",
    "scope": "scope",
    "health": "health",
    "fetched": "seen",
    "new": "new",
    "updated": "updated",
    "note": "note",
}


@click.command("fetch", epilog="Example: digest fetch --source arxiv")
@click.option(
    "--source",
    "names",
    type=click.Choice(list_source_names()),
    multiple=True,
    help="Only this source; may be given several times.",
)
@now_option
@json_option
def command(*, names: Sequence[str], now: datetime, as_json: bool) -> None:
    """Fetch all sources now; show for each source and category what was read, new and failed.

    Exit code 1 when a source could not be read; papers of the other sources are kept.
    """
    with open_services() as services:
        selected = services.build_sources(only=names)
        with show_progress("reading the sources") as bar:
            results = anyio.run(
                lambda: fetch_sources(
                    services.store,
                    selected,
                    services.open_client,
                    now,
                    on_progress=bar,
                    is_complete=not names,
                )
            )
    show_fetch_results(results, as_json=as_json)
    if any(stored.result.health not in HEALTHY for stored in results):
        sys.exit(1)


def show_fetch_results(results: Sequence[StoredResult], *, as_json: bool = False) -> None:
    """Print the result of each source, as a table or as JSON."""
    rows = [fetch_result_to_json(stored) for stored in results]
    if as_json:
        show_json(rows)
        return
    table = [[row[name] for name in HEADERS] for row in rows]
    show_table(list(HEADERS.values()), _ditto_repeated_notes(table) if sys.stdout.isatty() else table)
    echo_err(f"{sum(stored.new for stored in results)} new papers.")
    if results and all(stored.result.health is Health.FAILED for stored in results):
        echo_err(NO_SOURCE_READ)


def _ditto_repeated_notes(rows: Sequence[list[object]]) -> Sequence[list[object]]:
    """Replace a note that repeats the one above by `"`: a dead host fails every category alike."""
    notes = ["", *(row[-1] for row in rows)]
    return [
        [*row[:-1], '"' if row[-1] and row[-1] == above else row[-1]]
        for row, above in zip(rows, notes, strict=False)
    ]


def fetch_result_to_json(stored: StoredResult) -> dict[str, object]:
    """Return the result of one source and category as JSON."""
    result = stored.result
    return {
        "source": result.source,
        "scope": result.scope,
        "health": str(result.health),
        "fetched": len(result.papers),
        "signals": len(result.signals),
        "new": stored.new,
        "updated": stored.updated,
        "note": result.note,
    }
