"""`digest worker`: one of many machines on PostgreSQL."""

import asyncio
import logging

import anyio
import click

from digest.app.services import House
from digest.cli.common import open_house
from digest.cli.output import tell
from digest.db.migrate import is_laid
from digest.models.errors import ConfigError, StoreError
from digest.worker.tasks import Chores
from digest.worker.worker import stop_on_signals


@click.command("worker", epilog="Example: DIGEST_DATABASE_URL=postgresql+psycopg://db/digest digest worker")
@click.option("--once", is_flag=True, help="Come round once, do what there is, then leave.")
def command(*, once: bool) -> None:
    """One of many machines on PostgreSQL: the day is cut into jobs, and every worker takes what is next.

    Any number may run, and any of them may die: its jobs and its mail go to another.
    """
    with open_house(log_level=logging.INFO) as house:
        _check(house)
        logging.getLogger("procrastinate").setLevel(logging.WARNING)  # our own lines say what was done
        anyio.run(_work, house, once)


def _check(house: House) -> None:
    if house.store.file is not None:
        raise ConfigError("Workers need PostgreSQL; on SQLite run one `digest serve`.")
    with house.store.begin(write=False) as tx:
        if not is_laid(tx.connection):
            raise StoreError("This database has no place for jobs yet: run `digest db migrate`.")


async def _work(house: House, once: bool) -> None:  # noqa: FBT001  anyio passes arguments by position
    stopping = asyncio.Event()
    stop_on_signals(stopping)
    try:
        from digest.worker.worker import work, work_off  # noqa: PLC0415  of the extra `postgres`
    except ModuleNotFoundError as error:
        raise ConfigError("Workers need procrastinate: pip install 'digest[postgres]'.") from error
    tell("Working (stop with Ctrl+C).")  # from here on it ends in order when it is told to
    await (work_off if once else work)(Chores(house, stopping))
