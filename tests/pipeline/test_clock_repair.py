"""Tests of the repair after the clock was ahead."""

from datetime import datetime, time, timedelta

import pytest

from digest.db import Database
from digest.models import FetchResult, Frequency, Schedule, Status, Subscriber
from digest.pipeline.clock_repair import LAST_TICK_KEY, MAX_CLOCK_SKEW, repair_timestamps
from digest.pipeline.plan import plan_editions
from tests.factories import NOW, make_paper, make_signal, store_subscriber

DAY = timedelta(days=1)
LATER = NOW + 200 * DAY
DAILY = Schedule(send_at=time(9))


def add_reader(store: Database, schedule: Schedule = DAILY) -> Subscriber:
    with store.begin() as tx:
        return store_subscriber(
            tx, f"{schedule.frequency}@example.com",
            schedule=schedule, status=Status.CONFIRMED, now=NOW - 9 * DAY, next_due=NOW - DAY,
        )  # fmt: skip


def run_once(store: Database, now: datetime, title: str) -> int:
    """Store a new paper, a signal and a fetch result, and plan; return how many mails were planned."""
    new = make_paper(title, first_seen=None)
    with store.begin() as tx:
        tx.papers.add([new], seen_at=now)
        tx.signals.add([make_signal(new, 7, hours_ago=-((now - NOW) / timedelta(hours=1)))])
        tx.sources.record(FetchResult(source="biorxiv", scope="biorxiv", read_at=now, papers=(new,)))
        tx.meta.write(LAST_TICK_KEY, now.isoformat())
    return plan_editions(store, now).planned


def test_repair_restores_cursors_first_seen_times_and_slots(any_store: Database) -> None:
    before_jump = add_reader(any_store)
    assert run_once(any_store, LATER, "Seen by a clock that was ahead") == 1
    assert repair_timestamps(any_store, NOW) == 1
    with any_store.begin(write=False) as tx:
        after = tx.subscribers.get_by_id(before_jump.id)
        [paper] = tx.papers.list_candidates(NOW - DAY, NOW)
        [state] = tx.sources.list_latest()
        signals = tx.signals.get_until([paper.id], until=LATER + DAY)
    assert (after.cursor, paper.first_seen, state.read_at, state.good_at) == (NOW,) * 4
    assert after.next_due == datetime.combine(NOW.date() + (NOW.hour >= 9) * DAY, time(9), NOW.tzinfo)
    assert not signals
    assert run_once(any_store, after.next_due, "News") == 1


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(frequency=Frequency.WEEKLY, weekday=(NOW.weekday() - 1) % 7),
        Schedule(paused_until=NOW.date() + 90 * DAY),
    ],
    ids=["weekly", "paused"],
)
def test_repair_keeps_a_late_slot_that_the_schedule_asks_for(any_store: Database, schedule: Schedule) -> None:
    before_jump = add_reader(any_store, schedule)
    plan_editions(any_store, NOW)
    with any_store.begin() as tx:
        before = tx.subscribers.get_by_id(before_jump.id).next_due
        tx.meta.write(LAST_TICK_KEY, LATER.isoformat())
    assert repair_timestamps(any_store, NOW) == 0
    with any_store.begin(write=False) as tx:
        assert tx.subscribers.get_by_id(before_jump.id).next_due == before


def test_repair_ignores_a_small_clock_skew(store: Database) -> None:
    before_jump = add_reader(store)
    run_once(store, NOW + MAX_CLOCK_SKEW, "News")
    with store.begin(write=False) as tx:
        before = tx.subscribers.get_by_id(before_jump.id)
    assert repair_timestamps(store, NOW) == 0
    with store.begin(write=False) as tx:
        assert tx.subscribers.get_by_id(before_jump.id) == before


def test_repair_is_done_once(store: Database) -> None:
    add_reader(store)
    run_once(store, LATER, "Ahead")
    assert (repair_timestamps(store, NOW), repair_timestamps(store, NOW)) == (1, 0)
