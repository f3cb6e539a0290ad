"""`digest status`: what happened lately, readable at a glance."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import click

from digest.cli.common import clock, json_option, now_option, open_services
from digest.cli.output import ago, show_json, show_table
from digest.db import Transaction
from digest.db.sources import SourceState
from digest.models import BounceKind, DeliveryState, Health, Status
from digest.models.arxiv_calendar import arxiv_day, arxiv_silence
from digest.pipeline.clock_repair import LAST_TICK
from digest.pipeline.embed_backlog import progress

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
    """What happened lately: runs, sources, the queue, and when who is due. Each line with what to do."""
    moment = clock(now)
    with open_services() as services, services.store.begin(write=False) as tx:
        told = status_json(tx, moment)
    if as_json:
        show_json(told)
        return
    for sentence in in_words(told):
        click.echo(sentence)
    headers = ("source", "scope", "health", "read", "fetched", "unseen", "note")
    rows = [state | {"read": ago(_moment(state["read_at"]), moment)} for state in told["sources"]]
    table = [[row[name] for name in headers] for row in rows]
    show_table(headers, table, empty="No source was ever read. Read them: digest fetch")


def status_json(tx: Transaction, now: datetime) -> dict[str, Any]:
    """Everything an operator looks at in the morning, as programs read it."""
    oldest = tx.subscribers.oldest_due()
    return {
        "now": now.isoformat(),
        "last_tick": tx.meta.read(LAST_TICK) or None,
        "paused": tx.meta.paused or None,
        "held": [
            {"key": hold.key, "reason": hold.reason, "at": hold.at.isoformat()} for hold in tx.sources.held()
        ],
        "arxiv_today": arxiv_silence(arxiv_day(now)) or "announces",
        "papers": tx.papers.count(),
        "vectors": progress(tx),
        "subscribers": {str(status): n for status, n in tx.subscribers.counts().items()},
        "next_due": oldest.isoformat() if oldest else None,
        "queue": {str(state): n for state, n in tx.deliveries.waiting().items()},
        "last_24_hours": {str(state): n for state, n in tx.deliveries.ended(now - DAY).items()},
        "heard_24_hours": {str(kind): n for kind, n in tx.deliveries.heard(now - DAY).items()},
        "sources": [_source(state) for state in tx.sources.latest()],
    }


def in_words(told: dict[str, Any]) -> Sequence[str]:
    """The same, a sentence each."""
    ended, heard, readers = told["last_24_hours"], told["heard_24_hours"], told["subscribers"]
    lost = ended.get(DeliveryState.REJECTED, 0) + ended.get(DeliveryState.EXPIRED, 0)
    now, never = _moment(told["now"]), "never; start `digest serve`, or `digest run` from cron"
    run = f"Last run: {ago(_moment(told['last_tick']), now) if told['last_tick'] else never}."
    due = told["next_due"] and _moment(told["next_due"])
    papers = f"Papers: {told['papers']}. arXiv today: {told['arxiv_today']}."
    people = (
        f"Subscribers: {readers[Status.CONFIRMED]} confirmed, {readers[Status.UNCONFIRMED]} unconfirmed. "
        f"Next due: {f'{due:%Y-%m-%d %H:%M} UTC, {ago(due, now)}' if due else 'nobody'}."
    )
    mail = (
        f"Mail: {sum(told['queue'].values())} waiting; in 24 hours {ended.get(DeliveryState.ACCEPTED, 0)} "
        f"accepted, {lost} lost, {ended.get(DeliveryState.UNCERTAIN, 0)} uncertain; "
        f"{sum(heard.get(kind, 0) for kind in BOUNCES)} bounced, "
        f"{heard.get(BounceKind.COMPLAINT, 0)} complained."
    )
    said = [run, papers, people, mail, *_vectors(told["vectors"])]
    if told["paused"]:
        way = "" if RESUME in told["paused"] else f" {RESUME} lets mail go again."
        said.insert(0, f"PAUSED: {told['paused']}{way}")
    said += [f"HELD: {hold['reason']} `digest release {hold['key']}` lets it go." for hold in told["held"]]
    return said


def _vectors(told: dict[str, Any] | None) -> Sequence[str]:
    """How far a model has come that is new here; nothing where there is none, or it is through."""
    if told is None or (told["done"] and told["serving"] == told["model"]):
        return ()
    far = f"{told['papers']} of {told['of']} papers looked through, then {told['readers']} readers"
    serves = f"{told['serving']} serves. `digest embed` does the rest at once."
    return (f"Vectors by {told['model']}: {far}; {serves}",)


def _moment(told: str) -> datetime:
    return datetime.fromisoformat(told)


def _source(state: SourceState) -> dict[str, Any]:
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
