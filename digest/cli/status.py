"""`digest status`: recent runs, sources, queue and subscribers, each with what to do."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import click

from digest.cli.common import json_option, now_option, open_services
from digest.cli.output import echo, format_age, show_json, show_table
from digest.models import BounceKind, DeliveryState, Status
from digest.pipeline.status import collect_status

RESUME = "`digest db resume`"
BOUNCES = (BounceKind.HARD, BounceKind.UNSURE, BounceKind.SOFT)


@click.command("status", epilog="Example: digest status --json")
@now_option
@json_option
def command(*, now: datetime, as_json: bool) -> None:
    """Show recent runs, sources, the queue and what is due next, and what to do about each problem."""
    with open_services() as services, services.store.begin(write=False) as tx:
        status = collect_status(tx, now)
        outbox = services.outbox
    if as_json:
        show_json(status)
        return
    for sentence in format_status(status):
        echo(sentence)
    if outbox:
        echo(f"No mail server is set, so emails are written to {outbox}/: set DIGEST_SMTP_URL to send them.")
    headers = ("source", "scope", "health", "read", "fetched", "unseen", "note")
    rows = [
        state | {"read": format_age(datetime.fromisoformat(state["read_at"]), now)}
        for state in status["sources"]
    ]
    table = [[row[name] for name in headers] for row in rows]
    show_table(headers, table, empty="No source has been read yet. To read them: digest fetch")


def format_status(status: dict[str, Any]) -> Sequence[str]:
    """Return the figures of `collect_status` in sentences, problems first."""
    finished, bounces, counts = status["last_24_hours"], status["heard_24_hours"], status["subscribers"]
    lost_count = finished.get(DeliveryState.REJECTED, 0) + finished.get(DeliveryState.EXPIRED, 0)
    now = datetime.fromisoformat(status["now"])
    last_run = "Last run: never."
    if status["last_tick"]:
        last_run = f"Last run: {format_age(datetime.fromisoformat(status['last_tick']), now)}."
    next_due = status["next_due"] and datetime.fromisoformat(status["next_due"])
    papers = f"Papers: {status['papers']}."
    if any(state["source"] == "arxiv" for state in status["sources"]):
        papers += f" arXiv today: {status['arxiv_today']}."
    due = f"{next_due:%Y-%m-%d %H:%M} UTC, {format_age(next_due, now)}" if next_due else "nobody"
    subscribers = (
        f"Subscribers: {counts[Status.CONFIRMED]} confirmed, {counts[Status.UNCONFIRMED]} unconfirmed. "
        f"Next due: {due}."
    )
    mail = (
        f"Email: {sum(status['queue'].values())} waiting; in 24 hours "
        f"{finished.get(DeliveryState.ACCEPTED, 0)} accepted, {lost_count} lost, "
        f"{finished.get(DeliveryState.UNCERTAIN, 0)} uncertain; "
        f"{sum(bounces.get(kind, 0) for kind in BOUNCES)} bounced, "
        f"{bounces.get(BounceKind.COMPLAINT, 0)} complained."
    )
    return [
        *_format_problems(status),
        last_run,
        papers,
        subscribers,
        mail,
        _format_today(status),
        *_format_channels(status["channels"]),
        *_format_vectors(status["vectors"]),
    ]


def _format_problems(status: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each problem, the most serious first, with what to do."""
    for item in status["problems"]:
        facts, advice = " ".join(item["facts"]), item["advice"]
        if item["kind"] == "paused":
            yield f"PAUSED: {facts}" + ("" if RESUME in facts else f" To resume: {RESUME}.")
        else:
            yield f"{'HELD: ' if item['kind'].startswith('hold/') else ''}{item['title']}: {facts} {advice}"


def _format_today(status: dict[str, Any]) -> str:
    today = [*status["days"].values()][-1]
    votes = sum(today[f"votes_{verdict}"] for verdict in ("more", "less", "save"))
    joined, left = today["confirmations"], today["unsubscribes"]
    suppressed = sum(status["suppressions"].values())
    return (
        f"Today: {joined} confirmed, {left} unsubscribed, {votes} votes. Suppressed addresses: {suppressed}."
    )


def _format_channels(counts: dict[str, int]) -> Sequence[str]:
    if not any(counts.values()):
        return ()
    return (f"Channels: {counts['active']} in use, {counts['paused']} paused, {counts['failed']} failed.",)


def _format_vectors(progress: dict[str, Any] | None) -> Sequence[str]:
    """Return how far a new embedding model is; nothing if there is no model or it is complete."""
    if progress is None or (progress["done"] and progress["serving"] == progress["model"]):
        return ()
    position = f"{progress['papers']} of {progress['of']} papers done, then {progress['readers']} readers"
    serves = f"{progress['serving']} is used meanwhile. `digest embed` computes the rest at once."
    return (f"Vectors by {progress['model']}: {position}; {serves}",)
