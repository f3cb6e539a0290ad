"""`digest demo`: send ten days of invented papers, and check that a second run sends nothing."""

import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from socket import socket

import anyio
import click

from digest.app import run
from digest.app.services import Services, open_services
from digest.cli.output import show_progress, show_table
from digest.models import Section
from digest.models.errors import DeliveryError
from digest.sources.base import ProgressCallback
from digest.tools.demo import report
from digest.tools.demo.dataset import READERS
from digest.tools.demo.http_server import UpstreamServer
from digest.tools.demo.inbox import build_demo_app
from digest.tools.demo.scenario import RUN_TIMES, DemoResult, SentMail, play, play_and_stay
from digest.web.app import create_app
from digest.web.server import bind_socket, create_server, get_url
from digest.worker.scheduler import run_scheduler

DATABASE = "demo.sqlite3"  # no name of a real database: a demo starts by deleting this file
MAX_TITLE_CHARS = 44
ADMIN_TOKEN = "demo-admin"  # noqa: S105  of a demo on loopback, printed on its page
TICK_SECONDS = 5  # shorter than in `digest serve`: somebody waits for the first digest
START = RUN_TIMES[-1] + timedelta(hours=1)  # what the served demo's clock shows when the pages open


@click.command("demo", epilog="Examples: digest demo --serve   digest demo --out /tmp/demo")
@click.option(
    "--out",
    default=Path("digest-demo"),
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the emails, the page and the database.",
)
@click.option("--serve", is_flag=True, help="Then serve pages, sign-up and an inbox on the demo's clock.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="With --serve.")
def command(*, out: Path, serve: bool, port: int) -> None:
    """Run ten simulated days offline, with sample papers, a real database and a real mail server.

    Exit code 1 if running the last day a second time sends anything, or if a subscriber got no digest.
    """
    started = time.monotonic()
    database = out / DATABASE
    if out.exists() and any(out.iterdir()) and not database.exists():
        raise click.UsageError(
            f"{out} contains other files. Choose an empty folder, or that of an earlier demo."
        )
    out.mkdir(parents=True, exist_ok=True)
    if serve:
        _serve(database, out, port)
        return
    with show_progress("the demo") as bar:
        result = anyio.run(lambda: play(database, on_progress=bar))
    index = report.write_report(result, out)
    print_report(result)
    check_demo(result)
    digests = sum(day.mails for day in result.days)
    program = "python -m digest" if Path(sys.argv[0]).name == "__main__.py" else sys.argv[0]
    click.echo(
        f"\n{result.mail_count} emails were sent over SMTP: {digests} digests,"
        f" and {result.mail_count - digests} confirmations and welcomes. Running the last day again sent"
        f" none. It took {time.monotonic() - started:.1f} seconds.\nOpen {index.resolve()}\n"
        f"To sign up and to follow the links in the emails: {program} demo --serve"
    )


def _serve(database: Path, out: Path, port: int) -> None:
    """Play the ten days and serve them until interrupted."""
    with closing(bind_socket("127.0.0.1", port)) as listener, ExitStack() as progress:
        bar = progress.enter_context(show_progress("the demo"))

        def report_ready(result: DemoResult) -> None:
            progress.close()
            check_demo(result)
            click.echo(
                f"Open {get_url(listener)}/demo/ (stop with Ctrl+C).\n"
                f"Sign up at {get_url(listener)}/ and find the confirmation at {get_url(listener)}/inbox;"
                f" administer at {get_url(listener)}/admin with the token {ADMIN_TOKEN}."
            )

        with suppress(KeyboardInterrupt):
            anyio.run(lambda: _serve_pages(database, out, listener, on_progress=bar, on_ready=report_ready))


async def _serve_pages(
    database: Path,
    folder: Path,
    listener: socket,
    *,
    on_progress: ProgressCallback,
    on_ready: Callable[[DemoResult], None],
) -> None:
    """Play the ten days, call *on_ready* with their result, and serve pages, inbox and scheduler."""
    site = report.DemoSite(get_url(listener), ADMIN_TOKEN)
    more = {"base_url": site.base_url, "admin_token": site.admin_token}
    async with play_and_stay(database, on_progress=on_progress, **more) as played:
        report.write_report(played.result, folder, site=site)
        on_ready(played.result)
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


def print_report(result: DemoResult) -> None:
    """Print a row for each day, then what each reader got on the last one and why."""
    rows = [(f"{day.now:%a %d %b}", day.new, day.counts, day.mails) for day in result.days]
    click.secho("Ten simulated days", bold=True)
    show_table(("day", "new papers", "votes read", "digests"), rows)
    for mail in select_last_mails(result):
        reader = mail.reader
        click.secho(f"\n{reader.name} ({reader.taste}): {mail.mail.parse()['Subject']}", bold=True)
        show_table(("section", "paper", "why"), _rows(mail))


def select_last_mails(result: DemoResult) -> list[SentMail]:
    """Return the digests of the last day, one for each reader."""
    last = max((mail.edition.day for mail in result.digests), default=None)
    return [mail for mail in result.digests if mail.edition.day == last]


def check_demo(result: DemoResult) -> None:
    """Check that the repeated day sent nothing and that every reader got a digest.

    Raises:
        DeliveryError: if not.
    """
    if result.resent_count:
        raise DeliveryError(
            f"Running the last day again sent {result.resent_count} emails; it must send none."
        )
    if len(select_last_mails(result)) != len(READERS):
        raise DeliveryError(
            f"Only {len(select_last_mails(result))} of {len(READERS)} readers got their email."
        )


def _rows(mail: SentMail) -> list[tuple[str, str, str]]:
    lines, also_new = report.list_rows(mail), report.SECTIONS[Section.ALSO_NEW]
    picks = [
        (line.section, _shorten_title(line.title), line.why) for line in lines if line.section != also_new
    ]
    more_count = len(lines) - len(picks)
    return [*picks, (also_new, f"{more_count} more", "")] if more_count else picks


def _shorten_title(title: str) -> str:
    """Return the title up to its colon, cut at a word if longer than `MAX_TITLE_CHARS`."""
    short = title.partition(": ")[0]
    return short if len(short) <= MAX_TITLE_CHARS else short[: MAX_TITLE_CHARS - 1].rsplit(" ", 1)[0] + "…"
