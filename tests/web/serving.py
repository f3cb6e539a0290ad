"""The application on real servers: uvicorn and SMTP on loopback, with a real browser and page validators."""

import asyncio
import json
import re
import shutil
import socket
import subprocess
import tempfile
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
NPM_PACKAGES = ("axe-core@4", "vnu-jar@26")
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


def install_npm_packages(config: pytest.Config) -> Path:
    """Install the npm packages that validate pages into pytest's cache, once; skip the test without npm."""
    assert config.cache is not None
    if shutil.which("npm") is None:
        pytest.skip("no npm here: apt-get install npm")
    home = config.cache.mkdir("npm") / "web"
    if not (home / "node_modules").exists():
        _install(home)
    return home / "node_modules"


def _install(home: Path) -> None:
    fresh = Path(tempfile.mkdtemp(prefix="npm-", dir=home.parent))
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(fresh), *NPM_PACKAGES]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        if not home.exists():
            fresh.rename(home)
    except (subprocess.SubprocessError, OSError) as error:
        pytest.skip(f"npm could not install {', '.join(NPM_PACKAGES)}: {error}")
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def validate_html(packages: Path, folder: Path) -> list[str]:
    """Return the errors that the Nu HTML validator finds in the pages of a folder."""
    if shutil.which("java") is None:
        pytest.skip("no Java here for the HTML validator: apt-get install default-jre-headless")
    jar = next(packages.glob("vnu-jar/**/vnu.jar"))
    pages = map(str, sorted(folder.glob("*.html")))
    command = ["java", "-jar", str(jar), "--format", "json", "--stdout", *pages]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    messages = json.loads(run.stdout)["messages"]
    return [f"{Path(m['url']).name}: {m['message']}" for m in messages if m["type"] == "error"]
