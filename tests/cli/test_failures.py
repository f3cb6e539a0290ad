"""Tests of failures on the user's machine: each is one line that says what to do."""

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
from digest.db.file_lock import lock_sender
from tests.cli.test_commands import Shell
from tests.factories import NOW, store_subscriber

UNREACHABLE = "http://127.0.0.1:9"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Return a shell whose database has no subscribers, and whose sources are unreachable."""
    Database.open(f"sqlite:///{tmp_path}/digest.sqlite3").close()
    return Shell(tmp_path, UNREACHABLE)


def _get_error(shell: Shell, *args: str, code: int = 1, **env: str) -> str:
    """Run a command that must fail with *code*; return its one line on standard error."""
    result = shell(*args, **env)
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.startswith("digest: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def _corrupt(database: Path) -> None:
    size = database.stat().st_size
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))


def test_damaged_database_is_reported_and_can_be_restored(shell: Shell) -> None:
    assert shell("subscribers", "add", "ada@example.com", "--confirmed").returncode == 0
    assert shell("db", "backup", "copy.sqlite3").returncode == 0
    _corrupt(shell.folder / "digest.sqlite3")
    assert "digest db restore" in _get_error(shell, "status")
    assert "digest db restore" in _get_error(shell, "db", "check")
    restored = shell("db", "restore", "copy.sqlite3", "--yes")
    assert restored.returncode == 0, restored.stderr
    assert (shell.folder / "digest.sqlite3.replaced").exists()
    assert "ada@example.com" in shell("subscribers", "list").stdout


def test_backup_overwrites_a_file_only_with_force(shell: Shell) -> None:
    (shell.folder / "copy.sqlite3").write_text("the only copy of another file")
    assert "--force" in _get_error(shell, "db", "backup", "copy.sqlite3")
    assert (shell.folder / "copy.sqlite3").read_text() == "the only copy of another file"
    assert shell("db", "backup", "copy.sqlite3", "--force").returncode == 0
    assert shell("db", "restore", "copy.sqlite3", "--yes").returncode == 0


def test_backup_never_overwrites_the_database(shell: Shell) -> None:
    assert "the database itself" in _get_error(shell, "db", "backup", "./digest.sqlite3", "--force")
    assert "PAUSED" not in shell("status").stdout


def test_restore_refuses_a_file_that_is_no_backup(shell: Shell) -> None:
    (shell.folder / "empty").write_bytes(b"")
    (shell.folder / "text").write_text("hello " * 1000)
    assert "not a backup of digest" in _get_error(shell, "db", "restore", "empty", "--yes")
    assert "not a sound" in _get_error(shell, "db", "restore", "text", "--yes")
    assert shell("db", "check").returncode == 0


def test_database_of_a_newer_version_is_refused(shell: Shell) -> None:
    with closing(sqlite3.connect(shell.folder / "digest.sqlite3")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999_future'")
        database.commit()
    assert "Upgrade the program" in _get_error(shell, "run")
    assert "Upgrade the program" in _get_error(shell, "db", "migrate")


def test_impossible_database_path_is_reported(shell: Shell) -> None:
    (shell.folder / "taken").mkdir()
    message = _get_error(shell, "status", code=78, DIGEST_DATABASE_URL="sqlite:///nowhere/digest.sqlite3")
    assert "no folder" in message
    assert "is a folder" in _get_error(shell, "status", code=78, DIGEST_DATABASE_URL="sqlite:///taken")


def test_every_command_names_variables_that_are_no_settings(shell: Shell) -> None:
    result = shell("status", DIGEST_SMPT_URL="smtp://user:hush@mail.example.org:587", DIGEST_QQQQ="1")
    assert result.returncode == 0
    assert "There is no setting DIGEST_SMPT_URL; did you mean DIGEST_SMTP_URL?" in result.stderr
    assert "There is no setting DIGEST_QQQQ." in result.stderr
    assert "hush" not in result.stderr


def test_base_url_with_a_path_is_refused(shell: Shell) -> None:
    message = _get_error(shell, "status", code=78, DIGEST_BASE_URL="https://example.org/digest")
    assert "DIGEST_BASE_URL: has a path" in message


def test_a_question_holds_up_nobody_and_needs_an_answer(shell: Shell) -> None:
    assert shell("subscribers", "add", "ada@example.com", "--confirmed").returncode == 0
    unanswered = shell("subscribers", "remove", "ada@example.com")
    assert (unanswered.returncode, "add --yes" in unanswered.stderr) == (2, True)
    with subprocess.Popen(
        [sys.executable, "-m", "digest", "subscribers", "remove", "ada@example.com"],
        cwd=shell.folder, env=shell.env, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        assert process.stderr.read(5) == "Erase"  # it waits for an answer
        assert shell("subscribers", "add", "bo@example.com", "--confirmed").returncode == 0
        process.communicate("y\n")
    listed = shell("subscribers", "list").stdout
    assert ("bo@example.com" in listed, "ada@example.com" in listed) == (True, False)


@pytest.mark.parametrize("args", [["--help"], ["subscribers", "list", "--csv"]])
def test_closed_output_pipe_causes_no_traceback(shell: Shell, args: list[str]) -> None:
    command = [sys.executable, "-m", "digest", *args]
    with subprocess.Popen(
        command, cwd=shell.folder, env=shell.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()
        assert "Exception ignored" not in process.stderr.read()


def test_full_disk_on_output_is_reported_in_one_line(shell: Shell) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "digest", "status", "--json"],
            cwd=shell.folder, env=shell.env, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert result.returncode == 1
    assert result.stderr == "digest: No space left on device\n"


def test_full_disk_ends_an_import_in_one_line(shell: Shell) -> None:
    file = shell.folder / "people.csv"
    file.write_text("email\n" + "".join(f"reader{number}@example.com\n" for number in range(1500)))
    full = subprocess.run(
        [sys.executable, "-m", "digest", "subscribers", "import", file, "--report", "/dev/full"],
        cwd=shell.folder, env=shell.env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert full.returncode == 1
    assert full.stderr.splitlines()[-1] == "digest: No space left on device"
    assert "Traceback" not in full.stderr


def test_command_works_with_closed_standard_streams(shell: Shell) -> None:
    arguments = ["sh", "-c", '"$@" <&- >&- 2>&-', "sh", sys.executable, "-m", "digest", "subscribers", "add"]
    arguments += ["ada@example.com", "--confirmed"]
    assert subprocess.run(arguments, cwd=shell.folder, env=shell.env, check=False).returncode == 0
    assert "ada@example.com" in shell("subscribers", "list").stdout
    assert shell("db", "check").returncode == 0


def test_restore_is_refused_while_a_sender_runs(shell: Shell) -> None:
    assert shell("db", "backup", "copy.sqlite3").returncode == 0
    with lock_sender(shell.folder / "digest.sqlite3"):
        assert "wait" in _get_error(shell, "db", "restore", "copy.sqlite3", "--yes", code=75)
    assert shell("db", "restore", "copy.sqlite3", "--yes").returncode == 0


def test_restore_is_refused_while_any_process_has_the_database_open(shell: Shell) -> None:
    assert shell("db", "backup", "open.sqlite3").returncode == 0
    with closing(Database.open(f"sqlite:///{shell.folder}/digest.sqlite3")) as database:
        assert "digest serve" in _get_error(shell, "db", "restore", "open.sqlite3", "--yes", code=75)
        with database.begin() as tx:  # what is accepted here is kept
            store_subscriber(tx, "late@example.com", now=NOW)
    assert "late@example.com" in shell("subscribers", "list").stdout


def test_check_names_what_is_damaged(shell: Shell) -> None:
    assert shell("subscribers", "add", "ada@example.com", "--confirmed").returncode == 0
    with closing(sqlite3.connect(shell.folder / "digest.sqlite3")) as database:
        (profile,) = database.execute("SELECT profile FROM subscriber").fetchone()
        database.execute("UPDATE subscriber SET profile = '{' WHERE id = 1")
        database.commit()
        message = _get_error(shell, "db", "check")
        assert "a row of subscriber cannot be read" in message
        assert "digest db restore" in message
        database.execute("UPDATE subscriber SET profile = ? WHERE id = 1", (profile,))
        database.commit()
    assert "sound" in shell("db", "check").stdout


@pytest.mark.parametrize("args", [["run"], ["serve", "--port", "0"]])
def test_control_c_stops_long_commands_without_traceback(shell: Shell, args: list[str]) -> None:
    command = [sys.executable, "-m", "digest", *args]
    with subprocess.Popen(
        command, cwd=shell.folder, env=shell.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=_enable_sigint,  # noqa: PLW1509  it takes no lock
    ) as process:  # fmt: skip
        assert process.stderr is not None
        assert process.stderr.readline()  # it has started
        process.send_signal(signal.SIGINT)
        try:
            stderr = process.communicate(timeout=60)[1]
        finally:
            process.kill()
        assert process.returncode in (0, 130)
    assert "Traceback" not in stderr


def _enable_sigint() -> None:
    """Restore the default handler: background jobs of a shell, and their children, ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_run_soon_after_a_failure_lists_the_sources_it_skips(shell: Shell) -> None:
    one_source = {"DIGEST_SOURCES": "hackernews"}  # the other sources are retried for longer
    assert shell("run", "--now", "2026-11-19T06:30:00Z", **one_source).returncode == 1
    repeated = shell("run", "--now", "2026-11-19T06:45:00Z", **one_source)
    assert repeated.returncode == 0
    [line] = [line for line in repeated.stdout.splitlines() if line.startswith("hackernews")]
    assert "could not be read at 06:30 and is asked again from 07:30 UTC: " in line
    message = json.loads(shell("run", "--now", "2026-11-19T06:50:00Z", "--json", **one_source).stdout)
    assert {source["source"] for source in message["unread"]} == {"hackernews"}


def test_run_repairs_due_times_after_a_clock_far_ahead(shell: Shell) -> None:
    assert shell("subscribers", "add", "ada@example.com", "--confirmed").returncode == 0
    for moment in ("2099-01-01T12:00:00Z", ""):
        options = ("--now", moment) if moment else ()
        assert shell("run", *options, DIGEST_SOURCES="feeds").returncode == 0
        due = datetime.fromisoformat(json.loads(shell("status", "--json").stdout)["next_due"])
        assert due.year == 2099 if moment else due < datetime.now(UTC) + timedelta(days=2)
