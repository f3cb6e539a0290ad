"""The application on real servers: uvicorn and SMTP on loopback, with a real browser."""

import asyncio
import re
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import uvicorn
from playwright.async_api import Browser, async_playwright
from pydantic import SecretStr

from digest.app.services import Services, open_services
from digest.app.settings import load_settings
from digest.delivery.sender import send_queue
from digest.tools.demo.mail_server import MailServer
from digest.web.app import create_app
from digest.web.context import WebContext
from tests.factories import NOW, make_paper, make_signal
from tests.web.visit import ADMIN, TITLES, Clock

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
LINK = re.compile(r"https?://\S+/([acpu]/[\w.~-]+)")


@dataclass(frozen=True)
class RunningSite:
    """A running application: its URL, its mailbox and its clock."""

    services: Services
    mailbox: MailServer
    ctx: WebContext
    clock: Clock
    url: str

    async def send_mail(self) -> None:
        """Send the queued mail."""
        with self.services.open_sender_session() as ledger:
            await send_queue(
                ledger, self.services.message_builder.build, self.services.routes, clock=self.clock
            )

    def find_link(self, segment: str) -> str:
        """Return the URL in the newest mail whose path begins with *segment*."""
        text = self.mailbox.received[-1].parse().get_body(("plain",))
        assert text
        links = [match[1] for match in LINK.finditer(text.get_content())]
        return f"{self.url}/{next(link for link in links if link.startswith(f'{segment}/'))}"


@asynccontextmanager
async def run_site(folder: Path) -> AsyncIterator[RunningSite]:
    """Run an application with three papers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with MailServer() as mailbox:
            settings = load_settings(
                database_url=f"sqlite:///{folder}/digest.sqlite3",
                base_url=url,
                secret_key="a secret of the tests, long enough",
                admin_token=ADMIN,
                smtp_url=SecretStr(mailbox.url),
                channel_hosts=("hooks.slack.com",),
                postal_address="1 Paper Street, Oxford",
            )
            with closing(open_services(settings)) as services:
                _add_papers(services)
                clock = Clock()
                app = create_app(services, clock=clock)
                app.add_api_route("/broken", _fail)
                server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
                serving = asyncio.create_task(server.serve([listening]))
                yield RunningSite(services, mailbox, app.state.ctx, clock, url)
                server.should_exit = True
                await serving


def _fail() -> None:
    raise RuntimeError("a page of the tests that fails")


def _add_papers(services: Services) -> None:
    papers = [make_paper(title, first_seen=None) for title in TITLES]
    with services.store.begin() as tx:
        tx.papers.add(papers, seen_at=NOW - timedelta(hours=6))
        tx.signals.add(
            make_signal(item, votes, hours_ago=1) for item, votes in zip(papers, (160, 40, 8), strict=True)
        )


@asynccontextmanager
async def start_browser() -> AsyncIterator[Browser]:
    """Start a real browser; skip the test, saying how to install one, if there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield started
        await started.close()
