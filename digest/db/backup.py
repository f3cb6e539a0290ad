"""Backup and restore of an SQLite file, also while it is in use."""

import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from digest.models.errors import StoreError

RESTORED = "This database was restored from a backup"


def format_restored(at: datetime) -> str:
    """Return the reason for which a restored database is paused, and how to resume it."""
    since = f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"{RESTORED}, found on {since}: look at what was sent since, then run `digest db resume`."


def create_private_file(file: Path) -> None:
    """Create a file that only its owner can read, as it will hold addresses; an existing one is unchanged."""
    with suppress(FileExistsError):
        file.touch(mode=0o600, exist_ok=False)


def copy(source: Path, target: Path, *, new_instance: bool = True) -> None:
    """Copy a database through SQLite's backup API, safe while another process writes it.

    With *new_instance* the copy gets another instance name, so that it is paused wherever it is opened.
    """
    if not target.parent.is_dir():
        raise StoreError(f"There is no folder {target.parent} to put the backup into.")
    partial = target.with_name(f"{target.name}.part")
    partial.unlink(missing_ok=True)
    try:
        create_private_file(partial)
        with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(partial)) as duplicate:
            original.backup(duplicate)
            duplicate.execute("PRAGMA journal_mode = DELETE")  # one file, without a -wal beside it
            if new_instance:
                duplicate.execute(
                    "UPDATE meta SET value = ? WHERE key = 'instance'", (f"backup-{uuid4().hex}",)
                )
            duplicate.commit()
            _check_integrity(duplicate, source)
        partial.replace(target)
    except (sqlite3.Error, OSError) as error:
        partial.unlink(missing_ok=True)
        raise StoreError(f"The backup to {target.name} did not succeed: {error}") from error


def restore(backup: Path, file: Path) -> None:
    """Replace a database that nobody has open by a backup; the result is paused.

    The former database is kept beside it as `.replaced`.
    """
    with closing(sqlite3.connect(f"file:{backup}?mode=ro", uri=True)) as connection:
        _check_integrity(connection, backup)
        _check_tables(connection, backup)
    if file.exists():
        _set_aside(file)
    copy(backup, file)
    for suffix in ("-wal", "-shm"):
        file.with_name(f"{file.name}{suffix}").unlink(missing_ok=True)
    reason = format_restored(datetime.now(UTC))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('paused', ?)", (reason,))
        connection.commit()


def _set_aside(file: Path) -> None:
    replaced = file.with_name(f"{file.name}.replaced")
    try:
        copy(file, replaced)
    except StoreError:  # too damaged to be copied through SQLite: keep its bytes
        create_private_file(replaced)
        shutil.copyfile(file, replaced)
        file.unlink()


def _check_tables(connection: sqlite3.Connection, file: Path) -> None:
    count = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'meta'").fetchone()[0]
    if not count:
        raise StoreError(f"{file.name} is no backup of a digest: it has none of its tables.")


def _check_integrity(connection: sqlite3.Connection, file: Path) -> None:
    try:
        result = connection.execute("PRAGMA quick_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{file.name} is not a sound SQLite database: {error}") from error
    if result != "ok":
        raise StoreError(f"{file.name} is not a sound SQLite database: {result}")
