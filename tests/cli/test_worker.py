"""Tests of `digest worker`: what it requires, and a clean exit on SIGTERM."""

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


def run_worker_once(url: str, monkeypatch: pytest.MonkeyPatch) -> BaseException | None:
    monkeypatch.setenv("DIGEST_DATABASE_URL", url)
    monkeypatch.setenv("DIGEST_SECRET_KEY", "thirty-two characters or more here")
    return CliRunner().invoke(cli.digest, ["worker", "--once"]).exception


def test_worker_on_sqlite_says_what_to_run_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = run_worker_once(f"sqlite:///{tmp_path}/digest.sqlite3", monkeypatch)
    assert isinstance(error, ConfigError)
    assert "digest serve" in str(error)


def test_worker_without_job_tables_says_how_to_create_them(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Database.migrate(postgres_url)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE procrastinate_jobs CASCADE")
    store.close()
    error = run_worker_once(postgres_url, monkeypatch)
    assert isinstance(error, StoreError)
    assert "digest db migrate" in str(error)


async def test_worker_exits_cleanly_on_sigterm(postgres_url: str, tmp_path: Path) -> None:
    store = Database.migrate(postgres_url)
    url = store.engine.url.render_as_string(hide_password=False)
    key = "thirty-two characters or more here"
    environment = {"DIGEST_DATABASE_URL": url, "DIGEST_SECRET_KEY": key, "DIGEST_SOURCES": "feeds"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "digest", "worker"),
        env={**os.environ, **environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    while b"Working" not in (line := await process.stdout.readline()):
        assert line, "it exited before it was ready"
    process.send_signal(signal.SIGTERM)
    rest, _ = await asyncio.wait_for(process.communicate(), 40)
    assert process.returncode == 0, rest.decode()
    store.close()
