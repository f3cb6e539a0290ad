"""Replay days as the product sees them: papers and readings go through a real database."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory

from digest.db import Database
from digest.models import SignalKind
from digest.pipeline.day import CANDIDATE_WINDOW
from digest.tools.evaluation.replay import CANDIDATE_DAYS, ReplayDay, ReplayedPaper, list_sending_times

RANKED_AFTER = timedelta(days=7)  # from a week's Monday: until then a paper's rank in its week may change


def build_days_from_database(
    replay: Sequence[ReplayedPaper], history: Sequence[ReplayedPaper] = ()
) -> list[ReplayDay]:
    """Return every weekday of a replay, with what a new database offers after each day's fetch.

    *history* are earlier papers, which are stored but not part of the days.
    """
    days = []
    previous = None
    with (
        TemporaryDirectory(prefix="digest-replay-") as folder,
        closing(Database.open(f"sqlite:///{Path(folder) / 'replay.sqlite3'}")) as store,
    ):
        for now in list_sending_times(replay):
            for papers in (history, replay):
                _store_readings(store, papers, after=previous, until=now)
            days.append(_load_day(store, now))
            previous = now
    return days


def _store_readings(
    store: Database, replay: Iterable[ReplayedPaper], *, after: datetime | None, until: datetime
) -> None:
    """Store what readings showed since *after*, as if it had been fetched at that time."""
    new = sorted(
        (
            paper
            for paper in replay
            if paper.first_seen <= until and (after is None or paper.first_seen > after)
        ),
        key=attrgetter("first_seen"),
    )
    signals = [
        signal
        for paper in replay
        for signal in paper.signals
        if signal.observed_at <= until and (after is None or signal.observed_at > after)
    ]
    with store.begin() as tx:
        for seen_at, papers in groupby(new, attrgetter("first_seen")):
            tx.papers.add([paper.paper for paper in papers], seen_at=seen_at)
        tx.signals.add(signals)


def _load_day(store: Database, now: datetime) -> ReplayDay:
    """Load the day's candidates, of the listing days that the rule of the replay allows."""
    oldest = now.date() - timedelta(days=CANDIDATE_DAYS)
    with store.begin(write=False) as tx:
        candidates = tx.papers.list_candidates(now - CANDIDATE_WINDOW, now)
        papers = tuple(paper for paper in candidates if paper.listed and oldest < paper.listed <= now.date())
        return ReplayDay(now, papers, tx.signals.get_until([paper.id for paper in papers], until=now))


def load_own_replay(store: Database, now: datetime, *, days: int) -> tuple[ReplayedPaper, ...]:
    """Return the database's listed papers of the last days as a replay.

    Papers are ranked within their weeks by their last votes; papers without votes are left out.
    """
    with store.begin(write=False) as tx:
        papers = tx.papers.list_candidates(now - timedelta(days=days), now)
        signals = tx.signals.get_until([paper.id for paper in papers], until=now)
    weeks: dict[str, list[ReplayedPaper]] = defaultdict(list)
    for paper in papers:
        votes = tuple(s for s in signals.get(paper.id, ()) if s.kind is SignalKind.UPVOTES)
        if paper.listed and votes:
            week = f"{paper.listed:%G-W%V}"
            weeks[week].append(ReplayedPaper(paper, votes, paper.listed, week, None))
    return tuple(paper for papers in weeks.values() for paper in _rank_week(papers, now))


def _rank_week(papers: Sequence[ReplayedPaper], now: datetime) -> Sequence[ReplayedPaper]:
    """Return the week's papers with their ranks, or unchanged if the week is not over."""
    monday = date.fromisocalendar(*papers[0].listed.isocalendar()[:2], 1)
    if now.date() < monday + RANKED_AFTER:
        return papers
    ordered = sorted(papers, key=lambda paper: (-paper.signals[-1].value, paper.paper.id))
    return [replace(paper, rank=rank) for rank, paper in enumerate(ordered, 1)]
