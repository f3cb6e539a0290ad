"""`digest run`: one run by hand, or from cron."""

import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

import anyio
import click
from click.core import ParameterSource

from digest.app import run
from digest.app.run import RunResult
from digest.cli.common import get_log_level, json_option, now_option, open_services, start_clock
from digest.cli.fetch import fetch_result_to_json, show_fetch_results
from digest.cli.output import echo, show_json, show_progress
from digest.pipeline.clock_repair import repair_timestamps
from digest.pipeline.ingest import FailedSource, find_failed_sources

log = logging.getLogger(__name__)


@click.command(
    "run",
    epilog="\b\nExamples:\n  digest run\n  digest run --due-now\n  */15 * * * * digest run   (from cron)",
)
@click.option("--due-now", is_flag=True, help="Send today's digests now, whatever the hour; nobody gets two.")
@now_option
@json_option
def command(*, due_now: bool, now: datetime, as_json: bool) -> None:
    """Read the sources if they are due, plan every digest that is due, send until nothing is left.

    Exit code 1 when a source or an email failed, 75 when another process is sending from this database. While
    sending is paused nothing fails: the output says why, since when, and how to resume.
    """
    clock = start_clock(now)
    started = clock()
    with open_services(log_level=get_log_level()) as services, show_progress("reading the sources") as bar:
        if click.get_current_context().get_parameter_source("now") is ParameterSource.DEFAULT:
            repair_timestamps(services.store, clock())
        result = anyio.run(lambda: run.run(services, clock, due_now=due_now, on_progress=bar))
        outbox = services.outbox
        skipped = (
            () if result.fetched else find_failed_sources(services.store, clock(), every=services.fetch_every)
        )
    log_run(result, clock() - started)
    show_run(result, skipped, outbox=outbox, as_json=as_json)
    if not result.is_ok:
        sys.exit(1)


def log_run(result: RunResult, duration: timedelta) -> None:
    """Log the canonical line of a run: one event with all its figures."""
    fields = {
        "fetched": sum(len(stored.result.papers) for stored in result.fetched),
        "new": sum(stored.new for stored in result.fetched),
    } | _count_deliveries(result)
    log.info("run", extra=fields | {"seconds": round(duration.total_seconds(), 1)})


def show_run(
    result: RunResult, skipped: Sequence[FailedSource] = (), *, outbox: Path | None, as_json: bool
) -> None:
    """Print the result of a run as JSON or in words.

    *skipped* failed lately and were not tried again; *outbox* is the folder of the mails without a server.
    """
    if as_json:
        fetched = [fetch_result_to_json(stored) for stored in result.fetched]
        alerts, written = list(result.send_stats.alerts), {"written_to": str(outbox)} if outbox else {}
        unread = [asdict(source) for source in skipped]
        counts = _count_deliveries(result)
        show_json({"fetched": fetched, **counts, "alerts": alerts, **written, "unread": unread})
        return
    if result.fetched:
        show_fetch_results(result.fetched)
    for sentence in (*map(_format_failed_source, skipped), *format_run(result, outbox)):
        echo(sentence)


def _format_failed_source(failed: FailedSource) -> str:
    scopes = f" ({', '.join(failed.scopes)})" if failed.scopes else ""
    return (
        f"{failed.source}{scopes} could not be read at {failed.read_at:%H:%M}"
        f" and is asked again from {failed.again_at:%H:%M} UTC: {failed.note}"
    )


def _count_deliveries(result: RunResult) -> dict[str, object]:
    return asdict(result.plan) | {
        name: getattr(result.send_stats, name) for name in ("sent", "deferred", "failed")
    }


def format_run(result: RunResult, outbox: Path | None = None) -> list[str]:
    """Return the result of a run in sentences; they also say why nothing was planned."""
    plan, stats = result.plan, result.send_stats
    done = f"{stats.sent} written to {outbox}/, as no mail server is set" if outbox else f"{stats.sent} sent"
    counts = f"{done}; {stats.deferred} waiting to be tried again, {stats.failed} failed."
    trouble = [*stats.alerts, "See: digest doctor"] if stats.alerts else []
    if plan.stopped:  # paused or on hold; earlier planned mail still goes out
        return [f"Nothing new is planned. {plan.stopped}", counts, *trouble]
    sentences = [f"{plan.due} due: {plan.planned} planned." if plan.due else "Nobody is due."]
    if plan.quiet:
        sentences.append(f"{plan.quiet} had nothing new since their last digest, so no email was made.")
    if plan.missed:
        sentences.append(f"{plan.missed} were due more than half a day ago and wait for their next digest.")
    return [*sentences, counts, *trouble]
