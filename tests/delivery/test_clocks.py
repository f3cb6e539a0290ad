"""Does everybody get one digest for each date on their own wall, whatever clocks do?"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta

import pytest

from digest.db import Database
from digest.models import Schedule, Status, Subscriber
from digest.pipeline.plan import Plans, plan
from tests.factories import NOW, paper

HOUR = timedelta(hours=1)


def reader(store: Database, now: datetime, *, zone: str = "UTC", at: time = time(7)) -> Subscriber:
    """Somebody who reads every day at that time, and is due since yesterday."""
    schedule = Schedule(timezone=zone, send_at=at)
    with store.begin() as tx:
        return tx.subscribers.add(
            f"{zone.lower().replace('/', '.')}.{at:%H%M}@example.com",
            schedule=schedule, status=Status.CONFIRMED, now=now - timedelta(days=9), next_due=now,
        )  # fmt: skip


def news(store: Database, now: datetime) -> None:
    """There is always something new, so that no slot passes in silence for want of papers."""
    with store.begin() as tx:
        tx.papers.add([paper(f"News of {now}", first_seen=None)], seen_at=now)


def digests(store: Database, of: Subscriber) -> list[tuple[date | None, datetime]]:
    """The dates a reader has digests for, and the moments they were meant for, the oldest first."""
    with store.begin(write=False) as tx:
        return sorted((each.day, each.slot) for each in tx.deliveries.history(of.id))


def tick(store: Database, since: datetime, until: datetime, *, every: timedelta) -> None:
    now = since
    while now <= until:
        news(store, now)
        plan(store, now)
        now += every


@pytest.mark.parametrize(
    ("zone", "at", "first", "meant_for"),
    [
        ("Europe/Berlin", time(2, 30), date(2026, 10, 24), "00:30 00:30 01:30"),  # doubled: the first one
        ("Europe/Berlin", time(2, 30), date(2026, 3, 28), "01:30 01:00 00:30"),  # missing: when it is over
        ("America/Sao_Paulo", time(0, 0), date(2018, 11, 3), "03:00 03:00 02:00"),  # midnight is missing
        ("America/Sao_Paulo", time(23, 30), date(2018, 2, 16), "01:30 01:30 02:30"),  # and doubled
        ("Australia/Lord_Howe", time(1, 45), date(2026, 4, 4), "14:45 14:45 15:15"),  # by half an hour
        ("Australia/Lord_Howe", time(2, 15), date(2026, 10, 3), "15:45 15:30 15:15"),
        ("UTC", time(7), date(2028, 2, 28), "07:00 07:00 07:00"),  # a leap day
    ],
)
def test_22_one_digest_for_each_date_when_clocks_change(
    store: Database, zone: str, at: time, first: date, meant_for: str
) -> None:
    begun = datetime.combine(first, time(0), UTC) - 13 * HOUR
    one = reader(store, begun, zone=zone, at=at)
    tick(store, begun, begun + timedelta(days=5), every=HOUR)
    got = [(day, slot) for day, slot in digests(store, one) if day and day >= first]
    assert [day for day, _ in got][:3] == [first + timedelta(days=n) for n in range(3)]
    assert " ".join(f"{slot:%H:%M}" for _, slot in got[:3]) == meant_for
    assert max(Counter(day for day, _ in got).values()) == 1


@pytest.mark.parametrize("jump", [-2, 2, -25, 25])
def test_22_a_clock_that_jumps_and_is_put_right_doubles_nothing_and_loses_nothing(
    any_store: Database, jump: int
) -> None:
    one = reader(any_store, NOW, at=time(9, 0))
    tick(any_store, NOW, NOW + HOUR, every=HOUR)
    tick(any_store, NOW + jump * HOUR, NOW + (jump + 1) * HOUR, every=HOUR)
    tick(any_store, NOW + HOUR, NOW + timedelta(days=3), every=HOUR)
    days = [day for day, _ in digests(any_store, one)]
    assert days[-4:] == [NOW.date() + timedelta(days=n) for n in range(4)]
    assert len(days) == len(set(days))


def test_18_two_schedulers_plan_each_slot_once(any_store: Database) -> None:
    news(any_store, NOW)
    readers = [reader(any_store, NOW, at=time(8, minute)) for minute in range(40)]
    with ThreadPoolExecutor(4) as schedulers:
        done: list[Plans] = list(schedulers.map(lambda _: plan(any_store, NOW), range(4)))
    assert sum(plans.planned for plans in done) >= 40
    assert [len(digests(any_store, each)) for each in readers] == [1] * 40
    with any_store.begin(write=False) as tx:
        assert [len(papers) for papers in tx.sent.of([r.id for r in readers]).values()] == [1] * 40


def test_23_three_days_down_bring_one_digest_and_count_the_others_as_passed(any_store: Database) -> None:
    one = reader(any_store, NOW, at=time(9, 0))
    for days in range(4):
        news(any_store, NOW + timedelta(days=days))
    plan(any_store, NOW)
    plan(any_store, NOW + timedelta(days=3))
    assert [day for day, _ in digests(any_store, one)] == [NOW.date(), NOW.date() + timedelta(days=3)]
    assert plan(any_store, NOW + timedelta(days=4, hours=13)).missed == 1
