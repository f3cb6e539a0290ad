"""`digest worker`: one of many machines on PostgreSQL."""

import asyncio
import logging

import anyio
import click

from digest.app.services import Services
from digest.cli.common import open_services
from digest.cli.output import tell
from digest.db.migrate import is_laid
from digest.models.errors import ConfigError, StoreError
from digest.worker.tasks import WorkerTasks
from digest.worker.worker import stop_on_signals


@click.command("worker", epilog="Example: DIGEST_DATABASE_URL=postgresql+psycopg://db/digest digest worker")
@click.option("--once", is_flag=True, help="Come round once, do what there is, then leave.")
def command(*, once: bool) -> None:
    """One of many machines on PostgreSQL: the day is cut into jobs, and every worker takes what is next.

    Any number may run, and any of them may die: its jobs and its mail go to another.
    """
    with open_services(log_level=logging.INFO) as services:
        _check(services)
        logging.getLogger("procrastinate").setLevel(logging.WARNING)  # our own lines say what was done
        anyio.run(_work, services, once)


def _check(services: Services) -> None:
    if services.store.file is not None:
        raise ConfigError("Workers need PostgreSQL; on SQLite run one `digest serve`.")
    with services.store.begin(write=False) as tx:
        if not is_laid(tx.connection):
            raise StoreError("This database has no place for jobs yet: run `digest db migrate`.")


async def _work(services: Services, once: bool) -> None:  # noqa: FBT001  anyio passes arguments by position
    stopping = asyncio.Event()
    stop_on_signals(stopping)
    try:
        from digest.worker.worker import work, work_off  # noqa: PLC0415  of the extra `postgres`
    except ModuleNotFoundError as error:
        raise ConfigError("Workers need procrastinate: pip install 'digest[postgres]'.") from error
    tell("Working (stop with Ctrl+C).")  # from here on it ends in order when it is told to
    await (work_off if once else work)(WorkerTasks(services, stopping))
