"""Many machines as real processes: workers and web servers that can be killed, frozen, and cut off."""

import asyncio
import contextlib
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import sqlalchemy as sa

from digest.db import Database
from digest.db.tables import DELIVERY
from digest.models import DeliveryKind, DeliveryState, Schedule, Status
from digest.tools.demo.http_server import Upstream
from tests.factories import paper
from tests.smtp_server import SmtpServer
from tests.torture.cables import Cable, Network

LEASE = 3  # seconds
SOURCES = (
    "ARXIV_RSS",
    "ARXIV_LISTING",
    "ARXIV_API",
    "HUGGINGFACE",
    "HACKERNEWS",
    "SEMANTICSCHOLAR",
    "BIORXIV",
)


@dataclass(slots=True, kw_only=True)
class Fleet:
    """The machines, by name, around one database, one upstream and one mail server."""

    store: Database
    sink: SmtpServer
    folder: Path
    environment: Mapping[str, str]
    machines: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    webs: dict[str, str] = field(default_factory=dict)  # name: address

    async def worker(self, name: str, *, database: str = "", behind: Network | None = None) -> None:
        """Switch on one more worker, at the far end of a cable or of a whole network if one is given."""
        other = {"DIGEST_DATABASE_URL": database} if database else {}
        if behind:
            other = {"DIGEST_DATABASE_URL": behind.database, "DIGEST_SMTP_URL": behind.smtp}
        await self._start(name, "worker", other=other, within=behind.entrance if behind else ())

    async def web(self, name: str) -> None:
        """Switch on one more web server; its address is known when it answers."""
        await self._start(name, "serve", "--no-scheduler", "--port", "0")
        self.webs[name] = await self._address(name)

    def is_on(self, name: str) -> bool:
        """Whether it runs; who finds the database cut off while starting leaves it to the supervisor."""
        return self.machines[name].returncode is None

    def signal(self, name: str, what: signal.Signals) -> None:
        """Kill, freeze or wake a machine."""
        self.machines[name].send_signal(what)

    async def sign_up(self, web: str, address: str) -> None:
        """Somebody subscribes on this web server."""
        async with httpx.AsyncClient(base_url=self.webs[web], trust_env=False, timeout=20) as client:
            answer = await client.post("/subscribe", json={"email": address})
        assert answer.status_code == 202, answer.text

    async def until(self, condition: Callable[[], bool], *, seconds: float) -> None:
        """Wait until something is true of the world."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not condition():
            assert asyncio.get_running_loop().time() < deadline, f"digests: {self.states()}"
            await asyncio.sleep(0.1)

    async def stop(self, name: str) -> int:
        """End a worker as a supervisor does, and see how it left; it is given time to get up before."""
        await self.until(lambda: "Working" in self.log(name) or not self.is_on(name), seconds=60)
        if self.is_on(name):
            self.signal(name, signal.SIGTERM)
        return await asyncio.wait_for(self.machines[name].wait(), 40)

    def log(self, name: str) -> str:
        """What a machine said."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    def states(self) -> Counter[str]:
        """How many of the digests stand where."""
        counted = sa.select(DELIVERY.c.state, sa.func.count()).where(DELIVERY.c.kind == DeliveryKind.DIGEST)
        with self.store.begin(write=False) as tx:
            found = tx.connection.execute(counted.group_by(DELIVERY.c.state)).all()
        return Counter({str(row.state): int(row[1]) for row in found})

    def planned(self) -> Counter[str]:
        """How many digests were planned for each reader, whatever became of them."""
        return self._addressed(sa.true())

    def undecided(self) -> Counter[str]:
        """Whose digest met two crashes in the moment of sending, and was left to the operator."""
        return self._addressed(DELIVERY.c.state == DeliveryState.UNCERTAIN)

    def _addressed(self, which: sa.ColumnElement[bool]) -> Counter[str]:
        query = sa.select(DELIVERY.c.address).where(DELIVERY.c.kind == DeliveryKind.DIGEST, which)
        with self.store.begin(write=False) as tx:
            return Counter(tx.connection.scalars(query))

    def is_done(self, mails: int) -> bool:
        """Whether every digest has come to its end."""
        states = self.states()
        return states[DeliveryState.ACCEPTED] + states[DeliveryState.UNCERTAIN] >= mails

    def kill_all(self) -> None:
        """Leave nothing running."""
        for machine in self.machines.values():
            with contextlib.suppress(ProcessLookupError):
                machine.kill()

    async def _start(
        self, name: str, *arguments: str, other: Mapping[str, str] | None = None, within: Sequence[str] = ()
    ) -> None:
        environment = {**self.environment, **(other or {})}
        command = [*within, sys.executable, "-m", "digest", *arguments]
        with (self.folder / f"{name}.log").open("wb") as log:
            self.machines[name] = await asyncio.create_subprocess_exec(
                *command, env=environment, stdout=log, stderr=log, cwd=self.folder
            )

    async def _address(self, name: str) -> str:
        server = self.machines[name]
        await self.until(lambda: " at http://" in self.log(name) or server.returncode is not None, seconds=60)
        assert server.returncode is None, self.log(name)
        return self.log(name).partition(" at ")[2].split()[0]


@asynccontextmanager
async def fleet(store: Database, sink: SmtpServer, folder: Path) -> AsyncIterator[Fleet]:
    """A fleet without machines, and nothing left running after it."""
    with Upstream(datetime.now(UTC)) as upstream:
        made = Fleet(store=store, sink=sink, folder=folder, environment=_environment(store, sink, upstream))
        try:
            yield made
        finally:
            made.kill_all()
            await asyncio.gather(*(machine.wait() for machine in made.machines.values()))


def _environment(store: Database, sink: SmtpServer, upstream: Upstream) -> dict[str, str]:
    sources = {f"DIGEST_{name}_URL": upstream.url for name in SOURCES}
    return {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "DIGEST_DATABASE_URL": store.engine.url.render_as_string(hide_password=False),
        "DIGEST_SECRET_KEY": "many machines, one key: thirty-two",
        "DIGEST_LEASE": str(LEASE),
        "DIGEST_SMTP_URL": f"{sink.url}?tls=none",
        "DIGEST_FROM": "digest@papers.example",
        "DIGEST_LOG_FORMAT": "json",
        "DIGEST_SPREAD": "0",
        "DIGEST_VECTORS": "none",
        "DIGEST_ARXIV_INTERVAL": "0",
        "DIGEST_ARXIV_OAI_URL": f"{upstream.url}/oai",
        **sources,
    }


def populate(store: Database, *, readers: int, papers: int = 40) -> set[str]:
    """Papers of today, and readers who are all due; their addresses."""
    now = datetime.now(UTC)
    due = now - timedelta(minutes=1)
    with store.begin() as tx:
        tx.papers.add(
            [paper(f"On counting to {number}", first_seen=now) for number in range(papers)], seen_at=now
        )
        people = [
            tx.subscribers.add(
                f"reader{number}@example.com",
                schedule=Schedule(send_at=due.time()),
                status=Status.CONFIRMED,
                now=now - timedelta(days=1),
                next_due=due,
            )
            for number in range(readers)
        ]
    return {person.address for person in people}


def over(cable: Cable, store: Database) -> str:
    """The same database at the far end of a cable."""
    return f"postgresql+psycopg://postgres@127.0.0.1:{cable.port}/{store.engine.url.database}"


def socket_of(url: str) -> str:
    """Where the database listens."""
    return parse_qs(urlsplit(url).query)["host"][0] + "/.s.PGSQL.5432"
