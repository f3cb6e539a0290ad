"""Statistics of a simulated month, and whether its guarantees held, with intervals over readers."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from statistics import fmean, quantiles
from typing import cast

import numpy as np

from bench.simulation.missing_mail import UNEXPLAINED
from bench.simulation.month import DAY, Month
from bench.simulation.readers import Reader
from bench.simulation.record import Arrival, Record
from digest.models import Frequency, Schedule
from digest.models.paper_ids import build_title_key
from digest.models.schedule import get_local_day, get_slot, parse_time
from digest.tools.evaluation.replay import Estimate

RESAMPLES = 2000  # of the bootstrap
MAX_MINUTES = 5.0  # to read a digest
CONNECTIONS = 4  # of the sender to the mail server, as shipped


@dataclass(frozen=True, slots=True)
class WeeklyScores:
    """Ranking quality in one week: learnt and typed profiles, and the difference."""

    number: int
    learnt: Estimate
    typed: Estimate
    gain: Estimate


@dataclass(frozen=True, slots=True)
class LikedShare:
    """Share of the picks that their reader likes: with feedback, and without."""

    number: int
    learnt: Estimate
    control: Estimate
    gain: Estimate


@dataclass(frozen=True, slots=True)
class Guarantee:
    """One guarantee, whether it held, and the figure that shows it."""

    text: str
    holds: bool
    figure: str


def find_repeats(record: Record) -> list[str]:
    """Return papers that came twice to one reader, by number or title, without being resent as a breakout."""
    seen: dict[tuple[int, str], str] = {}
    repeated = []
    for arrival in record.arrivals:
        for item in arrival.mail.items:
            key = build_title_key(item.title, (), None) or item.title
            for name in (item.paper, key.casefold()):
                first_mail = seen.setdefault((arrival.reader, name), arrival.mail.id)
                if first_mail != arrival.mail.id and (arrival.reader, item.paper) not in record.resent:
                    repeated.append(f"reader {arrival.reader}: {item.paper} {item.title}")
    return list(dict.fromkeys(repeated))


def count_third_copies(record: Record) -> int:
    """Count papers that came three times to one reader; there must be none."""
    counts = Counter((a.reader, item.paper) for a in record.arrivals for item in a.mail.items)
    return sum(count > 2 for count in counts.values())


def build_schedule(reader: Reader) -> Schedule:
    """Return the schedule of this reader."""
    settings = reader.settings
    return Schedule(
        timezone=str(settings["timezone"]),
        send_at=parse_time(str(settings["send_at"])),
        frequency=Frequency(str(settings["frequency"])),
        weekday=cast("int", settings["weekday"]),
    )


def count_missing_mails(
    month: Month, readers: Sequence[Reader], record: Record, refused_days: Collection[date] = ()
) -> Counter[str]:
    """Count days without a mail over all readers, by reason; those without one count as UNEXPLAINED."""
    schedules = {reader.number: build_schedule(reader) for reader in readers}
    mailed = {(a.reader, get_local_day(schedules[a.reader], a.slot)) for a in record.arrivals if a.slot}
    return Counter(
        _find_reason(reader, schedules[reader.number], day, record, refused_days)
        for reader in readers
        for day in month.dates
        if (reader.number, day) not in mailed
    )


def _find_reason(
    reader: Reader, schedule: Schedule, day: date, record: Record, refused_days: Collection[date]
) -> str:
    if reader.pause and reader.pause[0] - DAY <= day < reader.pause[1]:  # a pause begins when it is requested
        return "paused"
    if reader.leaves_on and day >= reader.leaves_on:
        return "unsubscribed"
    slot = get_slot(schedule, day)
    if slot is None:
        return f"wants it {schedule.frequency}"
    is_refused = slot.astimezone(UTC).date() in refused_days
    fallback = "the mail server refused all mail" if is_refused else f"{UNEXPLAINED}: no trace of it"
    return record.missing_mails.get((reader.number, day), fallback)


def score_weeks(month: Month, readers: Sequence[Reader], record: Record) -> list[WeeklyScores]:
    """Return nDCG@10 by week, over the readers who give feedback."""
    speakers = {reader.number for reader in readers if reader.gives_feedback}
    scores: dict[int, dict[int, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for score in record.ranking_scores:
        if score.reader in speakers:
            scores[_get_week(month, score.day)][score.reader].append((score.learnt, score.typed))
    return [
        WeeklyScores(number, *_estimate_pairs([_average_pairs(pairs) for pairs in by_reader.values()]))
        for number, by_reader in sorted(scores.items())
    ]


def compare_liked_shares(
    month: Month, readers: Sequence[Reader], learnt: Record, control: Record
) -> list[LikedShare]:
    """Return by week the share of "Picked for you" that its reader truly likes, in both runs."""
    one, other = (_compute_liked_shares(month, readers, record) for record in (learnt, control))
    return [
        LikedShare(
            number,
            *_estimate_pairs(
                [
                    (one[number][reader], other[number][reader])
                    for reader in one[number].keys() & other[number].keys()
                ]
            ),
        )
        for number in sorted(one.keys() & other.keys())
    ]


def _compute_liked_shares(
    month: Month, readers: Sequence[Reader], record: Record
) -> dict[int, dict[int, float]]:
    speakers = {reader.number: reader for reader in readers if reader.gives_feedback}
    hits: dict[int, dict[int, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for arrival in record.arrivals:
        if reader := speakers.get(arrival.reader):
            week = _get_week(month, arrival.at.date())
            hits[week][reader.number] += [
                item.paper in reader.likes for item in arrival.mail.items if item.section == "picked"
            ]
    return {
        week: {reader: fmean(likes) for reader, likes in by_reader.items() if likes}
        for week, by_reader in hits.items()
    }


def _get_week(month: Month, day: date) -> int:
    return min(max(0, (day - month.first).days) // 7, max(0, month.days // 7 - 1)) + 1


def _average_pairs(pairs: Iterable[tuple[float, float]]) -> tuple[float, float]:
    learnt, typed = zip(*pairs, strict=True)
    return fmean(learnt), fmean(typed)


def _estimate_pairs(pairs: Sequence[tuple[float, float]]) -> tuple[Estimate, Estimate, Estimate]:
    """Return both means and that of the difference, with readers resampled."""
    table = np.array([(a, b, a - b) for a, b in pairs])
    samples = np.random.default_rng(7).integers(len(table), size=(RESAMPLES, len(table)))
    low, high = np.quantile(table[samples].mean(axis=1), (0.025, 0.975), axis=0)
    means = table.mean(axis=0)
    one, other, gain = (
        Estimate(float(m), float(a), float(b)) for m, a, b in zip(means, low, high, strict=True)
    )
    return one, other, gain


def get_reading_minutes(record: Record) -> list[float]:
    """Return the reading time of each mail."""
    return [arrival.mail.minutes for arrival in record.arrivals]


def get_percentile(values: Sequence[float], part: int) -> float:
    """Return the value below which *part* percent of the values lie."""
    return quantiles(values, n=100, method="inclusive")[part - 1]


def count_per_day(month: Month, record: Record) -> Mapping[date, int]:
    """Return the number of mails of each day, by UTC."""
    counts = Counter(arrival.at.date() for arrival in record.arrivals)
    return {day: counts[day] for day in month.dates}


def find_late(record: Record, is_held: Callable[[datetime], bool]) -> list[Arrival]:
    """Return mails more than an hour after their reader's slot, on days on which nothing was held back."""
    return [a for a in record.arrivals if a.delay > 1 and not is_held(a.at)]


