"""`digest worker`: one of many machines on PostgreSQL."""

import asyncio
import logging
import signal
from datetime import UTC, datetime, timedelta

import anyio
import click

from digest import pipeline
from digest.app import House
from digest.cli.house import open_house, tell
from digest.cli.serve import canonical
from digest.deliver.outbox import pump
from digest.errors import ConfigError, StoreBusy

log = logging.getLogger(__name__)

TURN = timedelta(seconds=60)
REST = 5.0  # seconds between two looks at the queue


@click.command("worker", epilog="Example: DIGEST_DATABASE_URL=postgresql+psycopg://db/digest digest worker")
@click.option("--once", is_flag=True, help="Look once, then leave.")
def command(*, once: bool) -> None:
    """One of many machines on PostgreSQL: whoever comes first reads and plans, all of them send.

    Any number may run, and any of them may die: the mail it had claimed goes out by another.
    """
    with open_house(log_level=logging.INFO) as house:
        if house.store.file is not None:
            raise ConfigError("Workers need PostgreSQL; on SQLite run one `digest serve`.")
        tell("Working (stop with Ctrl+C).")
        anyio.run(_work, house, once)


async def _work(house: House, once: bool) -> None:  # noqa: FBT001  anyio passes arguments by position
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    while not stopping.is_set():
        try:
            await _round(house, stopping)
        except StoreBusy as busy:  # others hold what we wanted; our claims went back with the ledger
            log.warning("database busy", extra={"reason": str(busy)})
        if once:
            return
        await _rest(stopping)


async def _round(house: House, stopping: asyncio.Event) -> None:
    """Plan if it is our turn, and send what there is; the lease is opened and closed around it."""
    await _tick(house)
    with house.ledger() as ledger:
        tally = await pump(ledger, house.letters.write, house.routes, clock=_now, stopping=stopping)
    if tally.sent or tally.failed:
        log.info("sent", extra={"sent": tally.sent, "failed": tally.failed, "waiting": tally.deferred})


async def _tick(house: House) -> None:
    """Read and plan, if it is this worker's turn; planning twice would change nothing, only cost."""
    with house.store.begin() as tx:
        is_mine = tx.meta.take_turn("turn/tick", _now(), lasts=TURN)
    if is_mine:
        day = await pipeline.prepare(house, _now)
        if day.fetched or day.plans.due:
            log.info("run", extra=canonical(day))


async def _rest(stopping: asyncio.Event) -> None:
    with anyio.move_on_after(REST):
        await stopping.wait()


def _now() -> datetime:
    return datetime.now(UTC)
