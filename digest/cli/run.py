"""`digest run`: one tick by hand, or from cron."""

import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

import anyio
import click

from digest.cli.common import json_option, now_option, open_services, spoken, ticking
from digest.cli.fetch import fetched_json, show_fetched
from digest.cli.output import progress, show_json
from digest.pipeline import run
from digest.pipeline.clock_repair import repair_timestamps
from digest.pipeline.ingest import Unread, unread
from digest.pipeline.run import DayResult

log = logging.getLogger(__name__)


@click.command("run", epilog="Example: digest run   (from cron: */15 * * * * digest run)")
@now_option
@json_option
def command(*, now: datetime | None, as_json: bool) -> None:
    """One tick: read the sources if they are due, plan every digest that is due, send until nothing is left.

    Exit code 1 when a source or a mail failed, 75 when another process is sending from this database. While
    sending is paused nothing failed: it says so, since when, and how to go on.
    """
    clock = ticking(now)
    beginning = clock()
    with open_services(log_level=spoken()) as services, progress("reading the sources") as bar:
        if now is None:
            repair_timestamps(services.store, clock())
        day = anyio.run(lambda: run.run(services, clock, tell=lambda what, n, of: bar(n, of, what)))
        resting = () if day.fetched else unread(services.store, clock(), every=services.fetch_every)
    log_day(day, clock() - beginning)
    show_day(day, resting, as_json=as_json)
    if not day.is_sound:
        sys.exit(1)


def log_day(day: DayResult, lasted: timedelta) -> None:
    """The canonical line of a run: all of it in one event, for whoever reads logs."""
    log.info("run", extra=canonical(day) | {"seconds": round(lasted.total_seconds(), 1)})


def canonical(day: DayResult) -> dict[str, object]:
    """What that line says."""
    return {
        "fetched": sum(len(each.reading.papers) for each in day.fetched),
        "new": sum(each.new for each in day.fetched),
    } | _counts(day)


def show_day(day: DayResult, resting: Sequence[Unread] = (), *, as_json: bool) -> None:
    """What came of a tick, as JSON or in words; `resting` are sources that this tick left in peace."""
    if as_json:
        show_json(day_json(day) | {"unread": [asdict(each) for each in resting]})
        return
    if day.fetched:
        show_fetched(day.fetched)
    for sentence in (*map(_rests, resting), *in_words(day)):
        click.echo(sentence)


def _rests(each: Unread) -> str:
    parts = f" ({', '.join(each.scopes)})" if each.scopes else ""
    failed, again = f"{each.read_at:%H:%M}", f"{each.again_at:%H:%M} UTC"
    return f"{each.source}{parts} could not be read at {failed} and is asked again from {again}: {each.note}"


def day_json(day: DayResult) -> dict[str, object]:
    """A tick as programs read it."""
    fetched = [fetched_json(each) for each in day.fetched]
    return {"fetched": fetched} | _counts(day) | {"alerts": list(day.tally.alerts)}


def _counts(day: DayResult) -> dict[str, object]:
    return {
        "due": day.plans.due,
        "planned": day.plans.planned,
        "quiet": day.plans.quiet,
        "missed": day.plans.missed,
        "stopped": day.plans.stopped,
        "sent": day.tally.sent,
        "deferred": day.tally.deferred,
        "failed": day.tally.failed,
    }


def in_words(day: DayResult) -> list[str]:
    """What came of a tick, a sentence each; silence is never left unexplained."""
    plans, tally = day.plans, day.tally
    counts = f"{tally.sent} sent, {tally.deferred} waiting to be tried again, {tally.failed} failed."
    if plans.stopped:  # paused, or the day is held: then what was planned before still goes
        return [f"Nothing new is planned. {plans.stopped}", counts, *tally.alerts]
    said = [f"{plans.due} due: {plans.planned} planned." if plans.due else "Nobody is due."]
    if plans.quiet:
        said.append(f"{plans.quiet} had nothing new since their last digest, so no mail was made.")
    if plans.missed:
        said.append(f"{plans.missed} were due more than half a day ago; their next digest is nearer.")
    return [*said, counts, *tally.alerts]
