"""The server of `digest demo --serve`: pages, inbox and scheduler on the demo's clock."""

import asyncio
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from socket import socket

from digest.app.services import Services, open_services
from digest.pipeline import run
from digest.sources.base import ProgressCallback
from digest.tools.demo import report
from digest.tools.demo.http_server import UpstreamServer
from digest.tools.demo.inbox import build_demo_app
from digest.tools.demo.scenario import RUN_TIMES, DemoResult, play_and_stay
from digest.web.app import create_app
from digest.web.server import create_server, get_url
from digest.worker.scheduler import run_scheduler

ADMIN_TOKEN = "demo-admin"  # noqa: S105  of a demo on loopback, printed on its page
TICK_SECONDS = 5  # shorter than in `digest serve`: somebody waits for the first digest
START = RUN_TIMES[-1] + timedelta(hours=1)  # what the clock shows when the pages open


async def serve_demo(
    database: Path,
    folder: Path,
    listener: socket,
    *,
    on_progress: ProgressCallback,
    on_ready: Callable[[DemoResult, Path], None],
) -> None:
    """Play the ten days, call *on_ready* with their result and page, and serve until interrupted."""
    site = report.DemoSite(get_url(listener), ADMIN_TOKEN)
    more = {"base_url": site.base_url, "admin_token": site.admin_token}
    async with play_and_stay(database, on_progress=on_progress, **more) as played:
        on_ready(played.result, report.write_report(played.result, folder, site=site))
        with closing(open_services(played.settings)) as services:
            clock = _start_clock(played.upstream)
            pages = create_app(services, clock=clock)
            server = create_server(build_demo_app(pages, played.mail_server, folder))
            tick = partial(_run_once, services, clock)
            async with run_scheduler(services, clock, tick, interval=TICK_SECONDS):
                with suppress(KeyboardInterrupt, asyncio.CancelledError):
                    await server.serve(sockets=[listener])


def _start_clock(upstream: UpstreamServer) -> Callable[[], datetime]:
    """Return the demo's clock, which goes on from the last day; the sources show what it shows."""
    started = datetime.now(UTC)

    def read_clock() -> datetime:
        upstream.now = START + (datetime.now(UTC) - started)
        return upstream.now

    return read_clock


async def _run_once(
    services: Services, clock: Callable[[], datetime], _: datetime, sending: asyncio.Lock
) -> None:
    await run.run(services, clock, sending=sending)
