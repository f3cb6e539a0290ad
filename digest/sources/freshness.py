"""Judgement of arXiv results: whether a batch is the news of its day or a stale feed. No I/O.

Dates in feeds are unreliable, content is not: a batch is fresh when it holds papers that are not stored yet.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

from digest.models import FetchResult, FetchState, Health
from digest.models.arxiv_calendar import get_silence_reason, is_announcement_day
from digest.sources.base import add_note

BAD_HEALTH = frozenset({Health.STALE, Health.TRUNCATED, Health.FAILED, Health.CHANGED})
MIN_OLD_SHARE = 0.5  # share of ids that the last batch held too; a stale batch holds them all
MAX_TIMES_USUAL = 5.0  # unseen papers, as a multiple of the usual number
MIN_PAPERS = 20  # with fewer, all may well lack an abstract, and none be usual
MAX_AHEAD = timedelta(days=3)
MAX_BEHIND = timedelta(days=60)


def judge_freshness(
    result: FetchResult,
    state: FetchState,
    *,
    today: date,
    evening_day: date | None = None,
    papers_elsewhere: int = 0,
) -> FetchResult:
    """Return the result of one arXiv category with its health, its note and, if it is fresh, its day.

    Args:
        result: the result with its unseen papers counted.
        state: what is stored of the category.
        today: arXiv's date.
        evening_day: the day whose batch may be out already: in the evening it is tomorrow.
        papers_elsewhere: the papers of the same response in other categories.
    """
    if result.health is not Health.OK:
        return result
    is_done = state.day is not None and state.day >= announcement_day(today)
    if result.unseen and not is_done and _old_share(result, state) >= MIN_OLD_SHARE:
        note = "Most of its papers were in the last batch too: an old batch."
        return add_note(result, note, health=Health.STALE)
    if result.unseen:
        is_early = (is_done or state.day is None) and _old_share(result, state) < MIN_OLD_SHARE
        return replace(result, day=announcement_day(evening_day if evening_day and is_early else today))
    if is_done:
        return add_note(result, "Nothing new since the last reading.", health=Health.OK)
    if not is_announcement_day(today):
        note = f"arXiv announced nothing today: {get_silence_reason(today)}."
        return add_note(result, note, health=Health.EMPTY)
    return _judge_without_unseen(result, state, today, papers_elsewhere=papers_elsewhere)


def _judge_without_unseen(
    result: FetchResult, state: FetchState, today: date, *, papers_elsewhere: int
) -> FetchResult:
    """Judge a result without unseen papers on a day on which arXiv announces."""
    if not result.papers and papers_elsewhere:
        return add_note(result, f"arXiv announced nothing in {result.scope} today.", health=Health.OK)
    if not result.papers:
        note = "The feed is empty, though arXiv announces today."
        return add_note(result, note, health=Health.STALE)
    if state.ids and _old_share(result, state) < MIN_OLD_SHARE:
        return add_note(result, "A new batch without new papers.", health=Health.OK, day=today)
    note = f"All {len(result.papers)} papers were seen before: an old batch."
    return add_note(result, note, health=Health.STALE)


def announcement_day(today: date) -> date:
    """Return the latest day up to *today* on which arXiv announced."""
    while not is_announcement_day(today):
        today -= timedelta(days=1)
    return today


def find_missed_day(state: FetchState, *, today: date) -> date | None:
    """Return the first announcement day between the last fresh batch and *today*; None if none was missed."""
    if state.day is None:
        return None
    days = (state.day + timedelta(days=n) for n in range(1, (today - state.day).days))
    return next(filter(is_announcement_day, days), None)


def find_hold_reason(
    results: Iterable[FetchResult], states: dict[str, FetchState], *, today: date, gave_up: bool = False
) -> str:
    """Return why a person should look before anything is sent, as a sentence; empty if all seems well.

    Args:
        results: arXiv's results of this run, with their unseen papers counted.
        states: what is stored of each scope, with its usual number of new papers.
        today: arXiv's date.
        gave_up: True once it is too late to wait: missing papers are then no reason any more.

    A source that does not answer is no reason: readers get what the other sources brought, and are told.
    """
    fetched = list(results)
    if not fetched:
        return ""
    reasons = (
        "" if gave_up else _find_nothing_new(fetched, states, today),
        find_unusual_count(fetched, states, today),
        _find_missing_abstracts(fetched),
        _find_wrong_dates(fetched, today) if any(state.day for state in states.values()) else "",
    )
    return next(filter(None, reasons), "")


def _find_nothing_new(results: Sequence[FetchResult], states: dict[str, FetchState], today: date) -> str:
    has_answered = any(result.health not in (Health.FAILED, Health.CHANGED) for result in results)
    has_unseen = any(result.unseen for result in results)
    before = [states.get(result.scope, FetchState()) for result in results]
    is_done = any(state.day == today for state in before)
    usual = sum(state.usual or 0.0 for state in before)
    if is_announcement_day(today) and has_answered and usual >= MIN_PAPERS and not is_done and not has_unseen:
        return "arXiv was to announce papers today, but nothing new has come in."
    return ""


def find_unusual_count(results: Sequence[FetchResult], states: dict[str, FetchState], today: date) -> str:
    """Return how many more papers than usual came, for the days since the last fresh batch; else empty."""
    before = [states.get(result.scope, FetchState()) for result in results]
    usual = sum((state.usual or 0.0) * _count_days(state, today) for state in before)
    unseen = sum(result.unseen for result in results)
    if usual and unseen > max(MAX_TIMES_USUAL * usual, MIN_PAPERS):
        return f"{unseen} new papers came in, where {usual:.0f} are usual."
    return ""


def _count_days(state: FetchState, today: date) -> int:
    """Return the number of announcement days since the last fresh batch, at least 1."""
    if state.day is None:
        return 1
    days = (state.day + timedelta(days=n) for n in range(1, min((today - state.day).days, 90) + 1))
    return max(1, sum(map(is_announcement_day, days)))


def _find_missing_abstracts(results: Sequence[FetchResult]) -> str:
    papers = [paper for result in results for paper in result.papers]
    if len(papers) >= MIN_PAPERS and not any(paper.abstract for paper in papers):
        return f"None of the {len(papers)} papers has an abstract."
    return ""


def _find_wrong_dates(results: Sequence[FetchResult], today: date) -> str:
    days = [paper.published.date() for result in results for paper in result.papers if paper.published]
    ahead = sum(day > today + MAX_AHEAD for day in days)
    behind = sum(day < today - MAX_BEHIND for day in days)
    if len(days) >= MIN_PAPERS and (ahead > len(days) / 2 or behind > len(days) * 0.9):
        return f"The papers' dates jumped: most are {'in the future' if ahead > behind else 'long past'}."
    return ""


def _old_share(result: FetchResult, state: FetchState) -> float:
    """Return the share of the papers that the last batch held too."""
    return sum(paper.id in state.ids for paper in result.papers) / max(1, len(result.papers))
