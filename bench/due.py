"""What does one tick cost when a million people read? Who is due, and when they are due next.

    python -m bench.due [READERS]

The store holds a million readers over 24 zones, of whom one minute's are due; the tick asks for them, finds
their slots and their next ones. The reference is a job per reader in APScheduler's own SQL store, measured at
a thousand of them, for it would take hours otherwise.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from bench.invented import readers
from bench.row import Row, absolute
from digest.db import Database
from digest.models import Schedule
from digest.models.schedule import due_slot, next_slot

ZONES = (
    "Pacific/Auckland", "Australia/Sydney", "Asia/Tokyo", "Asia/Shanghai", "Asia/Bangkok", "Asia/Dhaka",
    "Asia/Kolkata", "Asia/Karachi", "Asia/Dubai", "Europe/Moscow", "Africa/Cairo", "Europe/Berlin",
    "Europe/London", "Atlantic/Azores", "Atlantic/South_Georgia", "America/Sao_Paulo", "America/New_York",
    "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Anchorage", "Pacific/Honolulu",
    "Pacific/Pago_Pago", "Pacific/Guam",
)  # fmt: skip
READERS, CHUNK, JOBS = 1_000_000, 10_000, 1_000
MORNING = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)  # seven o'clock in Berlin


def settle(store: Database, count: int) -> None:
    """So many readers, each due at seven o'clock in one of the zones."""
    before = MORNING - timedelta(seconds=30)
    for first in range(0, count, CHUNK):
        people = []
        for number, reader in enumerate(readers(first, min(CHUNK, count - first)), first):
            schedule = Schedule(timezone=ZONES[number % len(ZONES)])
            people.append(replace(reader, schedule=schedule, next_due=next_slot(schedule, before)))
        with store.begin() as tx:
            tx.subscribers.add_many(people)


def idle(store: Database, now: datetime) -> float:
    """CPU seconds of a tick that finds nobody."""
    began = time.process_time()
    with store.begin(write=False) as tx:
        if tx.subscribers.due_shards(now - timedelta(days=2), 1000):
            raise SystemExit("somebody was due")
    return time.process_time() - began


def cut(store: Database, now: datetime) -> tuple[float, int]:
    """CPU seconds of the tick that cuts a zone's readers into shards, and how many shards."""
    began = time.process_time()
    with store.begin(write=False) as tx:
        shards = tx.subscribers.due_shards(now, 1000)
    return time.process_time() - began, len(shards)


def slots(store: Database, now: datetime) -> float:
    """CPU microseconds a reader: read, this slot, the next one, and the row moved on."""
    began, done = time.process_time(), 0
    while True:
        with store.begin(write=False) as tx:
            due = tx.subscribers.due(now, CHUNK)
        if not due:
            return (time.process_time() - began) / done * 1e6
        for reader in due:
            due_slot(reader.schedule, now)
        with store.begin() as tx:
            tx.subscribers.move_on({r.id: next_slot(r.schedule, now) for r in due}, now=now)
        done += len(due)


def clock_alone(store: Database, now: datetime, count: int) -> float:
    """CPU microseconds a reader of the arithmetic alone: which slot, and which next."""
    with store.begin(write=False) as tx:
        some = tx.subscribers.due(now + timedelta(days=1), count)
    began = time.process_time()
    for reader in some:
        due_slot(reader.schedule, now)
        next_slot(reader.schedule, now)
    return (time.process_time() - began) / len(some) * 1e6


RAN: list[int] = []


def job(number: int) -> None:
    """What each of APScheduler's jobs does."""
    RAN.append(number)


def scheduler_jobs(folder: Path) -> float:
    """CPU microseconds a job: APScheduler finds those that are due, and writes when they are due next."""
    stores = {"default": SQLAlchemyJobStore(url=f"sqlite:///{folder}/jobs.sqlite3")}
    jobs = BackgroundScheduler(jobstores=stores, timezone=UTC)
    jobs.start(paused=True)
    now = datetime.now(UTC)
    for number in range(JOBS):
        daily = CronTrigger(hour=7, timezone=ZONES[number % len(ZONES)])
        jobs.add_job(job, daily, [number], id=str(number), next_run_time=now, misfire_grace_time=None)
    began = time.process_time()
    jobs.resume()
    while len(RAN) < JOBS:
        time.sleep(0.05)
    spent = time.process_time() - began
    jobs.shutdown(wait=True)
    return spent / JOBS * 1e6


def rows(count: int = READERS) -> Iterator[Row]:
    """The tick, and what each reader costs in it."""
    with (
        tempfile.TemporaryDirectory() as name,
        closing(Database.open(f"sqlite:///{name}/due.sqlite3")) as store,
    ):
        settle(store, count)
        yield absolute(f"tick, nobody due of {count:,}", median(idle(store, MORNING) for _ in range(9)),
                       unit="s CPU", goal=1)  # fmt: skip
        spent, shards = sorted(cut(store, MORNING) for _ in range(5))[2]
        yield absolute(f"tick, {shards} shards of 1,000 cut", spent, unit="s CPU", goal=1)
        yield absolute(
            "which slot, and the next, a reader", clock_alone(store, MORNING, CHUNK), unit="us CPU", goal=13
        )
        theirs, ours = scheduler_jobs(Path(name)), slots(store, MORNING)
        yield Row(
            name="due reader read and moved on", ours=ours, unit="us CPU", reference=theirs,
            against="APScheduler job", ratio=ours / theirs, goal=0.1, at_most=True,
        )  # fmt: skip


if __name__ == "__main__":
    for row in rows(int(sys.argv[1]) if len(sys.argv) > 1 else READERS):
        print(row.cells())
