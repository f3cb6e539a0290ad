"""Packages from npm that validate HTML: installed once into pytest's cache, and the Nu HTML validator."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

NPM_PACKAGES = ("axe-core@4", "vnu-jar@26", "caniemail@2")
# One process of two seconds: compiling its code to the last takes longer, and its schemas need a large stack.
JAVA_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xss2m")


def install_npm_packages(config: pytest.Config) -> Path:
    """Return the folder of the installed packages; skip the test where they cannot be installed."""
    if shutil.which("npm") is None:
        pytest.skip("no npm here: apt-get install npm")
    if not config.pluginmanager.has_plugin("cacheprovider"):
        pytest.skip("pytest runs without its cache, where packages of npm are kept")
    assert config.cache is not None
    target = config.cache.mkdir("npm") / "packages"
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


def validate_html(packages: Path, folder: Path) -> list[str]:
    """Return the errors that the Nu HTML validator finds in the pages of a folder."""
    if shutil.which("java") is None:
        pytest.skip("no Java here for the HTML validator: apt-get install default-jre-headless")
    jar = next(packages.glob("vnu-jar/**/vnu.jar"))
    pages = map(str, sorted(folder.glob("*.html")))
    command = ["java", *JAVA_OPTIONS, "-jar", str(jar), "--format", "json", "--stdout", *pages]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    messages = json.loads(run.stdout)["messages"]
    return [f"{Path(m['url']).name}: {m['message']}" for m in messages if m["type"] == "error"]
