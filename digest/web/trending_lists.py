"""The public lists of trending papers: today, this week, this month and past days; cached in memory."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from threading import Lock
from typing import Generic, TypeVar

from digest.db import Database
from digest.mail.locale import gettext_noop
from digest.models import Heat, Paper, Signal
from digest.models.category_groups import CategoryKind, group_by_kind
from digest.pipeline.fitted_models import load_baselines
from digest.trending.baselines import Baselines
from digest.trending.heat import compute_heat, sort_by_heat

FIELD_LIST_LENGTH = 30  # further papers of each category, which only its own list shows
LIST_LENGTH = 400  # papers; a page shows the first of them, the feed of a category filters them
MAX_CACHED = 64  # entries of one cache
ONE_DAY = timedelta(days=1)
MAX_BASELINES_AGE = timedelta(hours=1)  # baselines are fitted to weeks of signals and change slowly


@dataclass(frozen=True, slots=True)
class Window:
    """A period that the front page can show."""

    name: str
    days: int
    title: str
    tab: str
    nothing: str  # what is said when it holds no papers
    max_age: timedelta  # of the cached list

    @property
    def path(self) -> str:
        """The path of the front page that shows it."""
        return "/" if self is TODAY else f"/?window={self.name}"


TODAY = Window(
    name="today",
    days=2,  # the list of a day is read until the next evening
    title=gettext_noop("Trending today"),
    tab=gettext_noop("Today"),
    nothing=gettext_noop("No new papers in the last two days"),
    max_age=timedelta(minutes=1),
)
WEEK = Window(
    name="week",
    days=7,
    title=gettext_noop("Trending this week"),
    tab=gettext_noop("This week"),
    nothing=gettext_noop("No new papers this week"),
    max_age=timedelta(minutes=5),
)
MONTH = Window(
    name="month",
    days=31,
    title=gettext_noop("Trending this month"),
    tab=gettext_noop("This month"),
    nothing=gettext_noop("No new papers this month"),
    max_age=timedelta(minutes=15),
)
WINDOWS = {window.name: window for window in (TODAY, WEEK, MONTH)}


@dataclass(frozen=True, slots=True)
class RankedPaper:
    """A paper of a list, with its heat and the signals behind it."""

    paper: Paper
    heat: Heat
    signals: tuple[Signal, ...] = ()

    def is_in(self, category: str) -> bool:
        """Return True if the paper is in this category or archive; an empty *category* holds every paper."""
        return not category or any(
            own == category or own.startswith(f"{category}.") for own in self.paper.categories
        )


class TrendingLists:
    """The public lists. One thread at a time computes a list; the others are given the previous one."""

    def __init__(self, store: Database) -> None:
        self._store = store
        self._lists: TimedCache[tuple[RankedPaper, ...]] = TimedCache()
        self._months: TimedCache[dict[date, int]] = TimedCache()
        self._baselines: TimedCache[Baselines] = TimedCache()
        self._categories: TimedCache[dict[CategoryKind, tuple[str, ...]]] = TimedCache()

    def trending(self, window: Window, now: datetime, *, category: str = "") -> tuple[RankedPaper, ...]:
        """Return the hottest papers of a period, hottest first."""
        ranked = self._lists.get(
            window.name,
            now,
            window.max_age,
            lambda: self._rank_best(now - window.days * ONE_DAY, now, self.baselines(now)),
        )
        if not category:
            return ranked[:LIST_LENGTH]
        return tuple(item for item in ranked if item.is_in(category))

    def for_day(self, day: date, now: datetime) -> tuple[RankedPaper, ...]:
        """Return what trended on a day (UTC): what the front page showed at its end, or shows now."""
        start = datetime.combine(day, time(), UTC)
        end = min(start + ONE_DAY, now)
        max_age, since = TODAY.max_age if end == now else timedelta(hours=6), end - TODAY.days * ONE_DAY
        return self._lists.get(
            f"{day}", now, max_age, lambda: self._rank_best(since, end, load_baselines(self._store, end))
        )

    def baselines(self, now: datetime) -> Baselines:
        """Return the usual growth per source, at most `MAX_BASELINES_AGE` old."""
        return self._baselines.get("", now, MAX_BASELINES_AGE, lambda: load_baselines(self._store, now))

    def list_other_categories(self, now: datetime) -> dict[CategoryKind, tuple[str, ...]]:
        """Return the categories outside arXiv of the papers of the last month, by what they stand for."""
        return self._categories.get("", now, MAX_BASELINES_AGE, lambda: self._list_categories(now))

    def _list_categories(self, now: datetime) -> dict[CategoryKind, tuple[str, ...]]:
        with self._store.begin(write=False) as tx:
            return group_by_kind(tx.papers.list_categories(now - MONTH.days * ONE_DAY))

    def count_by_day(self, month: date, now: datetime) -> dict[date, int]:
        """Return how many papers were listed on each day of a month, without the days that had none."""
        return self._months.get(f"{month:%Y-%m}", now, MONTH.max_age, lambda: self._count_by_day(month, now))

    def _rank_best(self, since: datetime, now: datetime, baselines: Baselines) -> tuple[RankedPaper, ...]:
        ranked = rank_papers(self._store, since, now, baselines)
        return (*ranked[:LIST_LENGTH], *_list_best_of_fields(ranked[LIST_LENGTH:]))

    def _count_by_day(self, month: date, now: datetime) -> dict[date, int]:
        start = datetime.combine(month.replace(day=1), time(), UTC)
        end = min(next_month(start), now)
        with self._store.begin(write=False) as tx:
            papers = tx.papers.list_candidates(start, end)
        listed = (paper.listed or (paper.first_seen and paper.first_seen.date()) for paper in papers)
        return dict(Counter(day for day in listed if day and start.date() <= day <= end.date()))


def rank_papers(store: Database, since: datetime, now: datetime, baselines: Baselines) -> list[RankedPaper]:
    """Return the papers that were first seen since a moment, as of *now*, hottest first."""
    with store.begin(write=False) as tx:
        papers = tx.papers.list_candidates(since, now)
        signals = tx.signals.get_until([paper.id for paper in papers], until=now)
    heat = compute_heat(papers, signals, now, baselines=baselines)
    ordered = sort_by_heat(papers, heat)
    return [RankedPaper(paper, heat[paper.id], signals.get(paper.id, ())) for paper in ordered]


def _list_best_of_fields(rest: Sequence[RankedPaper]) -> list[RankedPaper]:
    """Return the first of each category, so that a field without votes has a list of its own."""
    counts: Counter[str] = Counter()
    best = []
    for ranked in rest:
        counts[ranked.paper.category] += 1
        if counts[ranked.paper.category] <= FIELD_LIST_LENGTH:
            best.append(ranked)
    return best


def next_month(start: datetime) -> datetime:
    """Return the first day of the next month."""
    return (start.replace(day=28) + 4 * ONE_DAY).replace(day=1)


T = TypeVar("T")


class TimedCache(Generic[T]):
    """A cache in memory whose values expire by age; beyond `MAX_CACHED` the oldest are dropped.

    While one thread computes a value, the others are given the expired one; only without any do they wait.
    """

    def __init__(self) -> None:
        self._values: OrderedDict[str, tuple[T, datetime]] = OrderedDict()
        self._locks: dict[str, Lock] = {}

    def get(self, key: str, now: datetime, max_age: timedelta, compute: Callable[[], T]) -> T:
        """Return the value under *key*, computed anew if it is older than *max_age*."""
        cached = self._values.get(key)
        if cached is not None and timedelta(0) <= now - cached[1] < max_age:  # a clock may be set back
            return cached[0]
        lock = self._locks.setdefault(key, Lock())
        if not lock.acquire(blocking=cached is None) and cached is not None:
            return cached[0]
        try:
            latest = self._values.get(key)
            if latest is not None and latest is not cached:
                return latest[0]  # another thread computed it while this one waited
            value = compute()
            self._values[key] = (value, now)
            self._values.move_to_end(key)
            while len(self._values) > MAX_CACHED:
                oldest, _ = self._values.popitem(last=False)
                self._locks.pop(oldest, None)
            return value
        finally:
            lock.release()
