"""What do the promises look like after a month? Counted from the record, with intervals over readers."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import fmean, quantiles
from typing import cast

import numpy as np

from bench.simulation.month import DAY, Month
from bench.simulation.readers import Reader
from bench.simulation.record import Arrival, Record
from bench.simulation.silence import LOST
from digest.models import Frequency, Schedule
from digest.models.paper_ids import title_key
from digest.models.schedule import local_day, parse_time, slot_on
from digest.tools.evaluation.replay import Estimate

ROUNDS = 2000  # of the bootstrap
FITS = 5.0  # minutes
CONNECTIONS = 4  # of the sender to the mail server, as shipped


@dataclass(frozen=True, slots=True)
class Week:
    """How the mornings of one week were ordered, and how that was liked."""

    number: int
    learnt: Estimate
    typed: Estimate
    gain: Estimate


@dataclass(frozen=True, slots=True)
class Liked:
    """The part of the picks that their reader likes: with feedback, and where it was withheld."""

    number: int
    learnt: Estimate
    control: Estimate
    gain: Estimate


@dataclass(frozen=True, slots=True)
class Promise:
    """One thing that was promised, whether it held, and the figure that says so."""

    text: str
    holds: bool
    figure: str


def repeats(record: Record) -> list[str]:
    """Papers that came twice to one reader, by number or by title, without having broken out."""
    seen: dict[tuple[int, str], str] = {}
    found = []
    for arrival in record.arrivals:
        for item in arrival.mail.items:
            key = title_key(item.title, (), None) or item.title
            for name in (item.paper, key.casefold()):
                before = seen.setdefault((arrival.reader, name), arrival.mail.id)
                if before != arrival.mail.id and (arrival.reader, item.paper) not in record.resent:
                    found.append(f"reader {arrival.reader}: {item.paper} {item.title}")
    return list(dict.fromkeys(found))


def thrice(record: Record) -> int:
    """Papers that broke out more than once to one reader: there are to be none."""
    times = Counter((a.reader, item.paper) for a in record.arrivals for item in a.mail.items)
    return sum(count > 2 for count in times.values())


def schedule_of(reader: Reader) -> Schedule:
    """The rule by which this reader wants mail."""
    wishes = reader.wishes
    return Schedule(
        timezone=str(wishes["timezone"]),
        send_at=parse_time(str(wishes["send_at"])),
        frequency=Frequency(str(wishes["frequency"])),
        weekday=cast("int", wishes["weekday"]),
    )


def silences(month: Month, readers: Sequence[Reader], record: Record) -> Counter[str]:
    """Every day without a mail of every reader, by its reason; what has none says UNEXPLAINED."""
    rules = {reader.number: schedule_of(reader) for reader in readers}
    mailed = {(a.reader, local_day(rules[a.reader], a.slot)) for a in record.arrivals if a.slot}
    return Counter(
        _reason(reader, rules[reader.number], day, record)
        for reader in readers
        for day in month.dates
        if (reader.number, day) not in mailed
    )


def _reason(reader: Reader, rule: Schedule, day: date, record: Record) -> str:
    if reader.pause and reader.pause[0] - DAY <= day < reader.pause[1]:  # a pause begins when it is asked for
        return "paused"
    if reader.leaves and day >= reader.leaves:
        return "unsubscribed"
    if slot_on(rule, day) is None:
        return f"wants it {rule.frequency}"
    return record.silences.get((reader.number, day), f"{LOST}: no trace of it")


def weeks(month: Month, readers: Sequence[Reader], record: Record) -> list[Week]:
    """nDCG@10 by week, over the readers who speak."""
    speak = {reader.number for reader in readers if reader.speaks}
    found: dict[int, dict[int, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for trial in record.trials:
        if trial.reader in speak:
            found[_week(month, trial.day)][trial.reader].append((trial.learnt, trial.typed))
    return [
        Week(number, *_paired([_means(pairs) for pairs in by_reader.values()]))
        for number, by_reader in sorted(found.items())
    ]


def liked(month: Month, readers: Sequence[Reader], learnt: Record, control: Record) -> list[Liked]:
    """By week, the part of "Picked for you" that its reader truly likes, in both runs."""
    one, other = (_shares(month, readers, record) for record in (learnt, control))
    return [
        Liked(
            number,
            *_paired([(one[number][r], other[number][r]) for r in one[number].keys() & other[number].keys()]),
        )
        for number in sorted(one.keys() & other.keys())
    ]


def _shares(month: Month, readers: Sequence[Reader], record: Record) -> dict[int, dict[int, float]]:
    speak = {reader.number: reader for reader in readers if reader.speaks}
    hits: dict[int, dict[int, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for arrival in record.arrivals:
        if reader := speak.get(arrival.reader):
            week = _week(month, arrival.at.date())
            hits[week][reader.number] += [
                i.paper in reader.likes for i in arrival.mail.items if i.section == "picked"
            ]
    return {week: {r: fmean(found) for r, found in per.items() if found} for week, per in hits.items()}


def _week(month: Month, day: date) -> int:
    return min(max(0, (day - month.first).days) // 7, max(0, month.days // 7 - 1)) + 1


def _means(pairs: Iterable[tuple[float, float]]) -> tuple[float, float]:
    learnt, typed = zip(*pairs, strict=True)
    return fmean(learnt), fmean(typed)


def _paired(pairs: Sequence[tuple[float, float]]) -> tuple[Estimate, Estimate, Estimate]:
    """Both means and that of the difference, readers resampled."""
    table = np.array([(a, b, a - b) for a, b in pairs])
    chosen = np.random.default_rng(7).integers(len(table), size=(ROUNDS, len(table)))
    low, high = np.quantile(table[chosen].mean(axis=1), (0.025, 0.975), axis=0)
    means = table.mean(axis=0)
    one, other, gain = (
        Estimate(float(m), float(a), float(b)) for m, a, b in zip(means, low, high, strict=True)
    )
    return one, other, gain


def minutes(record: Record) -> list[float]:
    """How long each mail takes to read."""
    return [arrival.mail.minutes for arrival in record.arrivals]


def centile(values: Sequence[float], part: int) -> float:
    """The value below which so many of a hundred lie."""
    return quantiles(values, n=100, method="inclusive")[part - 1]


def per_day(month: Month, record: Record) -> Mapping[date, int]:
    """How many mails went out on each day, by UTC."""
    counts = Counter(arrival.at.date() for arrival in record.arrivals)
    return {day: counts[day] for day in month.dates}


def late(record: Record, held: Callable[[datetime], bool]) -> list[Arrival]:
    """Mails more than an hour after their reader's hour, on days on which nothing was held back."""
    return [a for a in record.arrivals if a.delay > 1 and not held(a.at)]


