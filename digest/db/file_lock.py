"""Locks beside an SQLite file, by flock: the kernel releases them when a process ends, however it ends.

`FILE.lock` is held by the one process that sends. `FILE.open.lock` is shared by every process that has the
database open, and held alone while the file is replaced. `FILE.upgrade.lock` is held by the one process that
creates or migrates the database. Who can read a file can lock it, so these are for those who can read the
database.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from digest.models.errors import ConfigError, StoreBusy


def lock_sender(file: Path | None) -> AbstractContextManager[None]:
    """Hold the sender's lock beside a database file, or raise StoreBusy at once; no file, no lock."""
    return _hold(file, "lock", "Another process is sending from %s; wait until it is done.")


def lock_for_replacement(file: Path) -> AbstractContextManager[None]:
    """Hold the right to replace a database file, or raise StoreBusy if any process has it open."""
    busy = (
        "Another process has %s open, and what it writes would be lost: stop `digest serve` or "
        "`digest demo --serve`, wait until every other digest command is done, then try again."
    )
    return _hold(file, "open.lock", busy)


def lock_upgrade(file: Path | None) -> AbstractContextManager[None]:
    """Hold the right to create or migrate a database file, after waiting for the process that does.

    Without a file there is no lock. SQLite's own locks do not suffice: it reports a file that others are
    switching to WAL as locked, at once.
    """
    return _hold(file, "upgrade.lock")


def lock_open(file: Path) -> int:
    """Mark the database as open in this process, until the descriptor that is returned is closed.

    Waits while another process replaces the file.
    """
    lock = _open_lock(file, "open.lock")
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


@contextmanager
def _hold(file: Path | None, suffix: str, busy: str = "") -> Iterator[None]:
    """Hold a lock alone, after waiting for it; with *busy* raise StoreBusy with these words instead."""
    if file is None:
        yield
        return
    lock = _open_lock(file, suffix)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
        except BlockingIOError as error:
            raise StoreBusy(busy % file.name) from error
        yield
    finally:
        os.close(lock)


def _open_lock(file: Path, suffix: str) -> int:
    path = file.with_name(f"{file.name}.{suffix}")
    mode = file.stat().st_mode & 0o666 if file.exists() else 0o600
    try:
        return os.open(path, os.O_RDONLY | os.O_CREAT, mode)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be opened: {error.strerror}. DIGEST_DATABASE_URL must name a file in a folder "
            "that this user may write to."
        ) from error
