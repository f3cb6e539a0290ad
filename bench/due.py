"""Cost of one tick with a million readers: who is due, and when they are due next.

    python -m bench.due [READERS]

The database holds a million readers over 24 zones; those of one minute are due. The tick lists them, finds
their slots and their next ones. The reference is a job per reader in APScheduler's own SQL store, measured at
a thousand jobs, because a million would take hours.
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

from bench.results import BenchResult, build_limit_result
from bench.synthetic import generate_readers
from digest.db import Database
from digest.models import Schedule
from digest.models.schedule import find_due_slot, find_next_slot

ZONES = (
    "Pacific/Auckland", "Australia/Sydney", "Asia/Tokyo", "Asia/Shanghai", "Asia/Bangkok", "Asia/Dhaka",
    "Asia/Kolkata", "Asia/Karachi", "Asia/Dubai", "Europe/Moscow", "Africa/Cairo", "Europe/Berlin",
    "Europe/London", "Atlantic/Azores", "Atlantic/South_Georgia", "America/Sao_Paulo", "America/New_York",
    "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Anchorage", "Pacific/Honolulu",
    "Pacific/Pago_Pago", "Pacific/Guam",
)  # fmt: skip
READER_COUNT, CHUNK_SIZE, JOB_COUNT = 1_000_000, 10_000, 1_000
MORNING = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)  # seven o'clock in Berlin


def add_readers(store: Database, count: int) -> None:
    """Add readers, each due at seven o'clock in one of the zones."""
    before = MORNING - timedelta(seconds=30)
    for first in range(0, count, CHUNK_SIZE):
        subscribers = []
        for number, reader in enumerate(generate_readers(first, min(CHUNK_SIZE, count - first)), first):
            schedule = Schedule(timezone=ZONES[number % len(ZONES)])
            subscribers.append(replace(reader, schedule=schedule, next_due=find_next_slot(schedule, before)))
        with store.begin() as tx:
            tx.subscribers.add_many(subscribers)


def measure_idle_tick(store: Database, now: datetime) -> float:
    """Return the CPU seconds of a tick that finds nobody."""
    started = time.process_time()
    with store.begin(write=False) as tx:
        if tx.subscribers.list_due_shards(now - timedelta(days=2), 1000):
            raise SystemExit("A reader was due, though nobody should be.")
    return time.process_time() - started


def measure_sharding(store: Database, now: datetime) -> tuple[float, int]:
    """Return the CPU seconds to cut the due readers of a zone into shards, and the number of shards."""
    started = time.process_time()
    with store.begin(write=False) as tx:
        shards = tx.subscribers.list_due_shards(now, 1000)
    return time.process_time() - started, len(shards)


def measure_due_readers(store: Database, now: datetime) -> float:
    """Return the CPU microseconds to read a due reader, find both slots and update the row."""
    started, count = time.process_time(), 0
    while True:
        with store.begin(write=False) as tx:
            due = tx.subscribers.list_due(now, CHUNK_SIZE)
        if not due:
            return (time.process_time() - started) / count * 1e6
        for reader in due:
            find_due_slot(reader.schedule, now)
        with store.begin() as tx:
            tx.subscribers.advance_next_due({r.id: find_next_slot(r.schedule, now) for r in due}, now=now)
        count += len(due)


def measure_slot_arithmetic(store: Database, now: datetime, count: int) -> float:
    """Return the CPU microseconds a reader of the arithmetic alone: the current slot and the next."""
    with store.begin(write=False) as tx:
        due = tx.subscribers.list_due(now + timedelta(days=1), count)
    started = time.process_time()
    for reader in due:
        find_due_slot(reader.schedule, now)
        find_next_slot(reader.schedule, now)
    return (time.process_time() - started) / len(due) * 1e6


FINISHED_JOBS: list[int] = []


def run_job(number: int) -> None:
    """Do what each of APScheduler's jobs does."""
    FINISHED_JOBS.append(number)


def measure_apscheduler(folder: Path) -> float:
    """Return the CPU microseconds in which APScheduler finds a due job and writes its next time."""
    stores = {"default": SQLAlchemyJobStore(url=f"sqlite:///{folder}/jobs.sqlite3")}
    jobs = BackgroundScheduler(jobstores=stores, timezone=UTC)
    jobs.start(paused=True)
    now = datetime.now(UTC)
    for number in range(JOB_COUNT):
        daily = CronTrigger(hour=7, timezone=ZONES[number % len(ZONES)])
        jobs.add_job(run_job, daily, [number], id=str(number), next_run_time=now, misfire_grace_time=None)
    started = time.process_time()
    jobs.resume()
    while len(FINISHED_JOBS) < JOB_COUNT:
        time.sleep(0.05)
    cpu_seconds = time.process_time() - started
    jobs.shutdown(wait=True)
    return cpu_seconds / JOB_COUNT * 1e6


def run_bench(count: int = READER_COUNT) -> Iterator[BenchResult]:
    """Measure the tick, and what each reader costs in it."""
    with (
        tempfile.TemporaryDirectory() as name,
        closing(Database.open(f"sqlite:///{name}/due.sqlite3")) as store,
    ):
        add_readers(store, count)
        yield build_limit_result(f"tick with nobody due, {count:,} readers",
                       median(measure_idle_tick(store, MORNING) for _ in range(9)),
                       unit="s CPU", goal=0.01)  # fmt: skip
        cpu_seconds, shards = sorted(measure_sharding(store, MORNING) for _ in range(5))[2]
        yield build_limit_result(
            f"tick planning {shards} shards of 1,000 readers", cpu_seconds, unit="s CPU", goal=0.1
        )
        yield build_limit_result(
            "slot arithmetic per reader",
            measure_slot_arithmetic(store, MORNING, CHUNK_SIZE),
            unit="us CPU",
            goal=5,
        )
        theirs, ours = measure_apscheduler(Path(name)), measure_due_readers(store, MORNING)
        yield BenchResult(
            name="processing one due reader", ours=ours, unit="us CPU", reference=theirs,
            against="APScheduler job", ratio=ours / theirs, goal=0.06, at_most=True,
        )  # fmt: skip


if __name__ == "__main__":
    for result in run_bench(int(sys.argv[1]) if len(sys.argv) > 1 else READER_COUNT):
        print(result.format_cells())
