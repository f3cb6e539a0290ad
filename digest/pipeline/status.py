"""The state of an installation: the figures and problems behind `digest status` and the overview."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from digest.db import Transaction
from digest.db.sources import SourceState
from digest.models import DeliveryState, Health
from digest.models.arxiv_calendar import get_arxiv_day, get_silence_reason
from digest.pipeline.alerts import ONE_DAY, UNUSABLE, Problem, find_delivery_problems
from digest.pipeline.clock_repair import LAST_TICK_KEY
from digest.pipeline.embed_backlog import get_progress

SEND_BLOCKED_KEY = "way_out"  # meta key: why no message can be sent, while none can
UNREACHABLE_SINCE_KEY = "unreachable_since"  # meta key: when no mail server was reached for the first time
CHART_DAYS = 30  # in the JSON of `digest status`
MAX_TICK_AGE = timedelta(minutes=30)
MAX_OVERDUE = timedelta(minutes=30)  # a subscriber due for longer means that nothing is planned
ADVICE = {
    Health.STALE: "read again until something new is announced",
    Health.TRUNCATED: "what is missing is read in another way; if this lasts, see docs/sources.md",
    Health.FAILED: "check the network; the next run tries again",
    Health.CHANGED: "the source answers in a new format: check for an upgrade of this program",
}


def collect_status(tx: Transaction, now: datetime) -> dict[str, Any]:
    """Return the state of the installation as JSON: what `digest status --json` prints."""
    next_due = tx.subscribers.get_earliest_due()
    days = list_days(tx, now, CHART_DAYS)
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
        "suppressions": {str(reason): n for reason, n in tx.suppressions.count_by_reason().items()},
        "channels": {str(state): n for state, n in tx.channels.count_by_state().items()},
        "next_due": next_due.isoformat() if next_due else None,
        "queue": {str(state): n for state, n in tx.deliveries.count_open().items()},
        "last_24_hours": {str(state): n for state, n in tx.deliveries.count_finished(now - ONE_DAY).items()},
        "heard_24_hours": {str(kind): n for kind, n in tx.deliveries.count_bounces(now - ONE_DAY).items()},
        "days": {str(day["day"]): {k: v for k, v in day.items() if k != "day"} for day in days},
        "problems": [
            {"kind": item.kind, "title": item.title, "facts": [*item.facts], "advice": item.advice}
            for item in find_problems(tx, now)
        ],
        "sources": [_source_to_json(state) for state in tx.sources.list_latest()],
    }


def list_days(tx: Transaction, now: datetime, count: int) -> list[dict[str, Any]]:
    """Return the figures of the last *count* UTC days, oldest first; today's as far as it has come.

    Each has its `day` and the names of `digest.db.statistics`; a name is missing where nobody counted.
    """
    today = now.date()
    first = today - timedelta(days=count - 1)
    stored = tx.statistics.list_since(first, until=today)
    live = tx.statistics.count_finished_day(today) | tx.statistics.count_subscribers()
    days = {**stored, today: stored.get(today, {}) | live}
    return [
        {"day": day, **days.get(day, {})} for day in (first + timedelta(days=back) for back in range(count))
    ]


def find_problems(tx: Transaction, now: datetime) -> list[Problem]:
    """Return what an administrator should look at, the most serious first, each with what to do."""
    problems = [*_find_stops(tx, now), *_find_source_problems(tx.sources.list_latest())]
    if uncertain := tx.deliveries.count_finished(now - ONE_DAY).get(DeliveryState.UNCERTAIN):
        fact = f"{uncertain} in 24 hours: the connection broke after the server had received them."
        advice = "Decide about each: digest deliveries --state uncertain"
        problems.append(_problem("uncertain", "It is unknown whether some emails arrived", fact, advice))
    return [*problems, *find_delivery_problems(tx, now)]


def _find_stops(tx: Transaction, now: datetime) -> Iterator[Problem]:
    """Yield why no mail goes out, or none may go out soon."""
    if paused := tx.meta.pause_reason:
        yield _problem("paused", "All sending is stopped", paused, "To send again: digest db resume")
    if blocked := tx.meta.read(SEND_BLOCKED_KEY):
        yield _problem("delivery", "No mail server accepts our email", blocked, "See: digest doctor")
    elif (since := tx.meta.read(UNREACHABLE_SINCE_KEY)) and any(tx.deliveries.count_open().values()):
        fact = f"No mail server has taken any since {since[:16].replace('T', ' at ')} UTC."
        yield _problem("delivery", "Emails wait", fact, "See: digest doctor")
    for hold in tx.sources.list_held():
        title = f"The edition {hold.key} is held for review"
        advice = f"If it is right, release it: digest release {hold.key}"
        yield _problem(f"hold/{hold.key}", title, hold.reason, advice)
    ticked = tx.meta.read(LAST_TICK_KEY)
    if not ticked or now - datetime.fromisoformat(ticked) > MAX_TICK_AGE:
        ended = f"The last run ended on {ticked[:16].replace('T', ' at ')} UTC."
        advice = "Start `digest serve`, or run `digest run` from cron every few minutes."
        yield _problem("runs", "Nothing runs", ended if ticked else "There has been no run yet.", advice)
    due = tx.subscribers.get_earliest_due()
    if due is not None and now - due > MAX_OVERDUE:
        waiting = f"Somebody waits for a digest that was due on {due:%Y-%m-%d at %H:%M} UTC."
        yield _problem("overdue", "Digests are late", waiting, "See: digest doctor")


def _find_source_problems(states: Sequence[SourceState]) -> Iterator[Problem]:
    by_source: dict[str, list[SourceState]] = {}
    for state in states:
        if state.health in UNUSABLE:
            by_source.setdefault(state.source, []).append(state)
    for name, bad in by_source.items():
        scopes: dict[str, list[str]] = {}
        for state in bad:
            scopes.setdefault(state.note or state.health, []).append(state.scope or name)
        yield Problem(
            kind=f"source/{name}",
            title=f"{name} could not be read",
            facts=[f"{', '.join(own)}: {reason}" for reason, own in scopes.items()],
            advice=f"Nothing is lost: {ADVICE[bad[0].health]}.",
        )


def _problem(kind: str, title: str, fact: str, advice: str) -> Problem:
    return Problem(kind=kind, title=title, facts=[fact], advice=advice)


def compute_picks_per_mail(day: dict[str, Any]) -> float | None:
    """Return how many papers the editions planned on a day of `list_days` held; None if none was planned."""
    editions = day.get("editions", 0)
    return day.get("picks", 0) / editions if editions else None


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
