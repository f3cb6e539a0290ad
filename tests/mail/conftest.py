"""Fixtures of the mail tests: golden files, a real browser, and validators from npm."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.npm_packages import install_npm_packages

GOLDEN_DIR = Path(__file__).parents[1] / "pages"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHROMIUM_ARGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-pages", action="store_true", help="keep the mails as they are now in tests/pages"
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], str]:
    """Return a function that reads a golden file; with --update-pages it first writes the given text."""

    def read(name: str, current: str) -> str:
        path = GOLDEN_DIR / name
        if request.config.getoption("--update-pages", default=False):
            path.parent.mkdir(exist_ok=True)
            path.write_text(current)
        return path.read_text() if path.exists() else ""

    return read


@pytest.fixture(scope="module")  # its event loop must be gone before asynchronous tests of other modules
def chromium() -> Iterator[Browser]:
    """Start a real browser without background networking."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_ARGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def npm(request: pytest.FixtureRequest) -> Path:
    """Return the folder of the npm packages that validate HTML."""
    return install_npm_packages(request.config)
