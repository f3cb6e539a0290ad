"""One digest for each local date, whatever clocks do: daylight saving, wrong clocks, downtime."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta

import pytest

from digest.db import Database
from digest.models import Schedule, Status, Subscriber
from digest.pipeline.plan import PlanResult, plan_editions
from tests.factories import NOW, make_paper, store_subscriber

HOUR = timedelta(hours=1)


def add_subscriber(store: Database, now: datetime, *, zone: str = "UTC", at: time = time(7)) -> Subscriber:
    """Add a subscriber with this daily time, due now."""
    schedule = Schedule(timezone=zone, send_at=at)
    with store.begin() as tx:
        return store_subscriber(
            tx, f"{zone.lower().replace('/', '.')}.{at:%H%M}@example.com",
            schedule=schedule, status=Status.CONFIRMED, now=now - timedelta(days=9), next_due=now,
        )  # fmt: skip


def add_paper(store: Database, now: datetime) -> None:
    """Add a new paper, so that no slot is skipped for want of papers."""
    with store.begin() as tx:
        tx.papers.add([make_paper(f"News of {now}", first_seen=None)], seen_at=now)


def list_digests(store: Database, subscriber: Subscriber) -> list[tuple[date | None, datetime]]:
    """Return dates and slots of a subscriber's digests, the oldest first."""
    with store.begin(write=False) as tx:
        return sorted(
            (delivery.day, delivery.slot) for delivery in tx.deliveries.list_by_subscriber(subscriber.id)
        )


def plan_repeatedly(store: Database, since: datetime, until: datetime, *, interval: timedelta) -> None:
    now = since
    while now <= until:
        add_paper(store, now)
        plan_editions(store, now)
        now += interval


@pytest.mark.parametrize(
    ("zone", "at", "first", "slots"),
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
    store: Database, zone: str, at: time, first: date, slots: str
) -> None:
    started = datetime.combine(first, time(0), UTC) - 13 * HOUR
    subscriber = add_subscriber(store, started, zone=zone, at=at)
    plan_repeatedly(store, started, started + timedelta(days=5), interval=HOUR)
    planned = [(day, slot) for day, slot in list_digests(store, subscriber) if day and day >= first]
    assert [day for day, _ in planned][:3] == [first + timedelta(days=n) for n in range(3)]
    assert " ".join(f"{slot:%H:%M}" for _, slot in planned[:3]) == slots
    assert max(Counter(day for day, _ in planned).values()) == 1


@pytest.mark.parametrize("jump", [-2, 2, -25, 25])
def test_22_clock_jump_that_is_corrected_duplicates_and_loses_nothing(any_store: Database, jump: int) -> None:
    subscriber = add_subscriber(any_store, NOW, at=time(9, 0))
    plan_repeatedly(any_store, NOW, NOW + HOUR, interval=HOUR)
    plan_repeatedly(any_store, NOW + jump * HOUR, NOW + (jump + 1) * HOUR, interval=HOUR)
    plan_repeatedly(any_store, NOW + HOUR, NOW + timedelta(days=3), interval=HOUR)
    days = [day for day, _ in list_digests(any_store, subscriber)]
    assert days[-4:] == [NOW.date() + timedelta(days=n) for n in range(4)]
    assert len(days) == len(set(days))


def test_18_two_schedulers_plan_each_slot_once(any_store: Database) -> None:
    add_paper(any_store, NOW)
    readers = [add_subscriber(any_store, NOW, at=time(8, minute)) for minute in range(40)]
    with ThreadPoolExecutor(4) as executor:
        results: list[PlanResult] = list(executor.map(lambda _: plan_editions(any_store, NOW), range(4)))
    assert sum(plans.planned for plans in results) >= 40
    assert [len(list_digests(any_store, reader)) for reader in readers] == [1] * 40
    with any_store.begin(write=False) as tx:
        assert [
            len(papers)
            for papers in tx.sent_papers.get_by_subscriber([reader.id for reader in readers]).values()
        ] == [1] * 40


def test_23_three_days_down_give_one_digest_and_count_the_others_as_missed(any_store: Database) -> None:
    subscriber = add_subscriber(any_store, NOW, at=time(9, 0))
    for days in range(4):
        add_paper(any_store, NOW + timedelta(days=days))
    plan_editions(any_store, NOW)
    plan_editions(any_store, NOW + timedelta(days=3))
    assert [day for day, _ in list_digests(any_store, subscriber)] == [
        NOW.date(),
        NOW.date() + timedelta(days=3),
    ]
    assert plan_editions(any_store, NOW + timedelta(days=4, hours=13)).missed == 1
