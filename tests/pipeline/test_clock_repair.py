"""A clock that was ahead for a while leaves nothing behind once it is right again."""

from datetime import datetime, time, timedelta

import pytest

from digest.db import Database
from digest.models import FetchResult, Frequency, Schedule, Status, Subscriber
from digest.pipeline.clock_repair import AHEAD, LAST_TICK, repair_timestamps
from digest.pipeline.plan import plan
from tests.factories import NOW, paper, signal

DAY = timedelta(days=1)
LATER = NOW + 200 * DAY
DAILY = Schedule(send_at=time(9))


def reader(store: Database, schedule: Schedule = DAILY) -> Subscriber:
    with store.begin() as tx:
        return tx.subscribers.add(
            f"{schedule.frequency}@example.com",
            schedule=schedule, status=Status.CONFIRMED, now=NOW - 9 * DAY, next_due=NOW - DAY,
        )  # fmt: skip


def live(store: Database, now: datetime, title: str) -> int:
    """One tick: a new paper, a reading, a plan; how many mails were planned."""
    new = paper(title, first_seen=None)
    with store.begin() as tx:
        tx.papers.add([new], seen_at=now)
        tx.signals.observe([signal(new, 7, hours_ago=-((now - NOW) / timedelta(hours=1)))])
        tx.sources.record(FetchResult(source="biorxiv", scope="biorxiv", read_at=now, papers=(new,)))
        tx.meta.write(LAST_TICK, now.isoformat())
    return plan(store, now).planned


def test_readers_go_on_as_if_the_clock_had_never_been_ahead(any_store: Database) -> None:
    one = reader(any_store)
    assert live(any_store, LATER, "Seen by a clock that was ahead") == 1
    assert repair_timestamps(any_store, NOW) == 1
    with any_store.begin(write=False) as tx:
        found = tx.subscribers.by_id(one.id)
        [paper_] = tx.papers.pool(NOW - DAY, NOW)
        [state] = tx.sources.latest()
        signals = tx.signals.of([paper_.id], until=LATER + DAY)
    assert (found.cursor, paper_.first_seen, state.read_at, state.good_at) == (NOW,) * 4
    assert found.next_due == datetime.combine(NOW.date() + (NOW.hour >= 9) * DAY, time(9), NOW.tzinfo)
    assert not signals
    assert live(any_store, found.next_due, "News") == 1


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(frequency=Frequency.WEEKLY, weekday=(NOW.weekday() - 1) % 7),
        Schedule(paused_until=NOW.date() + 90 * DAY),
    ],
    ids=["weekly", "paused"],
)
def test_who_waits_as_long_as_they_wished_goes_on_waiting(any_store: Database, schedule: Schedule) -> None:
    one = reader(any_store, schedule)
    plan(any_store, NOW)
    with any_store.begin() as tx:
        before = tx.subscribers.by_id(one.id).next_due
        tx.meta.write(LAST_TICK, LATER.isoformat())
    assert repair_timestamps(any_store, NOW) == 0
    with any_store.begin(write=False) as tx:
        assert tx.subscribers.by_id(one.id).next_due == before


def test_nothing_is_touched_while_the_clock_is_as_right_as_clocks_are(store: Database) -> None:
    one = reader(store)
    live(store, NOW + AHEAD, "News")
    with store.begin(write=False) as tx:
        before = tx.subscribers.by_id(one.id)
    assert repair_timestamps(store, NOW) == 0
    with store.begin(write=False) as tx:
        assert tx.subscribers.by_id(one.id) == before


def test_it_is_done_once(store: Database) -> None:
    reader(store)
    live(store, LATER, "Ahead")
    assert (repair_timestamps(store, NOW), repair_timestamps(store, NOW)) == (1, 0)
