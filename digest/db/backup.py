"""Backup and restore of an SQLite file, also while it is in use, and the search for damage in it."""

import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from digest.db.file_lock import lock_for_replacement
from digest.db.migrate import check_step
from digest.models.errors import StoreError

RESTORED = "This database was restored from a backup"
MAX_SHOWN_PROBLEMS = 5


def format_restored(at: datetime) -> str:
    """Return the reason for which a restored database is paused, and how to resume it."""
    since = f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"{RESTORED}, found on {since}: look at what was sent since, then run `digest db resume`."


def create_private_file(file: Path) -> None:
    """Create a file that only its owner can read, as it will hold addresses; an existing one is unchanged."""
    with suppress(FileExistsError):
        file.touch(mode=0o600, exist_ok=False)


def find_free_name(file: Path) -> Path:
    """Return this name, or the first of `name.2.suffix`, `name.3.suffix` … that no file has."""
    name, number = file, 1
    while name.exists():
        number += 1
        name = file.with_name(f"{file.stem}.{number}{file.suffix}")
    return name


def copy(source: Path, target: Path, *, new_instance: bool = True) -> None:
    """Copy a database through SQLite's backup API, safe while another process writes it, and check the copy.

    The target is only replaced by a sound copy. With *new_instance* the copy gets another instance name, so
    that it is paused wherever it is opened.
    """
    staged = _stage(source, target, new_instance=new_instance)
    try:
        staged.replace(target)
    except OSError as error:
        staged.unlink()
        raise StoreError(f"The backup to {target.name} did not succeed: {error}") from error


def restore(backup: Path, file: Path) -> None:
    """Replace a database by a backup; the result is paused.

    The former database is kept beside it as `.replaced`. The backup is checked first.

    Raises:
        StoreBusy: another process has the database open.
        StoreError: the backup is damaged, or of something else, or of a newer program; nothing was changed.
    """
    if file.exists() and file.samefile(backup):
        raise StoreError(f"{backup.name} is the database itself; name the backup to put in its place.")
    with lock_for_replacement(file):
        staged = _stage(backup, file, new_instance=True)
        try:
            with closing(sqlite3.connect(staged)) as connection:
                reason = format_restored(datetime.now(UTC))
                connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('paused', ?)", (reason,))
                connection.commit()
            if file.exists():
                _set_aside(file)
            for suffix in ("-wal", "-shm"):  # of the former file: SQLite would apply them to the new one
                file.with_name(f"{file.name}{suffix}").unlink(missing_ok=True)
            staged.replace(file)
        finally:
            staged.unlink(missing_ok=True)


def connect(file: Path) -> sqlite3.Connection:
    """Return a connection to an existing file; sqlite3's own function would create a missing one."""
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True)


def list_damage(connection: sqlite3.Connection) -> list[str]:
    """Return what is wrong with the pages, indexes, references and full text of a database."""
    try:
        problems = [row[0] for row in connection.execute(f"PRAGMA integrity_check({MAX_SHOWN_PROBLEMS})")]
        if problems != ["ok"]:
            return problems
        orphans = connection.execute("PRAGMA foreign_key_check").fetchmany(MAX_SHOWN_PROBLEMS)
        if orphans:
            return [f"a row of {table} refers to a missing row of {other}" for table, _, other, _ in orphans]
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'paper_text'").fetchone():
            connection.execute("INSERT INTO paper_text (paper_text, rank) VALUES ('integrity-check', 1)")
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return []


def rotate(folder: Path, stem: str, *, keep: int) -> list[Path]:
    """Remove all but the newest *keep* backups of a folder, and return those that remain, newest first."""
    backups = sorted(folder.glob(f"{stem}-*.sqlite3"), reverse=True)  # their names hold the time
    for old in backups[keep:]:
        old.unlink()
    return backups[:keep]


def _stage(source: Path, target: Path, *, new_instance: bool) -> Path:
    """Return a sound copy of a database, in a private file beside *target*."""
    if not target.parent.is_dir():
        raise StoreError(f"There is no folder {target.parent} to put the backup into.")
    staged = target.with_name(f".{target.name}.{uuid4().hex[:8]}.part")
    try:
        create_private_file(staged)
        with closing(connect(source)) as original, closing(sqlite3.connect(staged)) as duplicate:
            original.backup(duplicate)
            duplicate.execute("PRAGMA journal_mode = DELETE")  # one file, without a -wal beside it
        with closing(sqlite3.connect(staged)) as connection:
            _check(connection, source)
            if new_instance:
                instance = f"backup-{uuid4().hex}"
                connection.execute("UPDATE meta SET value = ? WHERE key = 'instance'", (instance,))
            connection.commit()
    except BaseException as error:
        staged.unlink(missing_ok=True)
        if type(error) is sqlite3.DatabaseError:  # its subclasses are about locks, space and programs
            raise StoreError(f"{source.name} is not a sound SQLite database: {error}") from error
        if isinstance(error, sqlite3.Error | OSError):
            raise StoreError(f"{source.name} could not be copied: {error}") from error
        raise
    return staged


def _check(connection: sqlite3.Connection, file: Path) -> None:
    """Raise StoreError for a damaged database, and for one that is not ours or of a newer program."""
    if damage := list_damage(connection):
        raise StoreError(f"{file.name} is not a sound SQLite database: {'; '.join(damage)}")
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    if not {"meta", "alembic_version"} <= tables:
        raise StoreError(f"{file.name} is not a backup of digest: it has none of its tables.")
    check_step((connection.execute("SELECT version_num FROM alembic_version").fetchone() or ("",))[0])


def _set_aside(file: Path) -> None:
    replaced = find_free_name(file.with_name(f"{file.name}.replaced"))
    try:
        copy(file, replaced)
    except StoreError:  # too damaged to be copied through SQLite: keep its bytes
        create_private_file(replaced)
        shutil.copyfile(file, replaced)
