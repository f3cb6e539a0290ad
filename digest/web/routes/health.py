"""Liveness, readiness and metrics, for load balancers and Prometheus."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse, Response

from digest.db import Transaction
from digest.db.deliveries.repository import FINAL_STATES
from digest.models import BounceKind, Health, SuppressionReason
from digest.models.errors import DigestError
from digest.pipeline.clock_repair import LAST_TICK_KEY
from digest.pipeline.status import SEND_BLOCKED_KEY, compute_picks_per_mail
from digest.web.context import WebContextDep
from digest.web.routing import create_router

DAY = timedelta(days=1)
MAX_OVERDUE = timedelta(minutes=30)  # a subscriber due for longer means that nothing is sending
GOOD_HEALTH = (Health.OK, Health.EMPTY, Health.STALE)

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
        gauges = [*_measure_mail(tx, now), *_measure_readers(tx, now), *_measure_sources(tx, now)]
    text = "".join(f"{line}\n" for gauge in gauges for line in _format_gauge(*gauge))
    kind = "text/plain; version=0.0.4; charset=utf-8"
    return Response(text, media_type=kind, headers={"cache-control": "no-store"})


def _respond(facts: dict[str, str], *, ready: bool) -> Response:
    return JSONResponse(
        {"ready": ready, **facts}, 200 if ready else 503, headers={"cache-control": "no-store"}
    )


def _measure_mail(tx: Transaction, now: datetime) -> Iterable[tuple[Any, ...]]:
    """Yield the arguments of `_format_gauge`."""
    oldest, ticked = tx.subscribers.get_earliest_due(), tx.meta.read(LAST_TICK_KEY)
    overdue = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
    finished = dict.fromkeys(FINAL_STATES, 0) | tx.deliveries.count_finished(now - DAY)
    bounces = dict.fromkeys(BounceKind, 0) | tx.deliveries.count_bounces(now - DAY)
    yield "overdue_seconds", "For how long the longest waiting reader is due.", f"{overdue:.0f}"
    yield "paused", "1 while all sending is stopped.", int(bool(tx.meta.pause_reason))
    yield "held", "Editions that wait for a person to look at them.", len(tx.sources.list_held())
    if ticked:
        age = f"{(now - datetime.fromisoformat(ticked)).total_seconds():.0f}"
        yield "tick_age_seconds", "Since somebody last looked who is due.", age
    yield "mails_waiting", "Emails on their way.", tx.deliveries.count_open(), "state"
    yield "mails_ended_daily", "Emails by final state, per day.", finished, "state"
    yield "mails_heard_daily", "Bounces and complaints of a day.", bounces, "kind"


def _measure_readers(tx: Transaction, now: datetime) -> Iterable[tuple[Any, ...]]:
    """Yield the arguments of `_format_gauge`."""
    figures = tx.statistics.count_between(now - DAY, now)
    votes = {verdict: figures[f"votes_{verdict}"] for verdict in ("more", "less", "save")}
    suppressed = dict.fromkeys(SuppressionReason, 0) | tx.suppressions.count_by_reason()
    yield "subscribers", "Subscribers by status.", tx.subscribers.count_by_status(), "status"
    for name, help_text in (
        ("deferred", "Emails that were finished that day after more than one attempt."),
        ("confirmations", "Subscriptions confirmed, or added or imported with consent, in a day."),
        ("unsubscribes", "Readers who unsubscribed in a day."),
    ):
        yield f"{name}_daily", help_text, figures[name]
    yield "votes_daily", "Votes on papers in a day.", votes, "verdict"
    yield "suppressions", "Suppressed addresses.", suppressed, "reason"
    yield "channels", "Channels other than email.", tx.channels.count_by_state(), "state"
    planned = tx.statistics.list_since(now.date(), until=now.date()).get(now.date(), {})
    picks = compute_picks_per_mail(planned)
    if picks is not None:
        yield "picks_per_mail", "Papers in a digest planned today, on average.", f"{picks:.2f}"


def _measure_sources(tx: Transaction, now: datetime) -> Iterable[tuple[Any, ...]]:
    """Yield the arguments of `_format_gauge`."""
    states = {(state.source, state.scope): state for state in tx.sources.list_latest()}
    is_ok = {key: int(state.health in GOOD_HEALTH) for key, state in states.items()}
    age = {key: f"{(now - state.read_at).total_seconds():.0f}" for key, state in states.items()}
    yield "papers", "Papers in the store.", tx.papers.count()
    yield "source_ok", "1 if the last reading of a scope made sense.", is_ok, "source", "scope"
    yield "source_age_seconds", "Since the last reading of a scope.", age, "source", "scope"


def _format_gauge(name: str, help_text: str, value: Any, *labels: str) -> Iterable[str]:
    """Yield the lines of a gauge; with *labels*, *value* has the number of each value of them."""
    yield f"# HELP digest_{name} {help_text}"
    yield f"# TYPE digest_{name} gauge"
    if not labels:
        yield f"digest_{name} {value}"
        return
    for key in sorted(value):
        parts = key if len(labels) > 1 else (key,)
        sample = ",".join(
            f'{label}="{_escape_label(part)}"' for label, part in zip(labels, parts, strict=True)
        )
        yield f"digest_{name}{{{sample}}} {value[key]}"


def _escape_label(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
