"""What is on stage? The house, the world around it, the mail server, a browser, and one clock for all."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from bench.simulation.services import Hurried, open_hurried
from httpx import ASGITransport, AsyncClient

from bench.simulation.letterbox import Letterbox
from bench.simulation.month import DAY, Month, noon
from bench.simulation.readers import Reader
from bench.simulation.record import Record
from bench.simulation.world import Outage, World
from digest.models import Subscriber
from digest.tools.demo.mail_server import Received
from digest.tools.demo.scenario import BASE_URL
from digest.web.app import build


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What the month has in store beside papers."""

    outages: tuple[Outage, ...] = ()
    deaths: frozenset[date] = frozenset()  # days on which a sender is killed
    gives_feedback: bool = True
    tries: bool = True  # whether the order of the mornings is measured


@dataclass
class Stage:
    """The house, its surroundings, and the book that is kept."""

    month: Month
    readers: Sequence[Reader]
    script: Script
    services: Hurried
    world: World
    letterbox: Letterbox
    visitor: AsyncClient
    now: datetime
    record: Record = field(default_factory=Record)
    pids: dict[int, str] = field(default_factory=dict)
    seen: int = 0  # mails of the letterbox that were looked at
    tried: date | None = None  # when the order of a morning was measured last

    def set_clock(self, now: datetime) -> None:
        """It is this late everywhere."""
        self.now = self.world.now = now

    def clock(self) -> datetime:
        """How late it is."""
        return self.now

    def due(self) -> list[tuple[Reader, Subscriber]]:
        """Whose hour has come, with what the product knows of them."""
        with self.services.store.begin(write=False) as tx:
            due = {subscriber.address: subscriber for subscriber in tx.subscribers.due(self.now, 1000)}
        return [(reader, due[reader.address]) for reader in self.readers if reader.address in due]

    def arrived(self) -> list[Received]:
        """The mails nobody has looked at yet."""
        fresh = self.letterbox.received[self.seen :]
        self.seen += len(fresh)
        return fresh


@asynccontextmanager
async def staged(
    month: Month, readers: Sequence[Reader], folder: Path, script: Script
) -> AsyncIterator[Stage]:
    """Everything opened, and closed at the end."""
    start = noon(month.first - month.warm_up * DAY)
    async with Letterbox() as letterbox:
        with World(month, start, script.outages) as world:
            database = folder / "month.sqlite3"
            with closing(open_hurried(database, upstream=world.url, mailbox=letterbox.url)) as services:
                app = build(services, clock=lambda: stage.now)
                async with AsyncClient(transport=ASGITransport(app), base_url=BASE_URL) as visitor:
                    stage = Stage(month, readers, script, services, world, letterbox, visitor, start)
                    yield stage
