"""`digest status`: recent runs, sources, queue and subscribers, each with what to do."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import click

from digest.cli.common import get_now, json_option, now_option, open_services
from digest.cli.output import echo, format_age, show_json, show_table
from digest.db import Transaction
from digest.db.sources import SourceState
from digest.models import BounceKind, DeliveryState, Health, Status
from digest.models.arxiv_calendar import get_arxiv_day, get_silence_reason
from digest.pipeline.clock_repair import LAST_TICK_KEY
from digest.pipeline.embed_backlog import get_progress

DAY = timedelta(days=1)
RESUME = "`digest db resume`"
BOUNCES = (BounceKind.HARD, BounceKind.UNSURE, BounceKind.SOFT)
ADVICE = {
    Health.STALE: "polled again until something new is announced",
    Health.TRUNCATED: "the repair path fills in what is missing; if this stays, see docs/sources.md",
    Health.FAILED: "is the network up? the next run tries again",
    Health.CHANGED: "the source answers in a new shape: look for an upgrade of this program",
}


@click.command("status", epilog="Example: digest status --json")
@now_option
@json_option
def command(*, now: datetime | None, as_json: bool) -> None:
    """Show recent runs, sources, the queue and what is due next; each problem with what to do."""
    moment = get_now(now)
    with open_services() as services, services.store.begin(write=False) as tx:
        status = status_to_json(tx, moment)
    if as_json:
        show_json(status)
        return
    for sentence in format_status(status):
        echo(sentence)
    headers = ("source", "scope", "health", "read", "fetched", "unseen", "note")
    rows = [
        state | {"read": format_age(datetime.fromisoformat(state["read_at"]), moment)}
        for state in status["sources"]
    ]
    table = [[row[name] for name in headers] for row in rows]
    show_table(headers, table, empty="No source was ever read. Read them: digest fetch")


def status_to_json(tx: Transaction, now: datetime) -> dict[str, Any]:
    """Return the state of the installation as JSON."""
    next_due = tx.subscribers.get_earliest_due()
    return {
        "now": now.isoformat(),
        "last_tick": tx.meta.read(LAST_TICK_KEY) or None,
        "paused": tx.meta.pause_reason or None,
        "held": [
            {"key": hold.key, "reason": hold.reason, "at": hold.at.isoformat()}
            for hold in tx.sources.list_held()
        ],
        "arxiv_today": get_silence_reason(get_arxiv_day(now)) or "announces",
        "papers": tx.papers.count(),
        "vectors": get_progress(tx),
        "subscribers": {str(status): n for status, n in tx.subscribers.count_by_status().items()},
        "next_due": next_due.isoformat() if next_due else None,
        "queue": {str(state): n for state, n in tx.deliveries.count_open().items()},
        "last_24_hours": {str(state): n for state, n in tx.deliveries.count_finished(now - DAY).items()},
        "heard_24_hours": {str(kind): n for kind, n in tx.deliveries.count_bounces(now - DAY).items()},
        "sources": [_source_to_json(state) for state in tx.sources.list_latest()],
    }


def format_status(status: dict[str, Any]) -> Sequence[str]:
    """Return the figures of `status_to_json` in sentences."""
    finished, bounces, counts = status["last_24_hours"], status["heard_24_hours"], status["subscribers"]
    lost_count = finished.get(DeliveryState.REJECTED, 0) + finished.get(DeliveryState.EXPIRED, 0)
    now = datetime.fromisoformat(status["now"])
    last_run = "Last run: never; start `digest serve`, or `digest run` from cron."
    if status["last_tick"]:
        last_run = f"Last run: {format_age(datetime.fromisoformat(status['last_tick']), now)}."
    next_due = status["next_due"] and datetime.fromisoformat(status["next_due"])
    papers = f"Papers: {status['papers']}. arXiv today: {status['arxiv_today']}."
    due = f"{next_due:%Y-%m-%d %H:%M} UTC, {format_age(next_due, now)}" if next_due else "nobody"
    subscribers = (
        f"Subscribers: {counts[Status.CONFIRMED]} confirmed, {counts[Status.UNCONFIRMED]} unconfirmed. "
        f"Next due: {due}."
    )
    mail = (
        f"Mail: {sum(status['queue'].values())} waiting; in 24 hours "
        f"{finished.get(DeliveryState.ACCEPTED, 0)} accepted, {lost_count} lost, "
        f"{finished.get(DeliveryState.UNCERTAIN, 0)} uncertain; "
        f"{sum(bounces.get(kind, 0) for kind in BOUNCES)} bounced, "
        f"{bounces.get(BounceKind.COMPLAINT, 0)} complained."
    )
    sentences = [last_run, papers, subscribers, mail, *_format_vectors(status["vectors"])]
    if status["paused"]:
        advice = "" if RESUME in status["paused"] else f" {RESUME} lets mail go again."
        sentences.insert(0, f"PAUSED: {status['paused']}{advice}")
    sentences += [
        f"HELD: {hold['reason']} `digest release {hold['key']}` lets it go." for hold in status["held"]
    ]
    return sentences


def _format_vectors(progress: dict[str, Any] | None) -> Sequence[str]:
    """Return how far a new embedding model is; nothing if there is no model or it is complete."""
    if progress is None or (progress["done"] and progress["serving"] == progress["model"]):
        return ()
    position = (
        f"{progress['papers']} of {progress['of']} papers looked through, then {progress['readers']} readers"
    )
    serves = f"{progress['serving']} serves. `digest embed` does the rest at once."
    return (f"Vectors by {progress['model']}: {position}; {serves}",)


def _source_to_json(state: SourceState) -> dict[str, Any]:
    return {
        "source": state.source,
        "scope": state.scope,
        "health": str(state.health),
        "read_at": state.read_at.isoformat(),
        "fetched": state.fetched,
        "unseen": state.unseen,
        "newest": state.newest,
        "note": state.note or ADVICE.get(state.health, ""),
    }
