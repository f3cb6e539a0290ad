"""Fixtures of the mail tests: golden files, a real browser, and validators from npm."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

GOLDEN_DIR = Path(__file__).parents[1] / "pages"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHROMIUM_ARGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
NPM_PACKAGES = ("axe-core@4", "vnu-jar@26", "caniemail@2")


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
    """Return the folder of the npm packages that validate HTML, installed once into pytest's cache."""
    if shutil.which("npm") is None:
        pytest.skip("no npm here: apt-get install npm")
    assert request.config.cache is not None
    target = request.config.cache.mkdir("npm") / "packages"
    if not (target / "node_modules").exists():
        _install(target)
    return target / "node_modules"


def _install(target: Path) -> None:
    """Install into a new folder first, so that two test runs at once cannot mix."""
    new_dir = Path(tempfile.mkdtemp(prefix="npm-", dir=target.parent))
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(new_dir)]
    try:
        subprocess.run([*command, *NPM_PACKAGES], check=True, capture_output=True, timeout=120)
        if not target.exists():
            new_dir.rename(target)
    except (subprocess.SubprocessError, OSError) as error:
        pytest.skip(f"npm could not install {', '.join(NPM_PACKAGES)}: {error}")
    finally:
        shutil.rmtree(new_dir, ignore_errors=True)
