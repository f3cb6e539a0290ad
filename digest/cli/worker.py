"""`digest worker`: plan and send beside other workers, on PostgreSQL."""

import asyncio
import logging

import anyio
import click

from digest.app.services import Services
from digest.cli.common import open_services
from digest.cli.output import echo_err
from digest.db.migrate import has_job_tables
from digest.models.errors import ConfigError, StoreError
from digest.worker.tasks import WorkerTasks


@click.command("worker", epilog="Example: DIGEST_DATABASE_URL=postgresql+psycopg://db/digest digest worker")
@click.option("--once", is_flag=True, help="Do the jobs that are due now, then exit.")
def command(*, once: bool) -> None:
    """Run one of any number of workers that share the jobs of a PostgreSQL database.

    If one dies, others take over its jobs and emails.
    """
    with open_services(log_level=logging.INFO) as services:
        _check_database(services)
        logging.getLogger("procrastinate").setLevel(logging.WARNING)  # our own log lines report the work
        anyio.run(_run_worker, services, once)


def _check_database(services: Services) -> None:
    if services.store.file is not None:
        raise ConfigError("Workers need PostgreSQL; on SQLite run one `digest serve`.")
    with services.store.begin(write=False) as tx:
        if not has_job_tables(tx.connection):
            raise StoreError("This database has no job tables yet: run `digest db migrate`.")


async def _run_worker(services: Services, once: bool) -> None:  # noqa: FBT001  anyio passes arguments by position
    try:
        from digest.worker.worker import (  # noqa: PLC0415  of the extra `postgres`
            run_once,
            run_worker,
            stop_on_signals,
        )
    except ModuleNotFoundError as error:
        raise ConfigError(
            "Workers need procrastinate: pip install 'trending-papers-digest[postgres]'."
        ) from error
    stopping = asyncio.Event()
    stop_on_signals(stopping)
    echo_err("Working (stop with Ctrl+C).")  # from here on SIGTERM ends it after the present job
    await (run_once if once else run_worker)(WorkerTasks(services, stopping))
