"""The differences between SQLite and PostgreSQL: engines, connection settings, upserts and JSON."""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from pydantic_core import PydanticSerializationError, from_json, to_json
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import StaticPool

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

# Without these a machine would notice a lost connection only after TCP's own two hours, not half a minute.
KEEPALIVE_OPTIONS: dict[str, Any] = {
    "connect_timeout": 10, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}  # fmt: skip
IDLE_TRANSACTION_SECONDS = 20
BUSY_SECONDS = 10.0  # for which a writer waits for another one (SQLite)
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_JSON_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")  # after an odd number of backslashes it is plain text


def dump_json(value: object) -> str:
    """Return a value as JSON without NUL and lone surrogates, which neither database can hold."""
    try:
        text = to_json(value).decode()  # three times as fast as the standard library's
    except PydanticSerializationError:  # it cannot encode lone surrogates
        text = _SURROGATE.sub("", json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    return _JSON_NUL.sub(r"\1", text) if "\\u0000" in text else text


_ENGINE_OPTIONS: dict[str, Any] = {
    "json_serializer": dump_json,  # does not escape non-ASCII: SQLite's full-text index reads the column
    "json_deserializer": from_json,  # as fast as to_json
    "execution_options": {"preserve_rowcount": True},  # for INSERT too, to see whether a row was new
    "hide_parameters": True,  # a traceback in a log must not contain an address
}


def create_engine(url: str, *, foreign_keys: bool = True) -> sa.Engine:
    """Create an engine with our settings; it does not connect yet. The options are SQLite's."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        options = {name: value for name, value in KEEPALIVE_OPTIONS.items() if name not in parsed.query}
        engine = sa.create_engine(parsed, pool_pre_ping=True, connect_args=options, **_ENGINE_OPTIONS)
        _configure_postgres(engine)
        return engine
    in_memory: dict[str, Any] = {} if find_database_file(parsed) else {"poolclass": StaticPool}
    options = {"timeout": BUSY_SECONDS, "check_same_thread": False}
    engine = sa.create_engine(parsed, connect_args=options, **_ENGINE_OPTIONS, **in_memory)
    _configure_sqlite(engine, foreign_keys=foreign_keys)
    return engine


def find_database_file(url: sa.URL) -> Path | None:
    """Return the file of an SQLite database; None for a server or a database in memory."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database))


def is_postgres(target: sa.Connection | sa.Engine | sa.Dialect) -> bool:
    """Return True for PostgreSQL, False for SQLite."""
    dialect = target if isinstance(target, sa.Dialect) else target.dialect
    return dialect.name == "postgresql"


def _configure_sqlite(engine: sa.Engine, *, foreign_keys: bool) -> None:
    @sa.event.listens_for(engine, "connect")
    def configure(connection: DBAPIConnection, _record: object) -> None:
        connection.isolation_level = None  # BEGIN is sent by the handler below
        for pragma in (
            "journal_mode = WAL",  # readers never wait for the writer
            "synchronous = FULL",  # a commit survives a power cut; delivery depends on it
            f"foreign_keys = {'ON' if foreign_keys else 'OFF'}",
            "secure_delete = ON",  # an erased subscriber is gone from the file too
            "cache_size = -4096",  # kB per connection; four times as much was not faster
        ):
            connection.cursor().execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # A transaction that reads first and then writes can fail half-way, so a writing one locks at once.
        reads_only = connection.get_execution_options().get("reads_only", False)
        if connection.info.get("reads_only") != reads_only:  # the pragma drops SQLite's prepared statements
            connection.exec_driver_sql(f"PRAGMA query_only = {'ON' if reads_only else 'OFF'}")
            connection.info["reads_only"] = reads_only
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


def _configure_postgres(engine: sa.Engine) -> None:
    """Let PostgreSQL end transactions that a frozen or disconnected machine left open, and their locks.

    Otherwise nobody could take over its deliveries before the server's TCP gives up, after two hours.
    """

    @sa.event.listens_for(engine, "connect")
    def configure(connection: DBAPIConnection, _record: object) -> None:
        connection.cursor().execute(
            f"SET idle_in_transaction_session_timeout = '{IDLE_TRANSACTION_SECONDS}s'"
        )
        connection.commit()


def insert(target: sa.Connection | sa.Dialect, table: sa.Table) -> "sqlite.Insert | postgresql.Insert":
    """Return an INSERT that supports ON CONFLICT."""
    if not is_postgres(target):
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415  heavy, and needless on SQLite

    return postgresql.insert(table)


def insert_many(
    connection: sa.Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows, except those that exist; values must be what the driver takes.

    Bypasses SQLAlchemy's conversion of values, which takes longer than inserting small rows.
    """
    mark = "%s" if is_postgres(connection) else "?"
    marks = ", ".join([mark] * len(columns))
    target = f"{table.name} ({', '.join(columns)})"
    statement = f"INSERT INTO {target} VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608  only our own names
    connection.exec_driver_sql(statement, list(rows))


def in_values(
    connection: sa.Connection, column: sa.ColumnElement[Any], values: Collection[Any]
) -> sa.ColumnElement[bool]:
    """Return `column IN values` for any number of values, as one parameter."""
    if is_postgres(connection):
        return column == sa.any_(sa.literal(list(values), sa.ARRAY(column.type)))
    items = sa.func.json_each(json.dumps(list(values)))
    return column.in_(sa.select(sa.literal_column("value")).select_from(items))


def strip_unstorable(text: str) -> str:
    """Remove NUL and lone surrogates, which no database can hold."""
    return _UNSTORABLE.sub("", text)


def split_chunks(rows: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Yield the rows in chunks of at most *size*."""
    return (rows[start : start + size] for start in range(0, len(rows), size))
