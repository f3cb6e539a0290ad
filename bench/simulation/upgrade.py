"""Upgrade in the middle of the month: another version of the program simulates the first half."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[2]


def simulate_first_half(ref: str, until: date, folder: Path, options: Sequence[str]) -> None:
    """Simulate the days before *until* at another commit; database and state stay in the folder."""
    with tempfile.TemporaryDirectory(prefix="digest-before-") as parent:
        tree = Path(parent) / "tree"
        _run_git("worktree", "add", "--detach", "--force", str(tree), ref)
        try:
            command = [
                sys.executable,
                "-m",
                "bench.simulation",
                "--until",
                str(until),
                "--folder",
                str(folder),
            ]
            environment = os.environ | {"PYTHONPATH": str(tree)}
            subprocess.run([*command, *options], cwd=tree, env=environment, check=True)
        finally:
            _run_git("worktree", "remove", "--force", str(tree))


def upgrade_database(database: Path) -> None:
    """Upgrade the database by two processes at once, as a server and a cron job do that start together."""
    environment = os.environ | {"DIGEST_DATABASE_URL": f"sqlite:///{database}"}
    command = [sys.executable, "-m", "digest", "db", "migrate"]
    processes = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) for _ in range(2)
    ]
    statuses = [process.wait() for process in processes]
    if any(statuses):
        raise RuntimeError(f"The upgrade in the middle of the month failed with exit codes {statuses}.")


def _run_git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True)
