"""Processes that open a database at the same moment, or keep it open until they are killed."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE

# Prints a line when it is ready, waits for one, opens the database, prints a line, and waits for the next.
_SCRIPT = """
import sys
from digest.db import Database, migrate
from digest.models.errors import DigestError
open_database = {"open": Database.open, "migrate": Database.migrate}[sys.argv[1]]
print("ready", flush=True)
sys.stdin.readline()
try:
    database = open_database(sys.argv[2])
    print("opened", database.get_version(), flush=True)
    sys.stdin.readline()
    database.close()
except DigestError as error:
    print(type(error).__name__, error, flush=True)
"""


class OpeningProcess:
    """A process that opens a database when it is told to."""

    def __init__(self, url: str, *, method: str = "open") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SCRIPT, method, url], stdin=PIPE, stdout=PIPE, text=True
        )

    def read_line(self) -> str:
        """Wait for what the process says next."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def go_on(self) -> None:
        """Let the process take its next step."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        """Kill the process at once."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def start_processes(count: int, url: str, *, method: str = "open") -> Iterator[list[OpeningProcess]]:
    """Start processes that are ready to open the database; kill them at the end."""
    processes = [OpeningProcess(url, method=method) for _ in range(count)]
    try:
        assert [process.read_line() for process in processes] == ["ready"] * count
        yield processes
    finally:
        for process in processes:
            process.kill()


def open_at_once(count: int, url: str, *, method: str = "open") -> list[str]:
    """Let so many processes open the database at the same moment; return what each of them said."""
    with start_processes(count, url, method=method) as processes:
        for process in processes:
            process.go_on()
        return [process.read_line() for process in processes]