def promises(month: Month, readers: Sequence[Reader], record: Record) -> list[Promise]:
    """Everything that must hold whatever the days were like."""
    twice, silent, times = repeats(record), silences(month, readers, record), minutes(record)
    lost = {reason: count for reason, count in silent.items() if reason.startswith(LOST)}
    unwanted = len(record.strays) + _while_paused(readers, record)
    bound = CONNECTIONS * len(record.deaths)
    slow = late(record, lambda at: at.date() == month.holiday)
    long = sum(each > FITS for each in times)
    return [
        Promise("No paper comes twice to one reader, whatever its version or source", not twice,
                f"{len(twice)} of {sum(len(a.mail.items) for a in record.arrivals):,} papers sent; "
                f"{len(record.resent)} came again because they broke out, and said so"),
        Promise("What broke out comes once more at most", not thrice(record),
                f"{thrice(record)} came a third time"),
        Promise("No silent day without a reason", not lost,
                f"{sum(lost.values())} of {sum(silent.values()):,} silent days unexplained"),
        Promise("Nobody is written to who paused or left", not unwanted, f"{unwanted} such mails"),
        Promise("A crash loses nothing and doubles at most what was on the wire", len(record.copies) <= bound,
                f"{len(record.deaths)} kills, {len(record.copies)} second copies (at most {bound})"),
        Promise("Mail comes at the reader's hour", not slow,
                f"latest {max((a.delay for a in record.arrivals), default=0) * 60:.0f} minutes after it, "
                f"{sum(a.delay > 1 for a in record.arrivals)} of them held back on a holiday"),
        Promise("A digest fits five minutes", long <= 0.05 * len(times),
                f"median {centile(times, 50):.1f} minutes, 95 % below {centile(times, 95):.1f}, "
                f"longest {max(times):.1f}"),
    ]  # fmt: skip


def learning(found: Sequence[Week]) -> list[Promise]:
    """What only a long month can show."""
    first, last = found[0], found[-1]
    return [
        Promise("Profiles learn: the last week's mornings are ordered better than by what was typed",
                last.gain.low > 0,
                f"nDCG@10 {last.typed.mean:.3f} → {last.learnt.mean:.3f}, gain {last.gain}"),
        Promise("They go on learning: the gain of the last week exceeds that of the first",
                last.gain.mean > first.gain.mean, f"{first.gain.mean:+.3f} → {last.gain.mean:+.3f}"),
    ]  # fmt: skip


def _while_paused(readers: Sequence[Reader], record: Record) -> int:
    pauses = {reader.number: (*reader.pause, schedule_of(reader)) for reader in readers if reader.pause}
    mailed = [(*pauses[a.reader], a.at) for a in record.arrivals if a.reader in pauses]
    return sum(first <= local_day(rule, at) < back for first, back, rule, at in mailed)
