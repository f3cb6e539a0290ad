"""Is this the database that ran here last time? A copy that came from elsewhere must not send unasked.

Beside an SQLite file lies another one with the database's own name and the number of times it was opened
for sending. An older or foreign database shows another name, or a smaller number. PostgreSQL knows by
itself which cluster and which database it is.

A folder that is copied whole brings the file along and goes on unasked: so a house moves, every morning even
in deploy/github. No mark of the machine or the disk could tell such a move from a second copy.
"""

from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import sqlalchemy as sa

from digest.db.backup import restored
from digest.db.dialects import is_postgres
from digest.db.transaction import Transaction

_INSTANCE = "instance"
_SENDERS = "senders"
_MAY_ASK = "SELECT has_function_privilege('pg_control_system()', 'execute')"
_CLUSTER = "SELECT system_identifier FROM pg_control_system()"
_DATABASE = "SELECT oid FROM pg_database WHERE datname = current_database()"


class Begin(Protocol):
    """Store.begin."""

    def __call__(self, *, write: bool) -> AbstractContextManager[Transaction]:
        """One transaction."""
        ...


def check_instance(begin: Begin, file: Path | None) -> None:
    """Name a new database; pause one that is not what was here before."""
    with begin(write=False) as tx:
        known, here, count = tx.meta.read(_INSTANCE), _here(tx.connection, file), _count(tx)
        keeps_note = file is not None or is_postgres(tx.connection)
    if known and (not keeps_note or (known == here and count >= _remembered(file))):
        return
    with begin(write=True) as tx:
        name = uuid4().hex if file is not None or not here else here
        tx.meta.write(_INSTANCE, name)
        if known:
            tx.meta.pause(restored(datetime.now(UTC)))
    if file is not None:
        _remember(file, name, count)


def count_sender(begin: Begin, file: Path | None) -> None:
    """Count one more opening for sending: first in the database, then beside it."""
    if file is None:
        return
    with begin(write=True) as tx:
        count = _count(tx) + 1
        tx.meta.write(_SENDERS, str(count))
        known = tx.meta.read(_INSTANCE)
    _remember(file, known, count)


def _here(connection: sa.Connection, file: Path | None) -> str:
    """The name by which this place knows its database; empty when it knows none."""
    if is_postgres(connection):
        may_ask = connection.scalar(sa.text(_MAY_ASK))
        cluster = connection.scalar(sa.text(_CLUSTER)) if may_ask else "any"
        return f"{cluster}/{connection.scalar(sa.text(_DATABASE))}"
    return _note(file).partition(" ")[0]


def _count(tx: Transaction) -> int:
    return int(tx.meta.read(_SENDERS) or 0)


def _remembered(file: Path | None) -> int:
    number = _note(file).partition(" ")[2]
    return int(number) if number.isdecimal() else 0


def _note(file: Path | None) -> str:
    beside = _beside(file) if file else None
    return beside.read_text(encoding="ascii", errors="replace").strip() if beside and beside.exists() else ""


def _remember(file: Path, instance: str, count: int) -> None:
    beside = _beside(file)
    partial = beside.with_suffix(".part")
    partial.write_text(f"{instance} {count}\n", encoding="ascii")
    partial.replace(beside)


def _beside(file: Path) -> Path:
    return file.with_name(f"{file.name}.instance")
