"""Detection of a database that is not the one which ran here last: a copy or backup must not send by itself.

Beside an SQLite file lies an `.instance` file with the database's name and how often it was opened for
sending. A foreign database has another name, an older one a smaller count. PostgreSQL itself identifies the
cluster and the database.

Copying the whole folder copies that file too, so the copy goes on sending. This is intended: it is how an
installation is moved, every day in deploy/github. No property of the machine or disk could tell a move from a
second copy.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa

from digest.db.backup import create_private_file, format_restored
from digest.db.dialects import is_postgres
from digest.db.transaction import Transaction

_INSTANCE = "instance"
_SENDERS = "senders"
_MAY_READ_CONTROL = "SELECT has_function_privilege('pg_control_system()', 'execute')"
_CLUSTER = "SELECT system_identifier FROM pg_control_system()"
_DATABASE = "SELECT oid FROM pg_database WHERE datname = current_database()"


Begin = Callable[..., AbstractContextManager[Transaction]]  # `Database.begin`


def check_instance(begin: Begin, file: Path | None) -> None:
    """Name a new database; pause one that is not the one which ran here last."""
    with begin(write=False) as tx:
        if _is_known(tx, file):
            return
    with begin(write=True) as tx:
        if _is_known(tx, file):  # by now: another process that opened it was first
            return
        stored, here, count = tx.meta.read(_INSTANCE), _get_local_name(tx.connection, file), _read_count(tx)
        name = uuid4().hex if file is not None or not here else here
        tx.meta.write(_INSTANCE, name)
        if stored:
            tx.meta.pause(format_restored(datetime.now(UTC)))
        if file is not None:  # before the end of this transaction, for which the others wait
            _write_instance_file(file, name, count)


def _is_known(tx: Transaction, file: Path | None) -> bool:
    """Return whether this is the database that ran here last."""
    stored, here = tx.meta.read(_INSTANCE), _get_local_name(tx.connection, file)
    can_tell = file is not None or is_postgres(tx.connection)
    return bool(stored) and (not can_tell or (stored == here and _read_count(tx) >= _read_local_count(file)))


def count_sender(begin: Begin, file: Path | None) -> None:
    """Count one more opening for sending, in the database first and then in the file beside it."""
    if file is None:
        return
    with begin(write=True) as tx:
        count = _read_count(tx) + 1
        tx.meta.write(_SENDERS, str(count))
        name = tx.meta.read(_INSTANCE)
    _write_instance_file(file, name, count)


def _get_local_name(connection: sa.Connection, file: Path | None) -> str:
    """Return the name under which this server or folder knows its database; empty if it knows none."""
    if is_postgres(connection):
        may_read = connection.scalar(sa.text(_MAY_READ_CONTROL))
        cluster = connection.scalar(sa.text(_CLUSTER)) if may_read else "any"
        return f"{cluster}/{connection.scalar(sa.text(_DATABASE))}"
    return _read_instance_file(file).partition(" ")[0]


def _read_count(tx: Transaction) -> int:
    return int(tx.meta.read(_SENDERS) or 0)


def _read_local_count(file: Path | None) -> int:
    count = _read_instance_file(file).partition(" ")[2]
    return int(count) if count.isdecimal() else 0


def _read_instance_file(file: Path | None) -> str:
    path = _get_instance_file(file) if file else None
    return path.read_text(encoding="ascii", errors="replace").strip() if path and path.exists() else ""


def _write_instance_file(file: Path, instance: str, count: int) -> None:
    path = _get_instance_file(file)
    partial = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    create_private_file(partial)
    partial.write_text(f"{instance} {count}\n", encoding="ascii")
    partial.replace(path)


def _get_instance_file(file: Path) -> Path:
    return file.with_name(f"{file.name}.instance")
