"""Database faults for tests: locked by another process, unreachable, disk full, failing updates."""

import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa
from psycopg import sql

from digest.db import Database


@contextmanager
def full_disk_on_request() -> Iterator[Callable[[], None]]:
    """Yield a function after whose call no file of this process can grow: a full disk for the database."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def open_other_connection(store: Database) -> Iterator[sqlite3.Connection]:
    """Yield a second connection to the SQLite database, as another program has one."""
    assert store.file is not None
    connection = sqlite3.connect(store.file, isolation_level=None)
    yield connection
    connection.close()


@contextmanager
def short_lock_timeout(store: Database) -> Iterator[None]:
    """On SQLite, let a lock be waited for only 30 ms instead of ten seconds."""

    def set_timeout(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA busy_timeout = 30")

    store.engine.dispose()
    sa.event.listen(store.engine, "checkout", set_timeout)
    yield
    sa.event.remove(store.engine, "checkout", set_timeout)


class ConnectionBlocker:
    """Makes a PostgreSQL database unreachable, as when its server is gone."""

    def __init__(self, store: Database, server: str) -> None:
        self._server = server
        self._name = str(store.engine.url.database)

    def block(self) -> None:
        """End all connections and allow no new ones."""
        self._allow("false")
        with psycopg.connect(self._server, autocommit=True) as operator:
            operator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [self._name]
            )

    def unblock(self) -> None:
        """Allow connections again."""
        self._allow("true")

    def _allow(self, value: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as operator:
            name = sql.Identifier(self._name)
            operator.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS " + value).format(name))


_FAILING_UPDATES = """
CREATE SEQUENCE failing_updates;
CREATE FUNCTION failing_updates() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE number bigint := nextval('failing_updates');
BEGIN
  IF number BETWEEN {first} AND {last} THEN
    RAISE EXCEPTION 'a fault of the test' USING ERRCODE = '{code}';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER failing_updates BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION failing_updates();
"""


def fail_updates(
    store: Database, code: str, *, table: str = "delivery", first: int = 1, last: int = 10**9
) -> None:
    """Let PostgreSQL fail the *first* to *last* update of a table with this SQLSTATE."""
    with store.engine.begin() as connection:
        connection.exec_driver_sql(_FAILING_UPDATES.format(code=code, table=table, first=first, last=last))


def restore_updates(store: Database) -> None:
    """Let the updates of the delivery table work again."""
    with store.engine.begin() as connection:
        connection.exec_driver_sql(
            "DROP TRIGGER failing_updates ON delivery; DROP FUNCTION failing_updates;"
            " DROP SEQUENCE failing_updates"
        )
