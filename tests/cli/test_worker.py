"""Does a worker say what it needs?"""

from pathlib import Path

import pytest
from click.testing import CliRunner

from digest import cli
from digest.errors import ConfigError, StoreError
from digest.store import Store


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
    store = Store.migrate(postgres_url)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE procrastinate_jobs CASCADE")
    store.close()
    error = work(postgres_url, monkeypatch)
    assert isinstance(error, StoreError)
    assert "digest db migrate" in str(error)
