"""How tests take the database away: locked by another, out of reach, full, or unlucky."""

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
    """From the request on no file of this process grows: what a full disk does to a database."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def intruder(store: Database) -> Iterator[sqlite3.Connection]:
    """Another program with the SQLite database open."""
    assert store.file is not None
    connection = sqlite3.connect(store.file, isolation_level=None)
    yield connection
    connection.close()


@contextmanager
def hasty(store: Database) -> Iterator[None]:
    """On SQLite, nobody waits ten seconds for a lock."""

    def hurry(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA busy_timeout = 30")

    store.engine.dispose()
    sa.event.listen(store.engine, "checkout", hurry)
    yield
    sa.event.remove(store.engine, "checkout", hurry)


class Doorman:
    """Lets nobody into a PostgreSQL database, and throws out who is there: as when its server is gone."""

    def __init__(self, store: Database, server: str) -> None:
        self._server = server
        self._name = str(store.engine.url.database)

    def close(self) -> None:
        """From now on."""
        self._allow("false")
        with psycopg.connect(self._server, autocommit=True) as operator:
            operator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [self._name]
            )

    def open(self) -> None:
        """And back again."""
        self._allow("true")

    def _allow(self, word: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as operator:
            name = sql.Identifier(self._name)
            operator.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS " + word).format(name))


_TROUBLE = """
CREATE SEQUENCE trouble;
CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF nextval('trouble') BETWEEN {first} AND {last} THEN
    RAISE EXCEPTION 'as told' USING ERRCODE = '{code}';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER trouble BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION trouble();
"""


def trouble(
    store: Database, code: str, *, table: str = "delivery", first: int = 1, last: int = 10**9
) -> None:
    """PostgreSQL answers the updates of a table, from one on and up to another, with this SQLSTATE."""
    with store.engine.begin() as connection:
        connection.exec_driver_sql(_TROUBLE.format(code=code, table=table, first=first, last=last))


def mend(store: Database) -> None:
    """No trouble any more."""
    with store.engine.begin() as connection:
        connection.exec_driver_sql(
            "DROP TRIGGER trouble ON delivery; DROP FUNCTION trouble; DROP SEQUENCE trouble"
        )
