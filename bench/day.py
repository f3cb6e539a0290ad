"""What does a day of a hundred thousand readers cost? Many zones, throttles, failures; time is simulated.

    python -m bench.day [--readers 100000] [--papers 500]

Who is due is planned every quarter of an hour, and what may go is sent every minute. The mail server is in
this process and refuses as servers do: greylisting, full mailboxes, unknown addresses, one large provider
that takes only so many mails a quarter of an hour and says so. Everything else is the product's own, with
every guarantee on. Reported are minutes of this machine, and what became of the mails.
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
from bench.invented import papers, readers, votes
from bench.row import Row, absolute
from digest.app.services import Services, open_services
from digest.app.settings import Settings
from digest.db import Database
from digest.db.sender_session import SenderSession
from digest.delivery.message import OutgoingMessage, SendResult, SmtpStage
from digest.delivery.routes import Route
from digest.delivery.sender import pump
from digest.models import DeliveryState, Schedule
from digest.models.schedule import next_slot
from digest.pipeline.plan import plan

BEGIN = datetime(2026, 11, 22, 12, 5, tzinfo=UTC)  # before seven o'clock of the 23rd anywhere
A_MINUTE, A_DAY, QUARTER, HOURS, CHUNK = timedelta(minutes=1), timedelta(days=1), 15, 48, 5_000
PROVIDER, ITS_SHARE, ITS_LIMIT = (
    "large.example",
    0.3,
    0.02,
)  # of the readers; of its mails a quarter of an hour
GREYLISTED, FULL, UNKNOWN = 0.03, 0.003, 0.005


@dataclass(slots=True)
class Moment:
    """The hour of the simulated day."""

    now: datetime = BEGIN

    def clock(self) -> datetime:
        """What time it is."""
        return self.now


@dataclass(slots=True)
class Receivers:
    """All mail servers of the world; which address is unlucky is decided by its name."""

    limit: int
    taken: Counter[str] = field(default_factory=Counter)
    met: set[str] = field(default_factory=set)
    this_tick: int = 0
    is_open: bool = True
    looks_ahead: bool = False

    async def open(self) -> "Receivers":
        """Always there."""
        return self

    async def deliver(self, letter: OutgoingMessage, *, ahead: OutgoingMessage | None = None) -> SendResult:  # noqa: ARG002
        """What a server says to this letter now."""
        address = letter.rcpt_to
        refusal = self._provider(address) or self._luck(address)
        if refusal:
            return refusal
        self.taken[address] += 1
        return SendResult(SmtpStage.DOT, 250, "2.0.0 ok")

    async def close(self) -> None:
        """Nothing to hang up."""

    def abort(self) -> None:
        """Nothing to hang up."""

    def _provider(self, address: str) -> SendResult | None:
        if not address.endswith(PROVIDER):
            return None
        self.this_tick += 1
        slower = SendResult(SmtpStage.RCPT, 450, "4.7.28 rate limit exceeded, try again later")
        return slower if self.this_tick > self.limit else None

    def _luck(self, address: str) -> SendResult | None:
        luck = Random(address).random()
        if luck < UNKNOWN:
            return SendResult(SmtpStage.RCPT, 550, "5.1.1 no such user")
        if luck < UNKNOWN + FULL:
            return SendResult(SmtpStage.RCPT, 452, "4.2.2 mailbox full")
        if luck < UNKNOWN + FULL + GREYLISTED and address not in self.met:
            self.met.add(address)
            return SendResult(SmtpStage.RCPT, 451, "4.7.1 greylisted, try again later")
        return None


@dataclass(frozen=True, slots=True)
class Lived:
    """What came of it."""

    readers: int
    cpu: float
    peak: float  # MiB
    ended: dict[DeliveryState, int]
    doubled: int
    last: datetime  # when the last mail went out


def house_of(file: Path) -> Services:
    """A house with simulated post."""
    return open_services(
        Settings(
            _env_file=None,
            database_url=f"sqlite:///{file}", secret_key=SecretStr("a key for measuring"), vectors="none",
            base_url="https://papers.example.org",
        )
    )  # fmt: skip


def settle(store: Database, count: int, works: int) -> None:
    """Readers in every zone, three in ten at one large provider, and the papers of the day."""
    with store.begin() as tx:
        tx.papers.add(list(papers(works)), seen_at=BEGIN - timedelta(hours=6))
        tx.signals.observe(list(votes(works)))
    for first in range(0, count, CHUNK):
        people = []
        for number, reader in enumerate(readers(first, min(CHUNK, count - first)), first):
            schedule = Schedule(timezone=ZONES[number % len(ZONES)])
            where = PROVIDER if number % 10 < ITS_SHARE * 10 else f"house{number % 997}.example"
            person = replace(reader, schedule=schedule, address=f"reader{number}@{where}", cursor=None)
            people.append(replace(person, next_due=next_slot(schedule, BEGIN)))
        with store.begin() as tx:
            tx.subscribers.add_many(people)


def live(services: Services, receivers: Receivers, hour: Moment) -> Iterator[datetime]:
    """One minute after the other; each gives the moment at which something was sent."""
    route = Route(name="world", transport=receivers, connections=16)
    for minutes in range(HOURS * 60):
        hour.now, before = BEGIN + minutes * A_MINUTE, receivers.taken.total()
        if minutes % QUARTER == 0:
            receivers.this_tick = 0
            if hour.now <= BEGIN + A_DAY:
                plan(services.store, hour.now)
        with services.store.begin(write=False) as tx:
            if not any(tx.deliveries.waiting().values()):
                continue
        with SenderSession(
            services.store, suppression_key=services.suppression_key, wall=hour.clock
        ) as ledger:
            asyncio.run(pump(ledger, services.letters.write, [route], clock=hour.clock, longest_wait=0))
        if receivers.taken.total() > before:
            yield hour.now


def simulate(folder: Path, count: int, works: int = 500) -> Lived:
    """A whole day, and the retries of the next."""
    with closing(house_of(folder / "day.sqlite3")) as services:
        settle(services.store, count, works)
        receivers, hour = Receivers(max(10, round(count * ITS_SHARE * ITS_LIMIT))), Moment()
        began = time.process_time()
        sent_at = list(live(services, receivers, hour))
        spent = time.process_time() - began
        with services.store.begin(write=False) as tx:
            ended = {**tx.deliveries.ended(BEGIN), **tx.deliveries.waiting()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    doubled = receivers.taken.total() - len(receivers.taken)
    return Lived(count, spent, peak, ended, doubled, sent_at[-1])


def rows(count: int = 100_000) -> Iterator[Row]:
    """Minutes of this machine for the day."""
    with tempfile.TemporaryDirectory() as name:
        lived = simulate(Path(name), count)
    yield absolute(f"a day of {count:,} readers, 24 zones", lived.cpu / 60, unit="CPU minutes", goal=5)


def main() -> None:
    """Live it, and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--readers", type=int, default=100_000)
    parser.add_argument("--papers", type=int, default=500)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        lived = simulate(Path(name), given.readers, given.papers)
    print(f"{lived.readers:,} readers: {lived.cpu / 60:.1f} CPU minutes, {lived.peak:.0f} MiB at most")
    print(", ".join(f"{state}: {number:,}" for state, number in lived.ended.items() if number))
    print(f"in two copies: {lived.doubled}; the last mail left {lived.last - BEGIN} after the day began")


if __name__ == "__main__":
    main()
