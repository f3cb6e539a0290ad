"""The overview: what needs attention, figures and charts of the last days, sources and the latest changes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

from starlette.responses import RedirectResponse, Response

from digest.app.settings import find_misspelled_variables
from digest.models import Status
from digest.models.errors import NotFound
from digest.pipeline.alerts import Problem
from digest.pipeline.clock_repair import LAST_TICK_KEY
from digest.pipeline.status import compute_picks_per_mail, find_problems, list_days
from digest.sources.config import get_source_title
from digest.web.actors import describe_actors
from digest.web.admin.auth import AdminActor, AdminContext, AdminForm, CurrentSession
from digest.web.charts import BAD, GOOD, NEUTRAL, Chart, Series, build_bar_chart, build_line_chart
from digest.web.routing import create_router

PERIODS = (30, 90)  # days of the charts
# What an administrator can do, by the kind of the problem, where the advice of the commands names a command.
PAGE_ADVICE = {
    "paused": "Check what was sent since the backup. Then the operator of the server can resume sending.",
    "delivery": "Ask the operator to check the settings of the mail server.",
    "hold": "If it is right, release it.",
    "runs": "Ask the operator to start the scheduler.",
    "overdue": "Ask the operator to check the scheduler and the mail server.",
    "uncertain": "The operator decides about each: send it again, or count it as sent.",
    "alike": "No reader is suppressed for this: our server may be the cause. Ask the operator to check it.",
    "held": "Check the evidence on the page Suppressions. If it is right, the others follow at their next "
    "bounce.",
    "reports": "The readers stay subscribed. Ask the operator to check the mail server.",
}
THEN_RESUME = ", then run `digest db resume`"  # of the reason of a pause

TILES = (Status.CONFIRMED, Status.PAUSED, Status.UNCONFIRMED, Status.UNSUBSCRIBED)

router = create_router(include_in_schema=False)


@router.get("/admin")
def show_overview(ctx: AdminContext, session: CurrentSession, days: Literal["30", "90"] = "30") -> Response:
    """Show what needs attention, then counts, charts, sources and the latest changes."""
    now = ctx.clock()
    with ctx.services.store.begin(write=False) as tx:
        counts, papers = tx.subscribers.count_by_status(), tx.papers.count()
        suppressed = sum(tx.suppressions.count_by_reason().values())
        figures, problems = list_days(tx, now, int(days)), find_problems(tx, now)
        sources, held = tx.sources.list_latest(), tx.sources.list_held()
        lines = tx.audit.search(limit=8)
        readers = tx.subscribers.get_by_public_ids({line.subject for line in lines})
        names = describe_actors(tx, (line.actor for line in lines))
        waiting = sum(tx.deliveries.count_open().values())
        ticked, next_due = tx.meta.read(LAST_TICK_KEY), tx.subscribers.get_earliest_due()
    misspelled = [
        Problem(
            kind="setting",
            title=f"There is no setting {name}{f'; did you mean {meant}?' if meant else '.'}",
            facts=[],
            advice="It has no effect: correct the name or remove it, then start again.",
        )
        for name, meant in find_misspelled_variables().items()
    ]
    tiles = [
        *((str(status), f"{counts[status]:,}", f"/admin/subscribers?status={status}") for status in TILES),
        ("suppressed", f"{suppressed:,}", "/admin/suppressions"),
    ]
    return ctx.pages.render(
        "admin/overview",
        session=session,
        problems_found=[*map(_describe_for_page, problems), *misspelled],
        tiles=tiles,
        growth=_describe_growth(figures, counts[Status.CONFIRMED]),
        today=figures[-1],
        waiting=waiting,
        papers=papers,
        last_run=datetime.fromisoformat(ticked) if ticked else None,
        next_due=next_due,
        is_due=next_due is not None and next_due <= now + timedelta(minutes=1),
        charts=build_charts(figures),
        periods=[(period, str(period) == days) for period in PERIODS],
        sources=[(get_source_title(source.source), source) for source in sources],
        held={hold.key for hold in held},
        lines=lines,
        readers=readers,
        names=names,
    )


def build_charts(figures: Sequence[dict[str, Any]]) -> list[Chart]:
    """Return the charts of the overview from the figures of `list_days`."""
    days = [day["day"] for day in figures]

    def read(label: str, *names: str, colour: str = NEUTRAL) -> Series:
        counted = [[day[name] for name in names if name in day] for day in figures]
        return Series(label, [sum(values) if values else None for values in counted], colour)

    confirmed = read("confirmed", "subscribers_confirmed")
    mails = [
        read("accepted", "accepted"),
        read("uncertain", "uncertain", colour=GOOD),
        read("lost", "rejected", "expired", colour=BAD),
    ]
    trouble = [
        read("deferred at first", "deferred"),
        read("bounced", "bounced", colour=GOOD),
        read("complained", "complained", colour=BAD),
    ]
    readers = [read("confirmed", "confirmations"), read("unsubscribed", "unsubscribes", colour=BAD)]
    votes = [
        read("more", "votes_more"),
        read("saved", "votes_save", colour=GOOD),
        read("less", "votes_less", colour=BAD),
    ]
    picks = Series("papers", [compute_picks_per_mail(day) for day in figures])
    return [
        build_line_chart("Confirmed subscribers", days, confirmed),
        build_bar_chart("Emails", days, mails),
        build_bar_chart("Joined and left", days, readers),
        build_bar_chart("Deferred, bounced, complained", days, trouble),
        build_bar_chart("Votes", days, votes),
        build_line_chart("Papers in a digest", days, picks, decimals=1),
    ]


def _describe_growth(figures: Sequence[dict[str, Any]], confirmed: int) -> str:
    """Return how the number of confirmed subscribers changed; empty if nobody counted before."""
    before = next((day for day in figures[:-1] if "subscribers_confirmed" in day), None)
    if before is None:
        return ""
    change = confirmed - before["subscribers_confirmed"]
    return f"{change:+,} since {before['day']:%d %b}" if change else "no change"


def _describe_for_page(problem: Problem) -> Problem:
    """Return the problem with advice that names no command: an administrator may have no shell."""
    advice = PAGE_ADVICE.get(problem.kind.partition("/")[0], problem.advice)
    return replace(problem, advice=advice, facts=[fact.replace(THEN_RESUME, "") for fact in problem.facts])


@router.post("/admin/release")
def release_edition(ctx: AdminContext, actor: AdminActor, form: AdminForm) -> Response:
    """Release a held edition."""
    key = str(form.get("key", ""))
    with ctx.services.store.begin() as tx:
        if not tx.sources.release(key, actor=actor.name, at=actor.now):
            raise NotFound("This edition is no longer held.")
        actor.write_audit(tx, "release", key)
    return RedirectResponse("/admin", 303)
