"""How is an SQLite database copied while it is in use, and put back?"""

import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from digest.models.errors import StoreError

RESTORED = "This database was restored from a backup"


def restored(at: datetime) -> str:
    """Why a database that was put back sends nothing, since when, and what lets it go on."""
    since = f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"{RESTORED}, found on {since}: look at what was sent since, then run `digest db resume`."


def beside(file: Path, label: str) -> Path:
    """Where the copy goes that is made before a migration."""
    return file.with_name(f"{file.name}.{label}.backup")


def ours_alone(file: Path) -> None:
    """Make a file that only its owner reads: it will hold addresses. One that is there stays as it is."""
    with suppress(FileExistsError):
        file.touch(mode=0o600, exist_ok=False)


def copy(source: Path, target: Path, *, as_other: bool = True) -> None:
    """Copy a database page by page through SQLite itself, so that a running writer does no harm.

    The copy says that it is another instance, so that it starts paused wherever it is put.
    """
    if not target.parent.is_dir():
        raise StoreError(f"There is no folder {target.parent} to put the backup into.")
    partial = target.with_name(f"{target.name}.part")
    partial.unlink(missing_ok=True)
    try:
        ours_alone(partial)
        with closing(sqlite3.connect(source)) as reading, closing(sqlite3.connect(partial)) as writing:
            reading.backup(writing)
            writing.execute("PRAGMA journal_mode = DELETE")  # one file, no -wal beside it
            if as_other:
                writing.execute(
                    "UPDATE meta SET value = ? WHERE key = 'instance'", (f"backup-{uuid4().hex}",)
                )
            writing.commit()
            _must_be_sound(writing, source)
        partial.replace(target)
    except (sqlite3.Error, OSError) as error:
        partial.unlink(missing_ok=True)
        raise StoreError(f"The backup to {target.name} did not succeed: {error}") from error


def restore(backup: Path, file: Path) -> None:
    """Put a backup in the place of a database that nobody has open; it starts paused.

    What stood there before is kept beside it as `.replaced`.
    """
    with closing(sqlite3.connect(f"file:{backup}?mode=ro", uri=True)) as reading:
        _must_be_sound(reading, backup)
        _must_be_ours(reading, backup)
    if file.exists():
        _set_aside(file)
    copy(backup, file)
    for leftover in (f"{file.name}-wal", f"{file.name}-shm"):
        file.with_name(leftover).unlink(missing_ok=True)
    why = restored(datetime.now(UTC))
    with closing(sqlite3.connect(file)) as opened:
        opened.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('paused', ?)", (why,))
        opened.commit()


def _set_aside(file: Path) -> None:
    aside = file.with_name(f"{file.name}.replaced")
    try:
        copy(file, aside)
    except StoreError:  # too damaged to be copied through SQLite: keep it as it is
        ours_alone(aside)
        shutil.copyfile(file, aside)
        file.unlink()


def _must_be_ours(database: sqlite3.Connection, name: Path) -> None:
    found = database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'meta'").fetchone()[0]
    if not found:
        raise StoreError(f"{name.name} is no backup of a digest: it has none of its tables.")


def _must_be_sound(database: sqlite3.Connection, name: Path) -> None:
    try:
        answer = database.execute("PRAGMA quick_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{name.name} is not a sound SQLite database: {error}") from error
    if answer != "ok":
        raise StoreError(f"{name.name} is not a sound SQLite database: {answer}")
