"""Is it alive, is it ready, and how is it doing? For load balancers and for Prometheus."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, PlainTextResponse, Response

from digest.db import Transaction
from digest.db.deliveries.history import FINAL
from digest.models import BounceKind, Health
from digest.models.errors import DigestError
from digest.pipeline.clock_repair import LAST_TICK
from digest.pipeline.run import WAY_OUT
from digest.web.context import WebContextDep

DAY = timedelta(days=1)
OVERDUE = timedelta(minutes=30)  # somebody due for so long means that nothing is sending

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
def healthz() -> Response:
    """This process answers."""
    return PlainTextResponse("ok\n", headers={"cache-control": "no-store"})


@router.get("/readyz")
def readyz(ctx: WebContextDep) -> Response:
    """The database takes what is written, mail has a way out, nothing is paused and nobody waits too long.

    503 and the reasons otherwise.
    """
    now = ctx.clock()
    try:
        with ctx.services.store.begin(write=False) as tx:
            oldest, paused, ticked = tx.subscribers.oldest_due(), tx.meta.paused, tx.meta.read(LAST_TICK)
            blocked = tx.meta.read(WAY_OUT)
    except DigestError as error:
        return _verdict({"database": str(error)}, ready=False)
    waits, unwritable = bool(oldest and now - oldest > OVERDUE), ctx.pulse.beat(now)
    facts = {
        "database": unwritable or "ok",
        "way_out": blocked or "ok",
        "last_tick": ticked or "never",
        "oldest_due": oldest.isoformat() if oldest else "nobody",
        "sending": paused or ("overdue" if waits else "ok"),
    }
    return _verdict(facts, ready=not (paused or waits or blocked or unwritable))


@router.get("/metrics")
def metrics(ctx: WebContextDep) -> Response:
    """Counts in Prometheus's text form; no address and no paper is named."""
    now = ctx.clock()
    with ctx.services.store.begin(write=False) as tx:
        lines = [*_readers(tx), *_mail(tx, now), *_sources(tx, now)]
    kind = "text/plain; version=0.0.4; charset=utf-8"
    return Response("\n".join(lines) + "\n", media_type=kind, headers={"cache-control": "no-store"})


def _verdict(facts: dict[str, str], *, ready: bool) -> Response:
    return JSONResponse(
        {"ready": ready, **facts}, 200 if ready else 503, headers={"cache-control": "no-store"}
    )


def _readers(tx: Transaction) -> Iterable[str]:
    yield from _family("digest_subscribers", "gauge", "Subscribers by status.")
    for status, count in tx.subscribers.counts().items():
        yield f'digest_subscribers{{status="{status}"}} {count}'
    yield from _family("digest_papers", "gauge", "Papers in the store.")
    yield f"digest_papers {tx.papers.count()}"


def _mail(tx: Transaction, now: datetime) -> Iterable[str]:
    oldest = tx.subscribers.oldest_due()
    yield from _family("digest_overdue_seconds", "gauge", "For how long the longest waiting reader is due.")
    yield f"digest_overdue_seconds {max(0.0, (now - oldest).total_seconds()) if oldest else 0.0:.0f}"
    yield from _family("digest_paused", "gauge", "1 while all sending is stopped.")
    yield f"digest_paused {int(bool(tx.meta.paused))}"
    yield from _family("digest_held", "gauge", "Editions that wait for a person to look at them.")
    yield f"digest_held {len(tx.sources.held())}"
    yield from _tick(tx, now)
    yield from _counted("digest_mails_waiting", "state", tx.deliveries.waiting(), "Mails on their way.")
    ended = dict.fromkeys(FINAL, 0) | tx.deliveries.ended(now - DAY)
    yield from _counted("digest_mails_ended_daily", "state", ended, "Mails that came to their end in a day.")
    heard = dict.fromkeys(BounceKind, 0) | tx.deliveries.heard(now - DAY)
    yield from _counted("digest_mails_heard_daily", "kind", heard, "Bounces and complaints of a day.")


def _tick(tx: Transaction, now: datetime) -> Iterable[str]:
    ticked = tx.meta.read(LAST_TICK)
    if ticked:
        yield from _family("digest_tick_age_seconds", "gauge", "Since somebody last looked who is due.")
        yield f"digest_tick_age_seconds {(now - datetime.fromisoformat(ticked)).total_seconds():.0f}"


def _counted(name: str, label: str, counts: Mapping[Any, int], sense: str) -> Iterable[str]:
    yield from _family(name, "gauge", sense)
    yield from (f'{name}{{{label}="{what}"}} {counts[what]}' for what in sorted(counts))


def _sources(tx: Transaction, now: datetime) -> Iterable[str]:
    yield from _family("digest_source_ok", "gauge", "1 if the last reading of a scope made sense.")
    states = tx.sources.latest()
    for state in states:
        good = state.health in (Health.OK, Health.EMPTY, Health.STALE)
        yield f"digest_source_ok{_labels(state.source, state.scope)} {int(good)}"
    yield from _family("digest_source_age_seconds", "gauge", "Since the last reading of a scope.")
    for state in states:
        age = (now - state.read_at).total_seconds()
        yield f"digest_source_age_seconds{_labels(state.source, state.scope)} {age:.0f}"


def _family(name: str, kind: str, sense: str) -> tuple[str, str]:
    return f"# HELP {name} {sense}", f"# TYPE {name} {kind}"


def _labels(source: str, scope: str) -> str:
    return f'{{source="{_label(source)}",scope="{_label(scope)}"}}'


def _label(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
