"""What trends today, this week, this month, and what trended on a day gone by? Worked out once."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from threading import Lock
from typing import Generic, TypeVar

from digest.db import Database
from digest.models import Heat, Paper, Signal
from digest.pipeline.fitted_models import climate_of
from digest.trending.baselines import Baselines
from digest.trending.heat import heat_of, trending_order

KEPT = 400  # papers of a list; a page shows the first of them, a category's feed filters them
MOST_KEPT = 64  # lists
ONE_DAY = timedelta(days=1)
CLIMATE_FRESH = timedelta(hours=1)  # it is made of weeks


@dataclass(frozen=True, slots=True)
class Window:
    """A period of the front page."""

    name: str
    title: str
    tab: str
    within: str
    days: int
    fresh: timedelta

    @property
    def path(self) -> str:
        """Where it is found."""
        return "/" if self is TODAY else f"/?window={self.name}"


TODAY = Window("today", "Trending today", "Today", "in the last two days", 2, timedelta(minutes=1))
WEEK = Window("week", "Trending this week", "This week", "this week", 7, timedelta(minutes=5))
MONTH = Window("month", "Trending this month", "This month", "this month", 31, timedelta(minutes=15))
WINDOWS = {window.name: window for window in (TODAY, WEEK, MONTH)}


@dataclass(frozen=True, slots=True)
class Ranked:
    """A paper of a list, with its heat and the readings behind it."""

    paper: Paper
    heat: Heat
    readings: tuple[Signal, ...] = ()

    def is_in(self, category: str) -> bool:
        """Whether the paper belongs to a category or archive; every paper belongs to none in particular."""
        own = self.paper.categories
        return not category or any(each == category or each.startswith(f"{category}.") for each in own)


class TrendingLists:
    """The public lists. Each is worked out by one thread at a time; the others read the one before."""

    def __init__(self, store: Database) -> None:
        self._store = store
        self._lists: Cache[tuple[Ranked, ...]] = Cache()
        self._months: Cache[dict[date, int]] = Cache()
        self._climates: Cache[Baselines] = Cache()

    def trending(self, window: Window, now: datetime, *, category: str = "") -> tuple[Ranked, ...]:
        """The hottest papers of a period, hottest first."""
        ranked = self._lists.value(
            window.name,
            now,
            window.fresh,
            lambda: self._ranked(now - window.days * ONE_DAY, now, self.climate(now)),
        )
        return tuple(each for each in ranked if each.is_in(category))

    def on(self, day: date, now: datetime) -> tuple[Ranked, ...]:
        """What trended on a day, as it stood when the day ended."""
        start = datetime.combine(day, time(), UTC)
        end = min(start + ONE_DAY, now)
        fresh = TODAY.fresh if end == now else timedelta(hours=6)
        return self._lists.value(
            f"{day}", now, fresh, lambda: self._ranked(start - ONE_DAY, end, climate_of(self._store, end))
        )

    def climate(self, now: datetime) -> Baselines:
        """What is usual by now, an hour old at most."""
        return self._climates.value("", now, CLIMATE_FRESH, lambda: climate_of(self._store, now))

    def days(self, month: date, now: datetime) -> dict[date, int]:
        """How many papers each day of a month brought; days without any are left out."""
        return self._months.value(f"{month:%Y-%m}", now, MONTH.fresh, lambda: self._counted(month, now))

    def _ranked(self, since: datetime, now: datetime, climate: Baselines) -> tuple[Ranked, ...]:
        with self._store.begin(write=False) as tx:
            papers = tx.papers.pool(since, now)
            signals = tx.signals.of([paper.id for paper in papers], until=now)
        heat = heat_of(papers, signals, now, climate=climate)
        best = trending_order(papers, heat)[:KEPT]
        return tuple(Ranked(paper, heat[paper.id], signals.get(paper.id, ())) for paper in best)

    def _counted(self, month: date, now: datetime) -> dict[date, int]:
        start = datetime.combine(month.replace(day=1), time(), UTC)
        end = min(next_month(start), now)
        with self._store.begin(write=False) as tx:
            papers = tx.papers.pool(start, end)
        return dict(Counter(day for day in _days(papers) if start.date() <= day <= end.date()))


def next_month(start: datetime) -> datetime:
    """The first day of the month after."""
    return (start.replace(day=28) + 4 * ONE_DAY).replace(day=1)


def _days(papers: Iterable[Paper]) -> Iterable[date]:
    for paper in papers:
        if paper.listed:
            yield paper.listed
        elif paper.first_seen:
            yield paper.first_seen.date()


T = TypeVar("T")


class Cache(Generic[T]):
    """Values that stay good for a while; those worked out longest ago are forgotten."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, tuple[T, datetime]] = OrderedDict()
        self._works: dict[str, Lock] = {}

    def value(self, key: str, now: datetime, fresh: timedelta, work: Callable[[], T]) -> T:
        """The value under a key, worked out anew when it is older than `fresh`."""
        held = self._values.get(key)
        if held is not None and now - held[1] < fresh:
            return held[0]
        lock = self._works.setdefault(key, Lock())
        if not lock.acquire(blocking=held is None) and held is not None:
            return held[0]  # another thread is at it: what we have will do
        try:
            again = self._values.get(key)
            if again is not None and again is not held:
                return again[0]
            value = work()
            self._values[key] = (value, now)
            self._values.move_to_end(key)
            self._forget()
            return value
        finally:
            lock.release()

    def _forget(self) -> None:
        while len(self._values) > MOST_KEPT:
            key, _ = self._values.popitem(last=False)
            self._works.pop(key, None)
