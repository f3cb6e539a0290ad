"""What the mails are held against: pages kept from before, a real browser, and validators by npm."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

PAGES = Path(__file__).parents[1] / "pages"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
NPM_PACKAGES = ("axe-core@4", "vnu-jar@26", "caniemail@2")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-pages", action="store_true", help="keep the mails as they are now in tests/pages"
    )


@pytest.fixture
def kept(request: pytest.FixtureRequest) -> Callable[[str, str], str]:
    """The page kept under a name; with --update-pages it becomes the one given."""

    def page(name: str, now: str) -> str:
        path = PAGES / name
        if request.config.getoption("--update-pages", default=False):
            path.parent.mkdir(exist_ok=True)
            path.write_text(now)
        return path.read_text() if path.exists() else ""

    return page


@pytest.fixture(scope="module")  # its event loop must be gone before asynchronous tests of other modules
def chromium() -> Iterator[Browser]:
    """A real browser, without a way out."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def npm(request: pytest.FixtureRequest) -> Path:
    """The folder of the npm packages that judge HTML, installed once into pytest's cache."""
    if shutil.which("npm") is None:
        pytest.skip("no npm here: apt-get install npm")
    assert request.config.cache is not None
    home = request.config.cache.mkdir("npm") / "packages"
    if not (home / "node_modules").exists():
        _install(home)
    return home / "node_modules"


def _install(home: Path) -> None:
    """Into a folder of our own first, so that two test runs at once cannot mix."""
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
