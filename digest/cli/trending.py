"""`digest trending`: the list everyone sees, with its numbers and its reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import click

from digest.cli.common import clock, json_option, now_option, open_services
from digest.cli.output import show_line, show_table, tell
from digest.db import Database
from digest.mail.locale import get_locale
from digest.mail.wording import trend
from digest.models import Heat, Paper
from digest.pipeline.fitted_models import climate_of
from digest.trending.heat import heat_of, trending_order

WINDOWS = {"day": 2, "week": 7, "month": 31}  # a day's list is read until the evening of the next


@dataclass(frozen=True, slots=True)
class TrendingRow:
    """A paper and its heat, at its place of the list."""

    number: int
    paper: Paper
    heat: Heat


@click.command("trending", epilog="Example: digest trending --window week --limit 10")
@click.option(
    "--window", type=click.Choice(list(WINDOWS)), default="day", show_default=True, help="How far back."
)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many.")
@click.option("--doubted", is_flag=True, help="Only papers whose votes look bought: an admin should look.")
@now_option
@json_option
def command(*, window: str, limit: int, doubted: bool, now: datetime | None, as_json: bool) -> None:
    """What trends: the votes, where they lead, and how that compares with a usual paper.

    Heat is in doublings: 1 is on course for twice the votes of a usual paper, 3 for eight times as many.
    With --json one object per line, the hottest first.
    """
    moment = clock(now)
    with open_services() as services:
        places = listed(services.store, moment, days=WINDOWS[window])
        with services.store.begin(write=False) as tx:
            house_holds = tx.papers.count()
    places = [place for place in places if place.heat.is_doubted or not doubted][:limit]
    if as_json:
        for place in places:
            show_line(place_json(place, moment.date()))
    elif places:
        show_table(HEADERS, [_row(place, moment.date()) for place in places])
    else:
        tell(_nothing(house_holds, window, doubted=doubted))


def _nothing(papers: int, window: str, *, doubted: bool) -> str:
    """Why the list is empty, and what to do."""
    if not papers:
        return "No papers yet. Read the sources first: digest fetch"
    if doubted:
        return "No paper whose votes look bought."
    longer = "try --window week, or " if window == "day" else ""
    return f"No paper was seen in the last {WINDOWS[window]} days: {longer}read the sources: digest fetch"


def listed(store: Database, now: datetime, *, days: int) -> list[TrendingRow]:
    """The trending list of the last so many days, as it stood at `now`."""
    with store.begin(write=False) as tx:
        papers = tx.papers.pool(now - timedelta(days=days), now)
        signals = tx.signals.of([paper.id for paper in papers], until=now)
    heat = heat_of(papers, signals, now, climate=climate_of(store, now))
    ordered = trending_order(papers, heat)
    return [TrendingRow(number, paper, heat[paper.id]) for number, paper in enumerate(ordered, 1)]


def place_json(place: TrendingRow, day: date) -> dict[str, Any]:
    """A place of the list as programs read it; docs/trending.md says what each name means."""
    heat = place.heat
    return {
        "place": place.number,
        "id": place.paper.id,
        "title": place.paper.title,
        "url": place.paper.url,
        "heat": round(heat.value, 3),
        "votes": heat.votes,
        "kind": heat.kind and str(heat.kind),
        "source": heat.source or None,
        "hours": _rounded(heat.hours),
        "usual": _rounded(heat.usual),
        "expected": _rounded(heat.expected),
        "low": _rounded(heat.low) if heat.kind else None,
        "high": _rounded(heat.high) if heat.kind else None,
        "gained": heat.gained,
        "usual_gain": _rounded(heat.usual_gain),
        "without_votes": heat.content_prior,
        "doubted": heat.is_doubted,
        "reason": reason(place, day),
    }


def reason(place: TrendingRow, day: date) -> str:
    """Why it is hot, in the words of the mail."""
    return trend(get_locale("en"), place.heat, day, has_code=bool(place.paper.code_url))


HEADERS = ("#", "heat", "votes", "hours", "on course for", "id", "title", "why")


def _row(place: TrendingRow, day: date) -> Sequence[object]:
    heat = place.heat
    course = f"{heat.expected:.0f}" + (f" ({heat.low:.0f}-{heat.high:.0f})" if heat.high else "")
    return (
        place.number,
        f"{heat.value:+.1f}",
        "" if heat.votes is None else f"{heat.votes:.0f}",
        "" if heat.hours is None else f"{heat.hours:.0f}",
        course,
        place.paper.id,
        place.paper.title,
        ("votes look bought; " if heat.is_doubted else "") + reason(place, day),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
