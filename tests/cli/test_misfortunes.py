"""What goes wrong on somebody's machine is told in one sentence that says what to do."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest.db import Database
from digest.db.file_lock import only_sender
from tests.cli.test_commands import Shell

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A house with a database and nobody in it."""
    Database.open(f"sqlite:///{tmp_path}/digest.sqlite3").close()
    return Shell(tmp_path, NOWHERE)


def _refused(shell: Shell, *args: str, code: int = 1, **env: str) -> str:
    """What a command says that cannot do its work: one sentence, no traceback, nothing on standard output."""
    result = shell(*args, **env)
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.startswith("digest: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def _damage(database: Path) -> None:
    size = database.stat().st_size
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))


def test_a_damaged_database_is_named_and_can_be_replaced_by_its_backup(shell: Shell) -> None:
    assert shell("subscribers", "add", "ada@example.com", "--confirmed").returncode == 0
    assert shell("db", "backup", "copy.sqlite3").returncode == 0
    _damage(shell.folder / "digest.sqlite3")
    assert "digest db restore" in _refused(shell, "status")
    assert "digest db restore" in _refused(shell, "db", "check")
    restored = shell("db", "restore", "copy.sqlite3", "--yes")
    assert restored.returncode == 0, restored.stderr
    assert (shell.folder / "digest.sqlite3.replaced").exists()
    assert "ada@example.com" in shell("subscribers", "list").stdout


def test_a_backup_takes_the_place_of_no_file_unless_it_is_told_to(shell: Shell) -> None:
    (shell.folder / "copy.sqlite3").write_text("the only copy of another house")
    assert "--force" in _refused(shell, "db", "backup", "copy.sqlite3")
    assert (shell.folder / "copy.sqlite3").read_text() == "the only copy of another house"
    assert shell("db", "backup", "copy.sqlite3", "--force").returncode == 0
    assert shell("db", "restore", "copy.sqlite3", "--yes").returncode == 0


def test_a_database_is_never_the_place_of_its_own_backup(shell: Shell) -> None:
    assert "the database itself" in _refused(shell, "db", "backup", "./digest.sqlite3", "--force")
    assert "PAUSED" not in shell("status").stdout


def test_what_is_no_backup_is_not_put_in_the_place_of_the_database(shell: Shell) -> None:
    (shell.folder / "empty").write_bytes(b"")
    (shell.folder / "text").write_text("hello " * 1000)
    assert "no backup of a digest" in _refused(shell, "db", "restore", "empty", "--yes")
    assert "not a sound" in _refused(shell, "db", "restore", "text", "--yes")
    assert shell("db", "check").returncode == 0


def test_the_database_of_a_newer_version_is_refused_and_not_touched(shell: Shell) -> None:
    with closing(sqlite3.connect(shell.folder / "digest.sqlite3")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999_future'")
        database.commit()
    assert "Upgrade the program" in _refused(shell, "run")
    assert "Upgrade the program" in _refused(shell, "db", "migrate")


def test_a_place_where_no_database_can_stand_is_named(shell: Shell) -> None:
    (shell.folder / "taken").mkdir()
    told = _refused(shell, "status", code=78, DIGEST_DATABASE_URL="sqlite:///nowhere/digest.sqlite3")
    assert "no folder" in told
    assert "is a folder" in _refused(shell, "status", code=78, DIGEST_DATABASE_URL="sqlite:///taken")


@pytest.mark.parametrize("args", [["--help"], ["subscribers", "list", "--csv"]])
def test_a_reader_of_our_output_who_leaves_early_is_no_trouble(shell: Shell, args: list[str]) -> None:
    command = [sys.executable, "-m", "digest", *args]
    with subprocess.Popen(
        command, cwd=shell.folder, env=shell.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert "Traceback" not in running.stderr.read()
        assert "Exception ignored" not in running.stderr.read()


def test_output_that_does_not_fit_on_the_disk_is_a_failure_told_in_a_sentence(shell: Shell) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "digest", "status", "--json"],
            cwd=shell.folder, env=shell.env, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert result.returncode == 1
    assert result.stderr == "digest: No space left on device\n"


def test_a_caller_who_closed_the_standard_streams_gets_its_work_done(shell: Shell) -> None:
    added = ["sh", "-c", '"$@" <&- >&- 2>&-', "sh", sys.executable, "-m", "digest", "subscribers", "add"]
    added += ["ada@example.com", "--confirmed"]
    assert subprocess.run(added, cwd=shell.folder, env=shell.env, check=False).returncode == 0
    assert "ada@example.com" in shell("subscribers", "list").stdout
    assert shell("db", "check").returncode == 0


def test_a_backup_is_not_restored_under_a_sender(shell: Shell) -> None:
    assert shell("db", "backup", "copy.sqlite3").returncode == 0
    with only_sender(shell.folder / "digest.sqlite3"):
        assert "wait" in _refused(shell, "db", "restore", "copy.sqlite3", "--yes", code=75)
    assert shell("db", "restore", "copy.sqlite3", "--yes").returncode == 0


@pytest.mark.parametrize("args", [["run"], ["serve", "--port", "0"]])
def test_long_work_is_stopped_by_control_c_in_one_word(shell: Shell, args: list[str]) -> None:
    command = [sys.executable, "-m", "digest", *args]
    with subprocess.Popen(
        command, cwd=shell.folder, env=shell.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=_heed_control_c,  # noqa: PLW1509  it takes no lock
    ) as running:  # fmt: skip
        assert running.stderr is not None
        assert running.stderr.readline()  # it has begun
        running.send_signal(signal.SIGINT)
        try:
            said = running.communicate(timeout=60)[1]
        finally:
            running.kill()
        assert running.returncode in (0, 130)
    assert "Traceback" not in said


def _heed_control_c() -> None:
    """A shell lets its background jobs ignore it, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_a_run_soon_after_a_failed_reading_says_which_sources_are_left_in_peace(shell: Shell) -> None:
    one = {"DIGEST_SOURCES": "hackernews"}  # the others are tried longer
    assert shell("run", "--now", "2026-11-19T06:30:00Z", **one).returncode == 1
    again = shell("run", "--now", "2026-11-19T06:45:00Z", **one)
    assert again.returncode == 0
    [line] = [line for line in again.stdout.splitlines() if line.startswith("hackernews")]
    assert "could not be read at 06:30 and is asked again from 07:30 UTC: " in line
    told = json.loads(shell("run", "--now", "2026-11-19T06:50:00Z", "--json", **one).stdout)
    assert {each["source"] for each in told["unread"]} == {"hackernews"}


def test_a_run_after_one_with_a_clock_far_ahead_brings_readers_back(shell: Shell) -> None:
    assert shell("subscribers", "add", "ada@example.com", "--confirmed").returncode == 0
    for moment in ("2099-01-01T12:00:00Z", ""):
        wish = ("--now", moment) if moment else ()
        assert shell("run", *wish, DIGEST_SOURCES="feeds").returncode == 0
        due = datetime.fromisoformat(json.loads(shell("status", "--json").stdout)["next_due"])
        assert due.year == 2099 if moment else due < datetime.now(UTC) + timedelta(days=2)
