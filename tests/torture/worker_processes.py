"""Workers and web servers as real processes that can be killed, frozen and cut off."""

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
from digest.tools.demo.http_server import UpstreamServer
from tests.factories import make_paper, store_subscriber
from tests.smtp_server import SmtpServer
from tests.torture.network import NetworkNamespace, TcpProxy

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
class WorkerProcesses:
    """Processes by name, with one database, one upstream and one mail server."""

    store: Database
    server: SmtpServer
    folder: Path
    environment: Mapping[str, str]
    processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    web_urls: dict[str, str] = field(default_factory=dict)  # by name

    async def start_worker(
        self, name: str, *, database: str = "", namespace: NetworkNamespace | None = None
    ) -> None:
        """Start a worker; with another database URL, or in a network namespace, if one is given."""
        variables = {"DIGEST_DATABASE_URL": database} if database else {}
        prefix: Sequence[str] = ()
        if namespace:
            variables = {"DIGEST_DATABASE_URL": namespace.database, "DIGEST_SMTP_URL": namespace.smtp}
            prefix = namespace.command_prefix
        await self._start(name, "worker", variables=variables, prefix=prefix)

    async def start_web(self, name: str) -> None:
        """Start a web server, and wait until it answers."""
        await self._start(name, "serve", "--no-scheduler", "--port", "0")
        self.web_urls[name] = await self._wait_for_url(name)

    def is_running(self, name: str) -> bool:
        """Return True if it runs; one that cannot reach the database while starting exits at once."""
        return self.processes[name].returncode is None

    def send_signal(self, name: str, number: signal.Signals) -> None:
        """Kill, freeze or wake a process."""
        self.processes[name].send_signal(number)

    async def sign_up(self, web: str, address: str) -> None:
        """Subscribe an address at this web server."""
        async with httpx.AsyncClient(base_url=self.web_urls[web], trust_env=False, timeout=20) as client:
            response = await client.post("/subscribe", json={"email": address})
        assert response.status_code == 202, response.text

    async def wait_until(self, condition: Callable[[], bool], *, seconds: float) -> None:
        """Wait until a condition is true; fail after so many seconds."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not condition():
            assert asyncio.get_running_loop().time() < deadline, f"digests: {self.count_states()}"
            await asyncio.sleep(0.1)

    async def stop(self, name: str) -> int:
        """Stop a worker as a supervisor does, once it has started; return its exit code."""
        await self.wait_until(
            lambda: "Working" in self.read_log(name) or not self.is_running(name), seconds=60
        )
        if self.is_running(name):
            self.send_signal(name, signal.SIGTERM)
        return await asyncio.wait_for(self.processes[name].wait(), 40)

    def read_log(self, name: str) -> str:
        """Return the output of a process."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    def count_states(self) -> Counter[str]:
        """Return the number of digests by state."""
        query = sa.select(DELIVERY.c.state, sa.func.count()).where(DELIVERY.c.kind == DeliveryKind.DIGEST)
        with self.store.begin(write=False) as tx:
            rows = tx.connection.execute(query.group_by(DELIVERY.c.state)).all()
        return Counter({str(row.state): int(row[1]) for row in rows})

    def count_planned(self) -> Counter[str]:
        """Return the number of planned digests by address, in any state."""
        return self._count_addresses(sa.true())

    def count_uncertain(self) -> Counter[str]:
        """Return, by address, the digests left to the operator after two crashes during sending."""
        return self._count_addresses(DELIVERY.c.state == DeliveryState.UNCERTAIN)

    def _count_addresses(self, condition: sa.ColumnElement[bool]) -> Counter[str]:
        query = sa.select(DELIVERY.c.address).where(DELIVERY.c.kind == DeliveryKind.DIGEST, condition)
        with self.store.begin(write=False) as tx:
            return Counter(tx.connection.scalars(query))

    def is_done(self, mails: int) -> bool:
        """Return True if every digest is in a final state."""
        states = self.count_states()
        return states[DeliveryState.ACCEPTED] + states[DeliveryState.UNCERTAIN] >= mails

    def kill_all(self) -> None:
        """Kill every process that runs."""
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.kill()

    async def _start(
        self,
        name: str,
        *arguments: str,
        variables: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        environment = {**self.environment, **(variables or {})}
        command = [*prefix, sys.executable, "-m", "digest", *arguments]
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = await asyncio.create_subprocess_exec(
                *command, env=environment, stdout=log, stderr=log, cwd=self.folder
            )

    async def _wait_for_url(self, name: str) -> str:
        process = self.processes[name]
        await self.wait_until(
            lambda: " at http://" in self.read_log(name) or process.returncode is not None, seconds=60
        )
        assert process.returncode is None, self.read_log(name)
        return self.read_log(name).partition(" at ")[2].split()[0]


@asynccontextmanager
async def open_worker_processes(
    store: Database, server: SmtpServer, folder: Path
) -> AsyncIterator[WorkerProcesses]:
    """Yield an object that starts processes; kill those that still run afterwards."""
    with UpstreamServer(datetime.now(UTC)) as upstream:
        environment = _build_environment(store, server, upstream)
        group = WorkerProcesses(store=store, server=server, folder=folder, environment=environment)
        try:
            yield group
        finally:
            group.kill_all()
            await asyncio.gather(*(process.wait() for process in group.processes.values()))


def _build_environment(store: Database, server: SmtpServer, upstream: UpstreamServer) -> dict[str, str]:
    sources = {f"DIGEST_{name}_URL": upstream.url for name in SOURCES}
    return {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "DIGEST_DATABASE_URL": store.engine.url.render_as_string(hide_password=False),
        "DIGEST_SECRET_KEY": "a secret key of thirty-two characters",
        "DIGEST_LEASE": str(LEASE),
        "DIGEST_SMTP_URL": f"{server.url}?tls=none",
        "DIGEST_FROM": "digest@papers.example",
        "DIGEST_LOG_FORMAT": "json",
        "DIGEST_SPREAD": "0",
        "DIGEST_VECTORS": "none",
        "DIGEST_ARXIV_INTERVAL": "0",
        "DIGEST_ARXIV_OAI_URL": f"{upstream.url}/oai",
        **sources,
    }


def populate(store: Database, *, readers: int, papers: int = 40) -> set[str]:
    """Add papers of today and due subscribers; return the subscribers' addresses."""
    now = datetime.now(UTC)
    due = now - timedelta(minutes=1)
    with store.begin() as tx:
        tx.papers.add(
            [make_paper(f"On counting to {number}", first_seen=now) for number in range(papers)], seen_at=now
        )
        subscribers = [
            store_subscriber(
                tx,
                f"reader{number}@example.com",
                schedule=Schedule(send_at=due.time()),
                status=Status.CONFIRMED,
                now=now - timedelta(days=1),
                next_due=due,
            )
            for number in range(readers)
        ]
    return {subscriber.address for subscriber in subscribers}


def build_proxied_url(proxy: TcpProxy, store: Database) -> str:
    """Return the URL of the same database through a proxy."""
    return f"postgresql+psycopg://postgres@127.0.0.1:{proxy.port}/{store.engine.url.database}"


def get_socket_path(url: str) -> str:
    """Return the path of the database server's Unix socket."""
    return parse_qs(urlsplit(url).query)["host"][0] + "/.s.PGSQL.5432"
