"""The version of the program and the commit it was built from."""

import subprocess
from pathlib import Path

from digest import __version__

PACKAGE = Path(__file__).parents[1]


def describe_version() -> str:
    """Return `0.1.0 (commit 1a2b3c4d5e6f)`, or the number alone if the commit is not known."""
    commit = _read_built_commit() or _ask_git()
    return f"{__version__} (commit {commit})" if commit else __version__


def _read_built_commit() -> str:
    """Return what the build wrote into the package; empty in a checkout."""
    file = PACKAGE / "commit.txt"
    return file.read_text(encoding="ascii").strip() if file.exists() and not _is_checkout() else ""


def _ask_git() -> str:
    if not _is_checkout():
        return ""
    command = ["git", "-C", str(PACKAGE), "rev-parse", "--short=12", "HEAD"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)  # noqa: S603  fixed words
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""


def _is_checkout() -> bool:
    return (PACKAGE.parent / ".git").exists()
