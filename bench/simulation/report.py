"""How is the month told? In a few lines on the screen, and as docs/simulation.md with its pictures."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import fmean, median

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bench.simulation import charts
from bench.simulation.findings import (
    FITS,
    Liked,
    Promise,
    Week,
    centile,
    learning,
    liked,
    minutes,
    per_day,
    promises,
    silences,
    weeks,
)
from bench.simulation.month import Month
from bench.simulation.readers import Reader
from bench.simulation.record import Record
from bench.simulation.stage import Script
from digest.models.arxiv_calendar import arxiv_silence

LONG = 14  # days from which learning is looked for


@dataclass(frozen=True, slots=True)
class Lived:
    """A month, and the same month without a word from anybody."""

    month: Month
    readers: Sequence[Reader]
    script: Script
    record: Record
    control: Record
    seconds: float  # CPU of everything


@dataclass(frozen=True, slots=True)
class Attention:
    """What the listed papers of the month earned at last: those sent as trending, and those that were not."""

    sent: tuple[float, ...]
    unsent: tuple[float, ...]
    best: int  # the weeks' best ten
    found: int  # of them, sent as trending to somebody


def promises_of(lived: Lived) -> list[Promise]:
    """Everything that must have held."""
    kept = promises(lived.month, lived.readers, lived.record)
    return kept + learning(weeks(lived.month, lived.readers, lived.record)) if _is_long(lived) else kept


def told(lived: Lived, kept: Sequence[Promise]) -> Iterator[str]:
    """The month in lines for the screen."""
    record = lived.record
    yield (
        f"{lived.month.days} days, {len(lived.readers)} readers, {len(record.arrivals):,} mails, "
        f"{record.clicks.total()} clicks, {len(record.deaths)} kills, {lived.seconds:.0f} s of CPU"
    )
    for promise in kept:
        yield f"{'kept  ' if promise.holds else 'BROKEN'}  {promise.text}: {promise.figure}"
    for reason, count in silences(lived.month, lived.readers, record).most_common():
        yield f"{count:6}  silent days: {reason}"


def publish(lived: Lived, kept: Sequence[Promise], docs: Path) -> None:
    """Rewrite docs/simulation.md and the pictures beside it."""
    for name, picture in pictures(lived).items():
        (docs / "images" / f"simulation-{name}.svg").write_text(picture, encoding="utf-8")
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  Markdown of our own figures
    )
    pages.filters["format_day"] = "{:%-d %B}".format
    page = pages.get_template("report.md.j2").render(facts(lived, kept))
    (docs / "simulation.md").write_text(page, encoding="utf-8")


def facts(lived: Lived, kept: Sequence[Promise]) -> dict[str, object]:
    """Every figure of the report, by the name the page calls it."""
    month, record, readers = lived.month, lived.record, lived.readers
    times, seen = minutes(record), attention(month, record)
    return {
        "first": month.dates[0],
        "last": month.dates[-1],
        "readers": readers,
        "speakers": sum(reader.speaks for reader in readers),
        "record": record,
        "kept": kept,
        "silences": silences(month, readers, record).most_common(),
        "weeks": weeks(month, readers, record),
        "liked": liked(month, readers, record, lived.control),
        "times": {"median": median(times), "p95": centile(times, 95), "longest": max(times)},
        "words": fmean(len(a.mail.text.split()) for a in record.arrivals),
        "attention": seen,
        "medians": (median(seen.sent), median(seen.unsent)),
        "papers": sum(map(len, month.held.announced.values())),
        "listed": len(seen.sent) + len(seen.unsent),
        "outages": lived.script.outages,
        "holiday": month.holiday,
        "seconds": lived.seconds,
        "told": _counts(reader.told for reader in readers),
    }


def pictures(lived: Lived) -> dict[str, str]:
    """The four pictures, by name."""
    month, record = lived.month, lived.record
    found, picks = weeks(month, lived.readers, record), liked(month, lived.readers, record, lived.control)
    return {
        "learning": _learning(found),
        **({"picks": _picks(picks)} if picks else {}),
        "minutes": charts.histogram(
            "How long a digest takes to read",
            f"minutes, {len(record.arrivals):,} mails: all words at 230 a minute and 3 seconds a paper",
            minutes(record),
            width=0.25,
            limit=FITS,
        ),
        "mails": charts.by_day(
            "Mails a day",
            "shaded: arXiv announces nothing; † sender killed, ○ source down, ◇ a holiday nobody knew of",
            per_day(month, record),
            _marks(lived),
            [day for day in month.dates if arxiv_silence(day)],
        ),
        "votes": _votes(attention(month, record)),
    }


def attention(month: Month, record: Record) -> Attention:
    """Was what was sent as trending what people went on voting for?"""
    sent = {i.paper for a in record.arrivals for i in a.mail.items if i.section == "trending"}
    last = month.dates[-1]
    listings = [e for day, each in month.listings.items() if month.first <= day <= last for e in each]
    earned = {str(each.told["id"]): month.votes[each.told["id"]] for each in listings}
    best = [str(e.told["id"]) for e in listings if (e.told["week_rank"] or 99) <= 10]
    return Attention(
        sent=tuple(votes for number, votes in earned.items() if number in sent),
        unsent=tuple(votes for number, votes in earned.items() if number not in sent),
        best=len(best),
        found=sum(number in sent for number in best),
    )


def _learning(found: Sequence[Week]) -> str:
    series = [
        charts.Series("with feedback", "one", [week.learnt for week in found]),
        charts.Series("the same mornings, by what was typed", "other", [week.typed for week in found]),
    ]
    return charts.by_week(
        "Do profiles learn?", "nDCG@10 of each morning's new papers; bands: 95 % of resampled readers", series
    )


def _picks(found: Sequence[Liked]) -> str:
    series = [
        charts.Series("with feedback", "why", [week.learnt for week in found]),
        charts.Series("the same month, feedback withheld", "other", [week.control for week in found]),
    ]
    return charts.by_week(
        "How many picks are liked?",
        "part of “Picked for you” that its reader truly likes; same bands",
        series,
    )


def _votes(found: Attention) -> str:
    rows = [("sent as trending", "one", found.sent), ("listed, not sent as trending", "other", found.unsent)]
    return charts.votes(
        "What the papers earned at last", "final votes, a dot a paper; the bar is the median", rows
    )


def _marks(lived: Lived) -> dict[date, str]:
    marks: dict[date, str] = {}
    for death in lived.record.deaths:
        marks[death.at.date()] = "†"
    for outage in lived.script.outages:
        for day in outage.days:
            marks[day] = marks.get(day, "") + "○"
    if lived.month.holiday:
        marks[lived.month.holiday] = marks.get(lived.month.holiday, "") + "◇"
    return marks


def _counts(values: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return counts


def _is_long(lived: Lived) -> bool:
    return lived.month.days >= LONG
