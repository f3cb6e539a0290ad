"""Does a worker say what it needs, and is it as good as its word?"""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from digest import cli
from digest.db import Database
from digest.models.errors import ConfigError, StoreError


def work(url: str, monkeypatch: pytest.MonkeyPatch) -> BaseException | None:
    monkeypatch.setenv("DIGEST_DATABASE_URL", url)
    monkeypatch.setenv("DIGEST_SECRET_KEY", "thirty-two characters or more here")
    return CliRunner().invoke(cli.digest, ["worker", "--once"]).exception


def test_on_sqlite_a_worker_says_what_to_run_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = work(f"sqlite:///{tmp_path}/digest.sqlite3", monkeypatch)
    assert isinstance(error, ConfigError)
    assert "digest serve" in str(error)


def test_without_a_place_for_jobs_a_worker_says_how_to_make_one(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Database.migrate(postgres_url)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE procrastinate_jobs CASCADE")
    store.close()
    error = work(postgres_url, monkeypatch)
    assert isinstance(error, StoreError)
    assert "digest db migrate" in str(error)


async def test_a_worker_that_says_it_works_ends_well_when_it_is_told_to(
    postgres_url: str, tmp_path: Path
) -> None:
    store = Database.migrate(postgres_url)
    url = store.engine.url.render_as_string(hide_password=False)
    key = "thirty-two characters or more here"
    given = {"DIGEST_DATABASE_URL": url, "DIGEST_SECRET_KEY": key, "DIGEST_SOURCES": "feeds"}
    machine = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "digest", "worker"),
        env={**os.environ, **given, "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert machine.stdout is not None
    while b"Working" not in (line := await machine.stdout.readline()):
        assert line, "it ended before it worked"
    machine.send_signal(signal.SIGTERM)
    rest, _ = await asyncio.wait_for(machine.communicate(), 40)
    assert machine.returncode == 0, rest.decode()
    store.close()
