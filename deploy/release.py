"""Prepare a release by `make release VERSION=0.3.0`: check, cut the changelog, commit, and sign a tag.

Nothing is pushed. Without a signing key for git the tag is annotated only, and the script says so.
"""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

TOP = Path(__file__).parents[1]
CHANGELOG, INIT = TOP / "CHANGELOG.md", TOP / "digest/__init__.py"
UNRELEASED = "## [Unreleased]\n"


def cut_changelog(text: str, version: str, day: str) -> str:
    """Return the changelog with what is unreleased under a heading of its own.

    Raises:
        ValueError: nothing is unreleased, or it lacks a note on upgrading.

    """
    head, _, rest = text.partition(UNRELEASED)
    notes = rest.partition("\n## [")[0].strip()
    if not notes:
        raise ValueError("CHANGELOG.md lists nothing under Unreleased.")
    if "### Upgrading" not in notes:
        raise ValueError("The notes need a section `### Upgrading`: what to do, or that there is nothing.")
    return f"{head}{UNRELEASED}\n## [{version}] - {day}\n{rest}"


def read_notes(text: str, version: str) -> str:
    """Return what the changelog says of a version."""
    _, _, rest = text.partition(f"## [{version}]")
    return rest.partition("\n## [")[0].partition("\n")[2].strip()


def main(version: str) -> None:
    """Check, write, commit and tag."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        sys.exit("Write the version as three numbers: make release VERSION=0.3.0")
    if _run("git", "status", "--porcelain"):
        sys.exit("There are uncommitted changes; a release is made from a clean checkout.")
    try:
        text = cut_changelog(CHANGELOG.read_text(), version, f"{datetime.now(UTC):%Y-%m-%d}")
    except ValueError as error:
        sys.exit(str(error))
    for check in (["make", "lint"], ["make", "test"], ["make", "package"]):
        subprocess.run(check, cwd=TOP, check=True)
    CHANGELOG.write_text(text)
    INIT.write_text(re.sub(r'__version__ = ".*"', f'__version__ = "{version}"', INIT.read_text()))
    _run("git", "commit", "--quiet", "--message", f"Release {version}", "--", str(CHANGELOG), str(INIT))
    kind = "--sign" if _run("git", "config", "--default", "", "--get", "user.signingkey") else "--annotate"
    _run("git", "tag", kind, f"v{version}", "--message", f"{version}\n\n{read_notes(text, version)}")
    signed = "signed" if kind == "--sign" else "not signed: set user.signingkey"
    print(f"Tagged v{version} ({signed}). Look at `git show v{version}`, then: git push --follow-tags")  # noqa: T201


def _run(*command: str) -> str:
    return subprocess.run(command, cwd=TOP, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
