"""Tests of `digest --version`, of what the package installs, and of making a release."""

import re
import runpy
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from digest import __version__
from digest.cli import digest

TOP = Path(__file__).parents[2]
RELEASE = runpy.run_path(str(TOP / "deploy/release.py"))
CHANGELOG = (
    "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Naps.\n\n{upgrading}## [0.1.0] - 2026-11-23\n\nFirst.\n"
)
UPGRADING = "### Upgrading\n\nNothing to do.\n\n"


def test_version_names_number_and_commit() -> None:
    result = CliRunner().invoke(digest, ["--version"])
    assert result.exit_code == 0
    assert re.fullmatch(
        rf"digest, version {re.escape(__version__)}(?: \(commit [0-9a-f]{{12}}\))?\n", result.output
    )


def test_version_is_the_latest_release_of_the_changelog() -> None:
    latest = re.search(r"^## \[(\d[\d.]*)\]", (TOP / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert latest
    assert latest[1] == __version__


def test_distribution_has_a_free_name_and_the_command_two_names() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    assert project["name"] == "trending-papers-digest"
    assert project["scripts"] == dict.fromkeys(("digest", "trending-papers-digest"), "digest.cli:main")


def test_files_that_the_wheel_shares_exist() -> None:
    build = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert all((TOP / name).is_file() for name in build["targets"]["wheel"]["shared-data"])


def test_changelog_is_cut_under_a_heading_of_the_version() -> None:
    text = RELEASE["cut_changelog"](CHANGELOG.format(upgrading=UPGRADING), "0.2.0", "2026-12-01")
    assert "## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n\n### Added\n" in text
    assert RELEASE["read_notes"](text, "0.2.0") == "### Added\n\n- Naps.\n\n### Upgrading\n\nNothing to do."
    with pytest.raises(ValueError, match="nothing under Unreleased"):
        RELEASE["cut_changelog"](text, "0.3.0", "2026-12-02")


def test_release_without_a_note_on_upgrading_is_refused() -> None:
    with pytest.raises(ValueError, match="### Upgrading"):
        RELEASE["cut_changelog"](CHANGELOG.format(upgrading=""), "0.2.0", "2026-12-01")
