"""`digest serve`: the pages and the scheduler in one process."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime
from socket import socket

import click
from anyio import to_thread
from fastapi import FastAPI

from digest.app.services import Services
from digest.app.settings import load
from digest.cli.common import open_services
from digest.cli.output import tell
from digest.cli.run import log_day
from digest.models.errors import StoreBusy
from digest.pipeline import run
from digest.pipeline.clock_repair import repair_timestamps
from digest.web.app import Lifespan, build, nothing_beside
from digest.web.server import address_of, listening, server
from digest.worker.scheduler import scheduler

log = logging.getLogger(__name__)


@click.command("serve", epilog="Example: digest serve --host 0.0.0.0 --port 8000")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--no-scheduler", is_flag=True, help="Pages only: another process ticks.")
def command(*, host: str, port: int, no_scheduler: bool) -> None:
    """Web pages and scheduler in one process: one tick a minute, all state in the database.

    While DIGEST_BASE_URL is not set, links in pages and mails lead to the address that is served.
    """
    with (
        closing(listening(host, port)) as bound,
        open_services(log_level=logging.INFO, **_base(bound)) as services,
    ):
        app = build(services, lifespan=nothing_beside if no_scheduler else _ticking(services))
        _say_if_paused(services)
        tell(f"Serving {services.site.brand} at {address_of(bound)} (stop with Ctrl+C).")
        with suppress(KeyboardInterrupt):
            server(app).run(sockets=[bound])


def _say_if_paused(services: Services) -> None:
    with services.store.begin(write=False) as tx:
        if tx.meta.paused:
            tell(f"Nothing is planned or sent: {tx.meta.paused}")


def _base(bound: socket) -> dict[str, str]:
    return {} if "base_url" in load().model_fields_set else {"base_url": address_of(bound)}


def _ticking(services: Services) -> Lifespan:
    @asynccontextmanager
    async def beside(_: FastAPI) -> AsyncIterator[None]:
        jobs = scheduler(lambda now: _tick(services, now))
        jobs.start()
        try:
            yield
        finally:
            jobs.shutdown(wait=False)

    return beside


async def _tick(services: Services, now: datetime) -> None:
    """One tick and its canonical line; another sender at work is no failure, only not our turn."""
    try:
        await to_thread.run_sync(repair_timestamps, services.store, now)
        day = await run.run(services, lambda: datetime.now(UTC))
    except StoreBusy as busy:
        log.info("tick left to another process", extra={"reason": str(busy)})
        return
    if day.fetched or day.plans.due or day.tally.sent or day.tally.failed:
        log_day(day, datetime.now(UTC) - now)