def check_guarantees(
    month: Month, readers: Sequence[Reader], record: Record, refused_days: Collection[date] = ()
) -> list[Guarantee]:
    """Check every guarantee that does not depend on the length of the month.

    On *refused_days* the mail server accepted nothing; what was due then may come a day late or not at all.
    """
    repeated, third_copies = find_repeats(record), count_third_copies(record)
    missing = count_missing_mails(month, readers, record, refused_days)
    durations = get_reading_minutes(record)
    unexplained = {reason: count for reason, count in missing.items() if reason.startswith(UNEXPLAINED)}
    unwanted = len(record.unwanted) + _count_while_paused(readers, record)
    max_duplicates = CONNECTIONS * len(record.crashes)
    after_refusal = {day + n * DAY for day in refused_days for n in range(2)}
    late = find_late(record, lambda at: at.date() == month.holiday or at.date() in after_refusal)
    too_long = sum(duration > MAX_MINUTES for duration in durations)
    return [
        Guarantee(
            "No paper is sent twice to one reader, whatever its version or source",
            not repeated,
            f"{len(repeated)} of {sum(len(a.mail.items) for a in record.arrivals):,} papers sent; "
            f"{len(record.resent)} were sent again because they broke out, and marked so",
        ),
        Guarantee(
            "A breakout is sent again at most once",
            not third_copies,
            f"{third_copies} were sent a third time",
        ),
        Guarantee(
            "Every day without an email has a recorded reason",
            not unexplained,
            f"{sum(unexplained.values())} of {sum(missing.values()):,} days unexplained",
        ),
        Guarantee("No email to readers who paused or unsubscribed", not unwanted, f"{unwanted} such emails"),
        Guarantee(
            "A crash loses nothing and duplicates at most the emails being sent",
            len(record.duplicates) <= max_duplicates,
            f"{len(record.crashes)} kills, {len(record.duplicates)} duplicates (at most {max_duplicates})",
        ),
        Guarantee(
            "A flood of sign-ups reaches nobody twice",
            all(count == 1 for count in record.confirmations.values()),
            f"{record.flood.total():,} sign-ups, {record.flood[202]:,} accepted, "
            f"{record.confirmations.total():,} confirmations sent",
        ),
        Guarantee(
            "No reader is suppressed because of our faults",
            not record.suppressed,
            f"{record.refused} recipients refused because of our faults, {len(record.suppressed)} suppressed",
        ),
        Guarantee(
            "Emails are sent at the chosen time",
            not late,
            f"latest {max((a.delay for a in record.arrivals), default=0) * 60:.0f} minutes after it, "
            f"{sum(a.delay > 1 for a in record.arrivals)} of the late ones on a holiday or a day of refusals",
        ),
        Guarantee(
            "A digest can be read in five minutes",
            too_long <= 0.05 * len(durations),
            f"median {get_percentile(durations, 50):.1f} minutes, "
            f"95 % below {get_percentile(durations, 95):.1f}, "
            f"longest {max(durations):.1f}",
        ),
    ]


def check_learning(weekly_scores: Sequence[WeeklyScores]) -> list[Guarantee]:
    """Check the guarantees that only a long month can show."""
    first, last = weekly_scores[0], weekly_scores[-1]
    return [
        Guarantee(
            "Profiles learn: in the last week they rank better than what was typed",
            last.gain.low > 0,
            f"nDCG@10 {last.typed.mean:.3f} → {last.learnt.mean:.3f}, gain {last.gain}",
        ),
        Guarantee(
            "They keep learning: the gain of the last week exceeds that of the first",
            last.gain.mean > first.gain.mean,
            f"{first.gain.mean:+.3f} → {last.gain.mean:+.3f}",
        ),
    ]


def _count_while_paused(readers: Sequence[Reader], record: Record) -> int:
    pauses = {reader.number: (*reader.pause, build_schedule(reader)) for reader in readers if reader.pause}
    mailed = [(*pauses[a.reader], a.at) for a in record.arrivals if a.reader in pauses]
    return sum(first <= get_local_day(schedule, at) < back for first, back, schedule, at in mailed)
