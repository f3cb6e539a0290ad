"""Cost of a day of 100,000 readers on simulated time, with many zones, throttles and failures.

    python -m bench.simulated_day [--readers 100000] [--papers 500]

Due readers are planned every quarter of an hour, and the queue is sent every minute. The mail server is in
this process and refuses as servers do: greylisting, full mailboxes, unknown addresses, and one large provider
that limits mails per quarter of an hour and replies so. Everything else is the product's own, with every
guarantee on. Printed are CPU minutes of this machine and the final states of the mails.
"""

import argparse
import asyncio
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from pydantic import SecretStr

from bench.due import ZONES
from bench.results import BenchResult, build_limit_result
from bench.synthetic import generate_papers, generate_readers, generate_votes
from digest.app.services import Services, open_services
from digest.app.settings import Settings
from digest.db import Database
from digest.db.sender_session import SenderSession
from digest.delivery.message import OutgoingMessage, SendResult, SmtpStage
from digest.delivery.routes import Route
from digest.delivery.sender import send_queue
from digest.models import DeliveryState, Schedule
from digest.models.schedule import find_next_slot
from digest.pipeline.plan import plan_editions

BEGIN = datetime(2026, 11, 22, 12, 5, tzinfo=UTC)  # before seven o'clock of the 23rd in every zone
MINUTE, DAY, PLAN_EVERY_MINUTES, DURATION_HOURS, CHUNK_SIZE = (
    timedelta(minutes=1),
    timedelta(days=1),
    15,
    48,
    5_000,
)
PROVIDER = "large.example"
PROVIDER_SHARE, PROVIDER_LIMIT = 0.3, 0.02  # of the readers; of its mails a quarter of an hour
GREYLISTED, FULL_MAILBOX, UNKNOWN_ADDRESS = 0.03, 0.003, 0.005


@dataclass(slots=True)
class SimulatedClock:
    """Clock of the simulated day."""

    now: datetime = BEGIN

    def clock(self) -> datetime:
        """Return the simulated time."""
        return self.now


@dataclass(slots=True)
class Receivers:
    """All receiving mail servers; the address decides which failure it meets."""

    limit: int
    accepted: Counter[str] = field(default_factory=Counter)
    greylisted: set[str] = field(default_factory=set)
    provider_mails: int = 0
    is_open: bool = True
    is_pipelined: bool = False

    async def open(self) -> "Receivers":
        """Return the connection; there is always one."""
        return self

    async def deliver(
        self, message: OutgoingMessage, *, next_message: OutgoingMessage | None = None
    ) -> SendResult:
        """Return what the server replies to this message now."""
        del next_message
        address = message.rcpt_to
        refusal = self._check_provider(address) or self._pick_failure(address)
        if refusal:
            return refusal
        self.accepted[address] += 1
        return SendResult(SmtpStage.DOT, 250, "2.0.0 ok")

    async def close(self) -> None:
        """Nothing to close."""

    def abort(self) -> None:
        """Nothing to close."""

    def _check_provider(self, address: str) -> SendResult | None:
        if not address.endswith(PROVIDER):
            return None
        self.provider_mails += 1
        throttled = SendResult(SmtpStage.RCPT, 450, "4.7.28 rate limit exceeded, try again later")
        return throttled if self.provider_mails > self.limit else None

    def _pick_failure(self, address: str) -> SendResult | None:
        chance = Random(address).random()
        if chance < UNKNOWN_ADDRESS:
            return SendResult(SmtpStage.RCPT, 550, "5.1.1 no such user")
        if chance < UNKNOWN_ADDRESS + FULL_MAILBOX:
            return SendResult(SmtpStage.RCPT, 452, "4.2.2 mailbox full")
        if chance < UNKNOWN_ADDRESS + FULL_MAILBOX + GREYLISTED and address not in self.greylisted:
            self.greylisted.add(address)
            return SendResult(SmtpStage.RCPT, 451, "4.7.1 greylisted, try again later")
        return None


@dataclass(frozen=True, slots=True)
class DayResult:
    """Result of the simulated day."""

    readers: int
    cpu: float
    peak_memory: float  # MiB
    final_states: dict[DeliveryState, int]
    duplicates: int
    last_sent_at: datetime  # when the last mail went out


