"""Days as the store would have met them: fetched, kept and read back by the product's own rooms."""

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
from digest.models import Paper, Signal, SignalKind
from digest.pipeline.day import candidates
from digest.tools.evaluation.replay import POOL_DAYS, ReplayDay, Replayed, sendings

WEEK_ENDS = timedelta(days=7)  # a paper's place is decided when its week has been over for as long


def stored_days(replay: Sequence[Replayed], history: Sequence[Replayed] = ()) -> list[ReplayDay]:
    """Every weekday of a replay: papers and readings go into a new store, and what it offers comes out."""
    with (
        TemporaryDirectory(prefix="digest-replay-") as folder,
        closing(Database.open(f"sqlite:///{Path(folder) / 'replay.sqlite3'}")) as store,
    ):
        return _met(store, replay, history)


def _met(store: Database, replay: Sequence[Replayed], history: Sequence[Replayed]) -> list[ReplayDay]:
    days = []
    before = None
    for now in sendings(replay):
        for each in (history, replay):
            _fetched(store, each, after=before, until=now)
        days.append(_offered(store, now))
        before = now
    return days


def _fetched(store: Database, replay: Iterable[Replayed], *, after: datetime | None, until: datetime) -> None:
    """What readings showed since the last morning, as if it had been fetched at that time."""
    new = sorted(
        (each for each in replay if each.seen <= until and (after is None or each.seen > after)),
        key=attrgetter("seen"),
    )
    signals = [
        signal
        for each in replay
        for signal in each.signals
        if signal.observed_at <= until and (after is None or signal.observed_at > after)
    ]
    with store.begin() as tx:
        for seen, some in groupby(new, attrgetter("seen")):
            tx.papers.add([each.paper for each in some], seen_at=seen)
        tx.signals.observe(signals)


def _offered(store: Database, now: datetime) -> ReplayDay:
    """The candidates of a morning, of the listing days the rule allows."""
    oldest = now.date() - timedelta(days=POOL_DAYS)
    papers = tuple(
        paper
        for paper in candidates(store, now).papers
        if paper.listed and oldest < paper.listed <= now.date()
    )
    with store.begin(write=False) as tx:
        return ReplayDay(now, papers, tx.signals.of([paper.id for paper in papers], until=now))


def remembered(store: Database, now: datetime, *, days: int) -> tuple[Replayed, ...]:
    """The store's own papers of the last days as a replay, ranked within their weeks by their last votes."""
    with store.begin(write=False) as tx:
        papers = tx.papers.pool(now - timedelta(days=days), now)
        signals = tx.signals.of([paper.id for paper in papers], until=now)
    voted = [(paper, _voted(signals.get(paper.id, ()))) for paper in papers if paper.listed]
    return _ranked([(paper, readings) for paper, readings in voted if readings], now)


def _voted(readings: Iterable[Signal]) -> tuple[Signal, ...]:
    return tuple(signal for signal in readings if signal.kind is SignalKind.UPVOTES)


def _ranked(voted: Sequence[tuple[Paper, tuple[Signal, ...]]], now: datetime) -> tuple[Replayed, ...]:
    weeks: dict[str, list[Replayed]] = defaultdict(list)
    for paper, signals in voted:
        assert paper.listed  # noqa: S101  narrows the type: only listed papers come here
        week = f"{paper.listed:%G-W%V}"
        weeks[week].append(Replayed(paper, signals, paper.listed, week, None))
    return tuple(each for papers in weeks.values() for each in _placed(papers, now))


def _placed(papers: Sequence[Replayed], now: datetime) -> Iterable[Replayed]:
    """The places of a week's papers, once the week is over."""
    monday = date.fromisocalendar(*papers[0].listed.isocalendar()[:2], 1)
    if now.date() < monday + WEEK_ENDS:
        return papers
    ordered = sorted(papers, key=lambda each: (-each.signals[-1].value, each.paper.id))
    return [replace(each, rank=place) for place, each in enumerate(ordered, 1)]
