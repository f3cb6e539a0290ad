"""A house that really serves and really mails: uvicorn and an SMTP server on loopback, and a real browser."""

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
from digest.app.settings import load
from digest.delivery.sender import pump
from digest.tools.demo.mail_server import MailServer
from digest.web.app import build
from digest.web.context import WebContext
from tests.factories import NOW, paper, signal
from tests.web.visit import ADMIN, TITLES, Clock

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
NPM_PACKAGES = ("axe-core@4", "vnu-jar@26")
LINK = re.compile(r"https?://\S+/([cpu]/[\w.~-]+)")


@dataclass(frozen=True)
class Open:
    """A house that is open: where it is, its mailbox and its clock."""

    services: Services
    mailbox: MailServer
    ctx: WebContext
    clock: Clock
    url: str

    async def post(self) -> None:
        """Send what waits in the queue."""
        with self.services.ledger() as ledger:
            await pump(ledger, self.services.letters.write, self.services.routes, clock=self.clock)

    def link(self, room: str) -> str:
        """The address of that room in the newest mail, as its reader would click it."""
        text = self.mailbox.received[-1].message().get_body(("plain",))
        assert text
        links = [found[1] for found in LINK.finditer(text.get_content())]
        return f"{self.url}/{next(link for link in links if link.startswith(f'{room}/'))}"


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Open]:
    """Open a house with three papers until the end."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with MailServer() as mailbox:
            settings = load(
                database_url=f"sqlite:///{folder}/digest.sqlite3",
                base_url=url,
                secret_key="a secret of the tests, long enough",
                admin_token=ADMIN,
                smtp_url=SecretStr(mailbox.url),
                postal_address="1 Paper Street, Oxford",
            )
            with closing(open_services(settings)) as services:
                _furnish(services)
                clock = Clock()
                app = build(services, clock=clock)
                app.add_api_route("/broken", _broken)
                server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
                serving = asyncio.create_task(server.serve([listening]))
                yield Open(services, mailbox, app.state.ctx, clock, url)
                server.should_exit = True
                await serving


def _broken() -> None:
    raise RuntimeError("a page of the tests that fails")


def _furnish(services: Services) -> None:
    papers = [paper(title, first_seen=None) for title in TITLES]
    with services.store.begin() as tx:
        tx.papers.add(papers, seen_at=NOW - timedelta(hours=6))
        tx.signals.observe(
            signal(each, votes, hours_ago=1) for each, votes in zip(papers, (160, 40, 8), strict=True)
        )


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """A real browser, or a skip that says how to get one."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield started
        await started.close()


def npm(config: pytest.Config) -> Path:
    """The npm packages that judge pages, installed once into pytest's cache; a skip where npm is absent."""
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


def invalid(packages: Path, folder: Path) -> list[str]:
    """What the Nu validator objects to in the pages of a folder."""
    if shutil.which("java") is None:
        pytest.skip("no Java here for the HTML validator: apt-get install default-jre-headless")
    jar = next(packages.glob("vnu-jar/**/vnu.jar"))
    pages = map(str, sorted(folder.glob("*.html")))
    command = ["java", "-jar", str(jar), "--format", "json", "--stdout", *pages]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    messages = json.loads(run.stdout)["messages"]
    return [f"{Path(m['url']).name}: {m['message']}" for m in messages if m["type"] == "error"]
