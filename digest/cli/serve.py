"""`digest serve`: web pages and scheduler in one process."""

import asyncio
import logging
from contextlib import closing, suppress
from datetime import datetime
from functools import partial

import click
from anyio import to_thread

from digest.app import run
from digest.app.services import Services, utc_now
from digest.app.settings import load_settings
from digest.cli.common import open_services
from digest.cli.output import echo_err
from digest.cli.run import log_run
from digest.models.errors import StoreBusy
from digest.pipeline.clock_repair import repair_timestamps
from digest.web.app import create_app
from digest.web.server import bind_socket, create_server, get_url
from digest.worker.scheduler import run_scheduler

log = logging.getLogger(__name__)


@click.command("serve", epilog="Example: digest serve --host 0.0.0.0 --port 8000")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--no-scheduler", is_flag=True, help="Serve pages only; another process plans and sends.")
def command(*, host: str, port: int, no_scheduler: bool) -> None:
    """Serve the web pages and run the scheduler once a minute, in one process.

    Confirmations and other notices are sent within two seconds.

    While DIGEST_BASE_URL is not set, links in pages and mails lead to the address that is served.
    """
    has_url = "base_url" in load_settings().model_fields_set
    with (
        closing(bind_socket(host, port)) as listener,
        open_services(
            log_level=logging.INFO, **({} if has_url else {"base_url": get_url(listener)})
        ) as services,
    ):
        tick = partial(_run_once, services)
        app = create_app(
            services,
            lifespan=None if no_scheduler else lambda _: run_scheduler(services, utc_now, tick),
        )
        with services.store.begin(write=False) as tx:
            if tx.meta.pause_reason:
                echo_err(f"Nothing is planned or sent: {tx.meta.pause_reason}")
        echo_err(f"Serving {services.site.brand} at {get_url(listener)} (stop with Ctrl+C).")
        with suppress(KeyboardInterrupt):
            create_server(app).run(sockets=[listener])


async def _run_once(services: Services, now: datetime, sending: asyncio.Lock) -> None:
    """Run once and log the canonical line; do nothing if another process is sending."""
    try:
        await to_thread.run_sync(repair_timestamps, services.store, now)
        result = await run.run(services, utc_now, sending=sending)
    except StoreBusy as error:
        log.info("tick left to another process", extra={"reason": str(error)})
        return
    if result.fetched or result.plan.due or result.send_stats.sent or result.send_stats.failed:
        log_run(result, utc_now() - now)
