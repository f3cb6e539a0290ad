"""The sender's lock of an SQLite database: an flock, which the kernel releases when the process dies."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from digest.models.errors import StoreBusy


@contextmanager
def lock_sender(file: Path | None) -> Iterator[None]:
    """Hold the sender's lock beside a database file, or raise StoreBusy at once; no file, no lock."""
    if file is None:
        yield
        return
    with file.with_name(f"{file.name}.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreBusy(f"Another process is sending from {file.name}; wait until it is done.") from error
        yield
