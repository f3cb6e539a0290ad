"""Which database is this, and how does one talk to it? SQLite and PostgreSQL side by side."""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic_core import PydanticSerializationError, from_json, to_json
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import StaticPool

_HALF = re.compile("[\ud800-\udfff]")
_NOTHING = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")  # a NUL as JSON writes it; after a backslash it is none
_COUNTED = {"preserve_rowcount": True}  # of INSERTs too: whoever adds a row wants to know whether it was new


def written(value: object) -> str:
    """A value as JSON that both databases hold: without NUL and halves of letters, which neither can."""
    try:
        text = to_json(value).decode()  # three times as fast as the standard library's
    except PydanticSerializationError:  # it writes no halves of letters at all
        text = _HALF.sub("", json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    return _NOTHING.sub(r"\1", text) if "\\u0000" in text else text


_COMMON: dict[str, Any] = {
    # Names stay readable in the column, because SQLite's full-text index reads them there.
    "json_serializer": written,
    "json_deserializer": from_json,  # as fast
    "execution_options": _COUNTED,
    "hide_parameters": True,  # a traceback in a log must not show an address
}
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# A machine that is cut off learns it within half a minute, not after the two hours of TCP's own patience.
CUT_OFF: dict[str, Any] = {
    "connect_timeout": 10, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}  # fmt: skip
LOST_AFTER = 20  # seconds of silence in the middle of a transaction
BUSY_AFTER = 10.0  # seconds a writer waits for another one


def engine_for(url: str, *, foreign_keys: bool = True) -> sa.Engine:
    """An engine with our ground rules; nothing is opened yet."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        given = {name: value for name, value in CUT_OFF.items() if name not in parsed.query}
        engine = sa.create_engine(parsed, pool_pre_ping=True, connect_args=given, **_COMMON)
        _let_go_of_the_lost(engine)
        return engine
    in_memory: dict[str, Any] = {} if file_of(parsed) else {"poolclass": StaticPool}
    options = {"timeout": BUSY_AFTER, "check_same_thread": False}
    engine = sa.create_engine(parsed, connect_args=options, **_COMMON, **in_memory)
    _lay_ground_rules(engine, foreign_keys=foreign_keys)
    return engine


def file_of(url: sa.URL) -> Path | None:
    """The file of an SQLite database; None for a server or a database in memory."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database))


def is_postgres(of: sa.Connection | sa.Engine | sa.Dialect) -> bool:
    """Whether this is PostgreSQL; otherwise it is SQLite."""
    dialect = of if isinstance(of, sa.Dialect) else of.dialect
    return dialect.name == "postgresql"


def _lay_ground_rules(engine: sa.Engine, *, foreign_keys: bool) -> None:
    @sa.event.listens_for(engine, "connect")
    def settle(connection: DBAPIConnection, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, see below
        for pragma in (
            "journal_mode = WAL",  # readers never wait for the writer
            "synchronous = FULL",  # what we committed survives a power cut: mail depends on it
            f"foreign_keys = {'ON' if foreign_keys else 'OFF'}",
            "secure_delete = ON",  # an erased reader is gone from the file too
            "cache_size = -4096",  # kB, of each connection: with four times as much nothing was faster
        ):
            connection.cursor().execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # A transaction that starts by reading and then writes can fail half-way; this one waits first.
        reads = connection.get_execution_options().get("reads_only", False)
        if connection.info.get("reads_only") != reads:  # SQLite forgets all its prepared statements by this
            connection.exec_driver_sql(f"PRAGMA query_only = {'ON' if reads else 'OFF'}")
            connection.info["reads_only"] = reads
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _let_go_of_the_lost(engine: sa.Engine) -> None:
    """Have PostgreSQL end what a machine left open when it froze or was cut off, with every lock it holds.

    Without it nobody could take its mail over before the server's own TCP gives up, in two hours.
    """

    @sa.event.listens_for(engine, "connect")
    def settle(connection: DBAPIConnection, _record: object) -> None:
        connection.cursor().execute(f"SET idle_in_transaction_session_timeout = '{LOST_AFTER}s'")
        connection.commit()


def insert(on: sa.Connection | sa.Dialect, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that understands ON CONFLICT."""
    return postgresql.insert(table) if is_postgres(on) else sqlite.insert(table)


def insert_many(
    connection: sa.Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Add rows to a table, except those that are there already; all values as the driver takes them.

    SQLAlchemy turns every value of every row over, which takes longer than the writing of small ones.
    """
    mark = "%s" if is_postgres(connection) else "?"
    marks = ", ".join([mark] * len(columns))
    into = f"{table.name} ({', '.join(columns)})"
    order = f"INSERT INTO {into} VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608  our own names
    connection.exec_driver_sql(order, list(rows))


def among(
    connection: sa.Connection, column: sa.ColumnElement[Any], values: Collection[Any]
) -> sa.ColumnElement[bool]:
    """`column IN values` for any number of values, as one parameter."""
    if is_postgres(connection):
        return column == sa.any_(sa.literal(list(values), postgresql.ARRAY(column.type)))
    each = sa.func.json_each(json.dumps(list(values))).table_valued("value")
    return column.in_(sa.select(each.c.value))


def storable(text: str) -> str:
    """The text without what no database can hold, and nobody can have typed."""
    return _UNSTORABLE.sub("", text)


def chunks(rows: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """The rows in pieces of at most `size`."""
    return (rows[start : start + size] for start in range(0, len(rows), size))
