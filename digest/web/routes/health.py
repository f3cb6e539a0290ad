"""Liveness, readiness and metrics, for load balancers and Prometheus."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse, Response

from digest.db import Transaction
from digest.db.deliveries.repository import FINAL_STATES
from digest.models import BounceKind, Health, SuppressionReason
from digest.models.errors import DigestError
from digest.pipeline.clock_repair import LAST_TICK_KEY
from digest.pipeline.run import SEND_BLOCKED_KEY
from digest.pipeline.status import compute_picks_per_mail
from digest.web.context import WebContextDep
from digest.web.routing import create_router

DAY = timedelta(days=1)
MAX_OVERDUE = timedelta(minutes=30)  # a subscriber due for longer means that nothing is sending

router = create_router(include_in_schema=False)


@router.get("/healthz")
def get_liveness() -> Response:
    """Answer ok as long as this process runs."""
    return PlainTextResponse("ok\n", headers={"cache-control": "no-store"})


@router.get("/readyz")
def get_readiness(ctx: WebContextDep) -> Response:
    """Return 200 if the service can send, else 503; the reasons are in the body.

    Ready means: the database takes writes, the mail server is reachable, sending is not paused and no
    subscriber is overdue.
    """
    now = ctx.clock()
    try:
        with ctx.services.store.begin(write=False) as tx:
            oldest, paused = tx.subscribers.get_earliest_due(), tx.meta.pause_reason
            ticked, blocked = tx.meta.read(LAST_TICK_KEY), tx.meta.read(SEND_BLOCKED_KEY)
    except DigestError as error:
        return _respond({"database": str(error)}, ready=False)
    is_overdue, write_error = bool(oldest and now - oldest > MAX_OVERDUE), ctx.write_probe.check(now)
    facts = {
        "database": write_error or "ok",
        "way_out": blocked or "ok",
        "last_tick": ticked or "never",
        "oldest_due": oldest.isoformat() if oldest else "nobody",
        "sending": paused or ("overdue" if is_overdue else "ok"),
    }
    return _respond(facts, ready=not (paused or is_overdue or blocked or write_error))


@router.get("/metrics")
def get_metrics(ctx: WebContextDep) -> Response:
    """Return the metrics in Prometheus text format; they name no address and no paper."""
    now = ctx.clock()
    with ctx.services.store.begin(write=False) as tx:
        lines = [*_format_subscribers(tx), *_format_mail(tx, now), *_format_sources(tx, now)]
    kind = "text/plain; version=0.0.4; charset=utf-8"
    return Response("\n".join(lines) + "\n", media_type=kind, headers={"cache-control": "no-store"})


def _respond(facts: dict[str, str], *, ready: bool) -> Response:
    return JSONResponse(
        {"ready": ready, **facts}, 200 if ready else 503, headers={"cache-control": "no-store"}
    )


def _format_subscribers(tx: Transaction) -> Iterable[str]:
    counts = tx.subscribers.count_by_status()
    yield from _format_counts("digest_subscribers", "status", counts, "Subscribers by status.")
    yield from _format_gauge("digest_papers", tx.papers.count(), "Papers in the store.")


def _format_mail(tx: Transaction, now: datetime) -> Iterable[str]:
    oldest, ticked = tx.subscribers.get_earliest_due(), tx.meta.read(LAST_TICK_KEY)
    overdue = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
    paused, held = int(bool(tx.meta.pause_reason)), len(tx.sources.list_held())
    finished = dict.fromkeys(FINAL_STATES, 0) | tx.deliveries.count_finished(now - DAY)
    bounces = dict.fromkeys(BounceKind, 0) | tx.deliveries.count_bounces(now - DAY)
    waiting = tx.deliveries.count_open()
    text = "For how long the longest waiting reader is due."
    yield from _format_gauge("digest_overdue_seconds", f"{overdue:.0f}", text)
    yield from _format_gauge("digest_paused", paused, "1 while all sending is stopped.")
    yield from _format_gauge("digest_held", held, "Editions that wait for a person to look at them.")
    if ticked:
        age = f"{(now - datetime.fromisoformat(ticked)).total_seconds():.0f}"
        yield from _format_gauge("digest_tick_age_seconds", age, "Since somebody last looked who is due.")
    yield from _format_counts("digest_mails_waiting", "state", waiting, "Emails on their way.")
    text = "Emails by final state, per day."
    yield from _format_counts("digest_mails_ended_daily", "state", finished, text)
    yield from _format_counts("digest_mails_heard_daily", "kind", bounces, "Bounces and complaints of a day.")
    yield from _format_readers(tx, now)


def _format_readers(tx: Transaction, now: datetime) -> Iterable[str]:
    figures = tx.statistics.count_between(now - DAY, now)
    for name, help_text in (
        ("deferred", "Emails that were finished that day after more than one attempt."),
        ("confirmations", "Subscriptions confirmed, or added or imported with consent, in a day."),
        ("unsubscribes", "Readers who unsubscribed in a day."),
    ):
        yield from _format_gauge(f"digest_{name}_daily", figures[name], help_text)
    votes = {verdict: figures[f"votes_{verdict}"] for verdict in ("more", "less", "save")}
    yield from _format_counts("digest_votes_daily", "verdict", votes, "Votes on papers in a day.")
    suppressed = dict.fromkeys(SuppressionReason, 0) | tx.suppressions.count_by_reason()
    yield from _format_counts("digest_suppressions", "reason", suppressed, "Suppressed addresses.")
    channels = tx.channels.count_by_state()
    yield from _format_counts("digest_channels", "state", channels, "Channels other than email.")
    planned = tx.statistics.list_since(now.date(), until=now.date()).get(now.date(), {})
    picks = compute_picks_per_mail(planned)
    if picks is not None:
        text = "Papers in a digest planned today, on average."
        yield from _format_gauge("digest_picks_per_mail", f"{picks:.2f}", text)


def _format_sources(tx: Transaction, now: datetime) -> Iterable[str]:
    yield from _format_header("digest_source_ok", "1 if the last reading of a scope made sense.")
    states = tx.sources.list_latest()
    for state in states:
        is_ok = state.health in (Health.OK, Health.EMPTY, Health.STALE)
        yield f"digest_source_ok{_format_labels(state.source, state.scope)} {int(is_ok)}"
    yield from _format_header("digest_source_age_seconds", "Since the last reading of a scope.")
    for state in states:
        age = (now - state.read_at).total_seconds()
        yield f"digest_source_age_seconds{_format_labels(state.source, state.scope)} {age:.0f}"


def _format_gauge(name: str, value: object, help_text: str) -> Iterable[str]:
    return *_format_header(name, help_text), f"{name} {value}"


def _format_counts(name: str, label: str, counts: Mapping[Any, int], help_text: str) -> Iterable[str]:
    samples = (f'{name}{{{label}="{value}"}} {counts[value]}' for value in sorted(counts))
    return *_format_header(name, help_text), *samples


def _format_header(name: str, help_text: str) -> tuple[str, str]:
    return f"# HELP {name} {help_text}", f"# TYPE {name} gauge"


def _format_labels(source: str, scope: str) -> str:
    return f'{{source="{_escape_label(source)}",scope="{_escape_label(scope)}"}}'


def _escape_label(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
