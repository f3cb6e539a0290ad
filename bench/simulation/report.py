"""Report of a simulated month: lines for the screen, and docs/simulation.md with its charts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import fmean, median

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bench.simulation import charts
from bench.simulation.context import Scenario
from bench.simulation.findings import (
    MAX_MINUTES,
    Guarantee,
    LikedShare,
    WeeklyScores,
    check_guarantees,
    check_learning,
    compare_liked_shares,
    count_missing_mails,
    count_per_day,
    get_percentile,
    get_reading_minutes,
    score_weeks,
)
from bench.simulation.month import Month
from bench.simulation.readers import Reader
from bench.simulation.record import Record
from digest.models.arxiv_calendar import get_silence_reason

LEARNING_DAYS = 14  # days from which on learning is checked


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """Result of the simulation: the month, and the control in which nobody gives feedback."""

    month: Month
    readers: Sequence[Reader]
    scenario: Scenario
    record: Record
    control: Record
    seconds: float  # CPU of everything


@dataclass(frozen=True, slots=True)
class TrendingVotes:
    """Final votes of the listed papers: those sent as trending, and the others."""

    sent: tuple[float, ...]
    unsent: tuple[float, ...]
    best: int  # the best ten of each week
    best_sent: int  # how many of them were sent as trending to somebody


def check_all_guarantees(result: SimulationResult) -> list[Guarantee]:
    """Check every guarantee; those on learning only after a long month."""
    guarantees = check_guarantees(result.month, result.readers, result.record, result.scenario.refused_days)
    if result.month.days >= LEARNING_DAYS:
        guarantees += check_learning(score_weeks(result.month, result.readers, result.record))
    return guarantees


def format_lines(result: SimulationResult, guarantees: Sequence[Guarantee]) -> Iterator[str]:
    """Yield the result as lines for the screen."""
    record = result.record
    yield (
        f"{result.month.days} days, {len(result.readers)} readers, {len(record.arrivals):,} mails, "
        f"{record.clicks.total()} clicks, {len(record.crashes)} kills, {record.restored} restore, "
        f"{result.seconds:.0f} s of CPU"
    )
    for guarantee in guarantees:
        yield f"{'kept  ' if guarantee.holds else 'BROKEN'}  {guarantee.text}: {guarantee.figure}"
    refused_days = result.scenario.refused_days
    missing = count_missing_mails(result.month, result.readers, record, refused_days)
    for reason, count in missing.most_common():
        yield f"{count:6}  days without a mail: {reason}"


def publish(result: SimulationResult, guarantees: Sequence[Guarantee], docs: Path) -> None:
    """Rewrite docs/simulation.md and the charts beside it."""
    for name, chart in draw_charts(result).items():
        (docs / "images" / f"simulation-{name}.svg").write_text(chart, encoding="utf-8")
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  Markdown of our own figures
    )
    templates.filters["format_day"] = "{:%-d %B}".format
    page = templates.get_template("report.md.j2").render(collect_figures(result, guarantees))
    (docs / "simulation.md").write_text(page, encoding="utf-8")


def collect_figures(result: SimulationResult, guarantees: Sequence[Guarantee]) -> dict[str, object]:
    """Return every figure of the report, by its name in the template."""
    month, record, readers = result.month, result.record, result.readers
    times, votes = get_reading_minutes(record), compare_trending_votes(month, record)
    return {
        "first": month.dates[0],
        "last": month.dates[-1],
        "readers": readers,
        "speakers": sum(reader.gives_feedback for reader in readers),
        "record": record,
        "guarantees": guarantees,
        "missing_mails": count_missing_mails(
            month, readers, record, result.scenario.refused_days
        ).most_common(),
        "refusals": result.scenario.refusals,
        "restore_day": result.scenario.restore_day,
        "flood_day": result.scenario.flood_day,
        "upgrade_day": result.scenario.upgrade_day,
        "weeks": score_weeks(month, readers, record),
        "liked": compare_liked_shares(month, readers, record, result.control),
        "times": {"median": median(times), "p95": get_percentile(times, 95), "longest": max(times)},
        "words": fmean(len(a.mail.text.split()) for a in record.arrivals),
        "trending": votes,
        "medians": (median(votes.sent), median(votes.unsent)),
        "papers": sum(map(len, month.dataset.announced.values())),
        "listed": len(votes.sent) + len(votes.unsent),
        "outages": result.scenario.outages,
        "holiday": month.holiday,
        "seconds": result.seconds,
        "typed": Counter(reader.typed for reader in readers),
    }


def draw_charts(result: SimulationResult) -> dict[str, str]:
    """Return the charts, by name."""
    month, record = result.month, result.record
    scores = score_weeks(month, result.readers, record)
    picks = compare_liked_shares(month, result.readers, record, result.control)
    return {
        "learning": _draw_learning(scores),
        **({"picks": _draw_picks(picks)} if picks else {}),
        "minutes": charts.draw_histogram(
            "How long a digest takes to read",
            f"minutes, {len(record.arrivals):,} mails: all words at 230 a minute and 3 seconds a paper",
            get_reading_minutes(record),
            width=0.25,
            limit=MAX_MINUTES,
        ),
        "mails": charts.draw_by_day(
            "Mails a day",
            "shaded: no announcements; † sender killed, ○ source down, × mail refused, ◇ unknown holiday",
            count_per_day(month, record),
            _build_day_marks(result),
            [day for day in month.dates if get_silence_reason(day)],
        ),
        "votes": _draw_votes(compare_trending_votes(month, record)),
    }


def compare_trending_votes(month: Month, record: Record) -> TrendingVotes:
    """Compare the papers sent as trending with the votes they finally earned."""
    sent = {
        item.paper for arrival in record.arrivals for item in arrival.mail.items if item.section == "trending"
    }
    last = month.dates[-1]
    listings = [
        listing
        for day, day_listings in month.listings.items()
        if month.first <= day <= last
        for listing in day_listings
    ]
    earned = {str(listing.fields["id"]): month.votes[listing.fields["id"]] for listing in listings}
    best = [str(listing.fields["id"]) for listing in listings if (listing.fields["week_rank"] or 99) <= 10]
    return TrendingVotes(
        sent=tuple(votes for number, votes in earned.items() if number in sent),
        unsent=tuple(votes for number, votes in earned.items() if number not in sent),
        best=len(best),
        best_sent=sum(number in sent for number in best),
    )


def _draw_learning(scores: Sequence[WeeklyScores]) -> str:
    series = [
        charts.Series("with feedback", "one", [week.learnt for week in scores]),
        charts.Series("the same mornings, by what was typed", "other", [week.typed for week in scores]),
    ]
    return charts.draw_by_week(
        "Do profiles learn?", "nDCG@10 of each morning's new papers; bands: 95 % of resampled readers", series
    )


def _draw_picks(scores: Sequence[LikedShare]) -> str:
    series = [
        charts.Series("with feedback", "why", [week.learnt for week in scores]),
        charts.Series("the same month, feedback withheld", "other", [week.control for week in scores]),
    ]
    return charts.draw_by_week(
        "How many picks are liked?",
        "part of “Picked for you” that its reader truly likes; same bands",
        series,
    )


def _draw_votes(votes: TrendingVotes) -> str:
    rows = [
        ("sent as trending", "one", votes.sent),
        ("listed, not sent as trending", "other", votes.unsent),
    ]
    return charts.draw_votes(
        "What the papers earned at last", "final votes, a dot a paper; the bar is the median", rows
    )


def _build_day_marks(result: SimulationResult) -> dict[date, str]:
    marks: dict[date, str] = {}
    for crash in result.record.crashes:
        marks[crash.at.date()] = "†"
    for outage in result.scenario.outages:
        for day in outage.days:
            marks[day] = marks.get(day, "") + "○"
    for day in result.scenario.refused_days:
        marks[day] = marks.get(day, "") + "×"
    if result.month.holiday:
        marks[result.month.holiday] = marks.get(result.month.holiday, "") + "◇"
    return marks
