"""Everything the simulation runs: services, upstreams, mail server, browser, and one clock for all."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from bench.simulation.inboxes import Inboxes
from bench.simulation.month import DAY, Month, noon
from bench.simulation.readers import Reader
from bench.simulation.record import Record
from bench.simulation.services import SimulatedServices, open_simulated_services
from bench.simulation.upstreams import Outage, SimulatedUpstreams
from digest.models import Subscriber
from digest.tools.demo.mail_server import ReceivedMail
from digest.tools.demo.scenario import BASE_URL
from digest.web.app import create_app


@dataclass(frozen=True, slots=True)
class Refusal:
    """A day on which the mail server refuses every recipient, for a fault that is ours."""

    name: str
    reply: str
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Planned events of the month other than papers."""

    outages: tuple[Outage, ...] = ()
    database_url: str = ""  # of an empty PostgreSQL database; else SQLite in a new file
    crash_days: frozenset[date] = frozenset()  # days on which a sender is killed
    refusals: tuple[Refusal, ...] = ()
    restore_day: date | None = None  # a backup is made and restored at noon
    upgrade_day: date = date.max  # at noon, with --upgrade-from
    flood_day: date | None = None  # strangers flood the sign-up page
    flood_size: int = 1_600  # sign-ups; each address twice

    @property
    def refused_days(self) -> frozenset[date]:
        """The days on which the mail server refuses everything."""
        return frozenset(refusal.day for refusal in self.refusals)

    gives_feedback: bool = True
    scores_rankings: bool = True  # whether the ranking of each day is measured


@dataclass
class SimulationContext:
    """The running product, its surroundings, and the record of the month."""

    month: Month
    readers: Sequence[Reader]
    scenario: Scenario
    upstreams: SimulatedUpstreams
    inboxes: Inboxes
    now: datetime
    database_url: str
    services: SimulatedServices = field(init=False)
    app: FastAPI = field(init=False)
    browser: AsyncClient = field(init=False)
    record: Record = field(default_factory=Record)
    public_ids: dict[int, str] = field(default_factory=dict)
    slots: dict[int, datetime] = field(default_factory=dict)  # the last one at which a reader was due
    taken_mails: int = 0  # mails returned by `take_new_mails` so far
    scored_on: date | None = None  # day on which rankings were scored last
    _set_at: float = field(default_factory=time.monotonic)

    def open_services(self) -> None:
        """Open the product on the database: its services and its pages."""
        self.services = open_simulated_services(
            self.database_url, upstream=self.upstreams.url, mailbox=self.inboxes.url, clock=self.running_clock
        )
        self.app = create_app(self.services, clock=self.clock)
        self.browser = AsyncClient(transport=ASGITransport(self.app), base_url=BASE_URL)

    def set_clock(self, now: datetime) -> None:
        """Set the time everywhere."""
        self.now = self.upstreams.now = now
        self._set_at = time.monotonic()
        replies = [refusal.reply for refusal in self.scenario.refusals if refusal.day == now.date()]
        self.inboxes.refusal = replies[0] if replies else ""

    def clock(self) -> datetime:
        """Return the time."""
        return self.now

    def running_clock(self) -> datetime:
        """Return the time, going on from where it was set, as a sender waits for it."""
        return self.now + timedelta(seconds=time.monotonic() - self._set_at)

    def list_due(self) -> list[tuple[Reader, Subscriber]]:
        """Return the readers who are due, each with its subscriber."""
        with self.services.store.begin(write=False) as tx:
            due = {subscriber.address: subscriber for subscriber in tx.subscribers.list_due(self.now, 1000)}
        return [(reader, due[reader.address]) for reader in self.readers if reader.address in due]

    def take_new_mails(self) -> list[ReceivedMail]:
        """Return the mails that arrived since the last call."""
        mails = self.inboxes.received[self.taken_mails :]
        self.taken_mails += len(mails)
        return mails


@asynccontextmanager
async def open_context(
    month: Month, readers: Sequence[Reader], database_url: str, scenario: Scenario
) -> AsyncIterator[SimulationContext]:
    """Open everything, and close it at the end."""
    start = noon(month.first - month.warm_up * DAY)
    async with Inboxes() as inboxes:
        with SimulatedUpstreams(month, start, scenario.outages) as upstreams:
            context = SimulationContext(month, readers, scenario, upstreams, inboxes, start, database_url)
            context.open_services()
            try:
                yield context
            finally:
                context.services.close()
