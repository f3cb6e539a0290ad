"""Is this batch the day's news, or does a stale feed look like a quiet day? Pure judgement.

Dates in feeds lie; content does not. A batch is fresh when it holds something the store has not seen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

from digest.models import FetchResult, FetchState, Health
from digest.models.arxiv_calendar import arxiv_announces, arxiv_silence

SICK = frozenset({Health.STALE, Health.TRUNCATED, Health.FAILED, Health.CHANGED})
SAME_BATCH = 0.5  # share of ids that the last batch held too; a stale one holds them all
FAR_TOO_MANY = 5.0  # times the usual number of unseen papers
ENOUGH_TO_JUDGE = 20  # papers; of fewer, all may well lack an abstract, or none be usual
FARTHEST_AHEAD = timedelta(days=3)
FARTHEST_BEHIND = timedelta(days=60)


def judge(
    reading: FetchResult, memory: FetchState, *, today: date, tonight: date | None = None, others: int = 0
) -> FetchResult:
    """The reading of one arXiv category with its health, note and, when it is the day's news, its day.

    `today` is arXiv's date, `tonight` the one whose batch may be out already: in the evening tomorrow's;
    `others` counts the papers of the same answer in other categories.
    """
    if reading.health is not Health.OK:
        return reading
    is_done = memory.day is not None and memory.day >= announcement_day(today)
    if reading.unseen and not is_done and _overlap(reading, memory) >= SAME_BATCH:
        return _noting(reading, Health.STALE, "Most of its papers were in the last batch too: an old batch.")
    if reading.unseen:
        is_early = (is_done or memory.day is None) and _overlap(reading, memory) < SAME_BATCH
        return replace(reading, day=announcement_day(tonight if tonight and is_early else today))
    if is_done:
        return _noting(reading, Health.OK, "Nothing new since the last reading.")
    if not arxiv_announces(today):
        return _noting(reading, Health.EMPTY, f"arXiv announced nothing today: {arxiv_silence(today)}.")
    return _without_unseen(reading, memory, today, others=others)


def _without_unseen(reading: FetchResult, memory: FetchState, today: date, *, others: int) -> FetchResult:
    """ArXiv announces today, but nothing here is new: is that so, or is the feed stale?"""
    if not reading.papers:
        return _nothing(reading, others=others)
    if memory.ids and _overlap(reading, memory) < SAME_BATCH:
        return _noting(replace(reading, day=today), Health.OK, "A new batch without new papers.")
    return _noting(reading, Health.STALE, f"All {len(reading.papers)} papers were seen before: an old batch.")


def announcement_day(today: date) -> date:
    """The latest day, up to this one, on which arXiv announced."""
    while not arxiv_announces(today):
        today -= timedelta(days=1)
    return today


def missed_since(memory: FetchState, *, today: date) -> date | None:
    """The first announcement day between the last fresh batch and today; None when none was missed."""
    if memory.day is None:
        return None
    day, last = memory.day + timedelta(days=1), today - timedelta(days=arxiv_announces(today))
    while day <= last:
        if arxiv_announces(day):
            return day
        day += timedelta(days=1)
    return None


def reason_to_hold(
    readings: Iterable[FetchResult], memory: dict[str, FetchState], *, today: date, gave_up: bool = False
) -> str:
    """Why a person should look before anything is sent, in one sentence; empty when all seems well.

    `readings` are arXiv's of this run with their unseen counts, `memory` what was usual for each scope.
    Once we `gave_up` on the day, that nothing came in holds nobody's mail any longer. A source that
    does not answer at all is no reason either: readers get what the others brought, and are told.
    """
    given = list(readings)
    if not given:
        return ""
    reasons = (
        "" if gave_up else _nothing_came(given, memory, today),
        _too_much(given, memory, today),
        _hollow(given),
        _astray(given, today) if any(known.day for known in memory.values()) else "",
    )
    return next(filter(None, reasons), "")


def _nothing_came(readings: Sequence[FetchResult], memory: dict[str, FetchState], today: date) -> str:
    answered = any(reading.health not in (Health.FAILED, Health.CHANGED) for reading in readings)
    remembered = [memory.get(reading.scope, FetchState()) for reading in readings]
    done, usual = any(known.day == today for known in remembered), sum(k.usual or 0.0 for k in remembered)
    brought = any(reading.unseen for reading in readings)
    if arxiv_announces(today) and answered and usual >= ENOUGH_TO_JUDGE and not done and not brought:
        return "arXiv was to announce papers today, but nothing new has come in."
    return ""


def _too_much(readings: Sequence[FetchResult], memory: dict[str, FetchState], today: date) -> str:
    """More than a few times what is usual, for as many days as we were not there."""
    remembered = [memory.get(reading.scope, FetchState()) for reading in readings]
    usual = sum((known.usual or 0.0) * _days_since(known, today) for known in remembered)
    unseen = sum(reading.unseen for reading in readings)
    if usual and unseen > max(FAR_TOO_MANY * usual, ENOUGH_TO_JUDGE):
        return f"{unseen} new papers came in, where {usual:.0f} are usual."
    return ""


def _days_since(memory: FetchState, today: date) -> int:
    """On how many days arXiv announced since the last fresh batch; one at least."""
    if memory.day is None:
        return 1
    days = (memory.day + timedelta(days=n) for n in range(1, min((today - memory.day).days, 90) + 1))
    return max(1, sum(map(arxiv_announces, days)))


def _hollow(readings: Sequence[FetchResult]) -> str:
    papers = [paper for reading in readings for paper in reading.papers]
    if len(papers) >= ENOUGH_TO_JUDGE and not any(paper.abstract for paper in papers):
        return f"None of the {len(papers)} papers has an abstract."
    return ""


def _astray(readings: Sequence[FetchResult], today: date) -> str:
    days = [paper.published.date() for reading in readings for paper in reading.papers if paper.published]
    ahead = sum(day > today + FARTHEST_AHEAD for day in days)
    behind = sum(day < today - FARTHEST_BEHIND for day in days)
    if len(days) >= ENOUGH_TO_JUDGE and (ahead > len(days) / 2 or behind > len(days) * 0.9):
        return f"The papers' dates jumped: most are {'in the future' if ahead > behind else 'long past'}."
    return ""


def _nothing(reading: FetchResult, *, others: int) -> FetchResult:
    if others:
        return _noting(reading, Health.OK, f"arXiv announced nothing in {reading.scope} today.")
    return _noting(reading, Health.STALE, "The feed is empty, though arXiv announces today.")


def _overlap(reading: FetchResult, memory: FetchState) -> float:
    return sum(paper.id in memory.ids for paper in reading.papers) / max(1, len(reading.papers))


def _noting(reading: FetchResult, health: Health, note: str) -> FetchResult:
    return replace(reading, health=health, note=f"{reading.note} {note}".strip())