def open_bench_services(file: Path) -> Services:
    """Open the services on a database file."""
    return open_services(
        Settings(
            _env_file=None,
            database_url=f"sqlite:///{file}", secret_key=SecretStr("a key for measuring"), vectors="none",
            base_url="https://papers.example.org",
        )
    )  # fmt: skip


def add_readers(store: Database, count: int, paper_count: int) -> None:
    """Add readers in every zone, three in ten at one large provider, and the papers of the day."""
    with store.begin() as tx:
        tx.papers.add(list(generate_papers(paper_count)), seen_at=BEGIN - timedelta(hours=6))
        tx.signals.add(list(generate_votes(paper_count)))
    for first in range(0, count, CHUNK_SIZE):
        subscribers = []
        for number, reader in enumerate(generate_readers(first, min(CHUNK_SIZE, count - first)), first):
            schedule = Schedule(timezone=ZONES[number % len(ZONES)])
            domain = PROVIDER if number % 10 < PROVIDER_SHARE * 10 else f"domain{number % 997}.example"
            subscriber = replace(reader, schedule=schedule, address=f"reader{number}@{domain}", cursor=None)
            subscribers.append(replace(subscriber, next_due=find_next_slot(schedule, BEGIN)))
        with store.begin() as tx:
            tx.subscribers.add_many(subscribers)


def run_day(services: Services, receivers: Receivers, clock: SimulatedClock) -> Iterator[datetime]:
    """Run one minute after the other; yield each moment at which something was sent."""
    route = Route(name="world", transport=receivers, connections=16)
    for minutes in range(DURATION_HOURS * 60):
        clock.now, before = BEGIN + minutes * MINUTE, receivers.accepted.total()
        if minutes % PLAN_EVERY_MINUTES == 0:
            receivers.provider_mails = 0
            if clock.now <= BEGIN + DAY:
                plan_editions(services.store, clock.now)
        with services.store.begin(write=False) as tx:
            if not any(tx.deliveries.count_open().values()):
                continue
        with SenderSession(
            services.store, suppression_key=services.suppression_key, wall_clock=clock.clock
        ) as session:
            asyncio.run(
                send_queue(
                    session, services.message_builder.build, [route], clock=clock.clock, max_throttle_wait=0
                )
            )
        if receivers.accepted.total() > before:
            yield clock.now


def simulate(folder: Path, count: int, paper_count: int = 500) -> DayResult:
    """Simulate a whole day, and the retries of the next."""
    with closing(open_bench_services(folder / "day.sqlite3")) as services:
        add_readers(services.store, count, paper_count)
        receivers, clock = (
            Receivers(max(10, round(count * PROVIDER_SHARE * PROVIDER_LIMIT))),
            SimulatedClock(),
        )
        started = time.process_time()
        sent_at = list(run_day(services, receivers, clock))
        cpu_seconds = time.process_time() - started
        with services.store.begin(write=False) as tx:
            final_states = {**tx.deliveries.count_finished(BEGIN), **tx.deliveries.count_open()}
    peak_memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    duplicates = receivers.accepted.total() - len(receivers.accepted)
    return DayResult(count, cpu_seconds, peak_memory, final_states, duplicates, sent_at[-1])


def run_bench(count: int = 100_000) -> Iterator[BenchResult]:
    """Measure the CPU minutes of the day."""
    with tempfile.TemporaryDirectory() as name:
        result = simulate(Path(name), count)
    yield build_limit_result(
        f"day of {count:,} readers, 24 zones", result.cpu / 60, unit="CPU minutes", goal=5
    )


def main() -> None:
    """Simulate the day and print its result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--readers", type=int, default=100_000)
    parser.add_argument("--papers", type=int, default=500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        result = simulate(Path(name), options.readers, options.papers)
    print(
        f"{result.readers:,} readers: {result.cpu / 60:.1f} CPU minutes, {result.peak_memory:.0f} MiB at most"
    )
    print(", ".join(f"{state}: {number:,}" for state, number in result.final_states.items() if number))
    elapsed = result.last_sent_at - BEGIN
    print(f"in two copies: {result.duplicates}; the last mail was sent {elapsed} after the day began")


if __name__ == "__main__":
    main()
