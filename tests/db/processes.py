"""Processes that open a database at the same moment, or keep it open until they are killed."""

from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection

from digest.db import Database
from digest.models.errors import DigestError

# Each process is forked from one that has imported the program, which alone takes a second.
_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])


def _open(method: str, url: str, parent: Connection) -> None:
    """Say when the process is ready, wait, open the database, say what happened, and wait again."""
    parent.send("ready")
    parent.recv()
    try:
        database = Database.migrate(url) if method == "migrate" else Database.open(url)
        parent.send(f"opened {database.get_version()}")
        parent.recv()
        database.close()
    except DigestError as error:
        parent.send(f"{type(error).__name__} {error}")


class OpeningProcess:
    """A process that opens a database when it is told to."""

    def __init__(self, url: str, *, method: str = "open") -> None:
        self._child, parent = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_open, args=(method, url, parent))
        self._process.start()
        parent.close()

    def read_line(self) -> str:
        """Wait for what the process says next."""
        return str(self._child.recv())

    def go_on(self) -> None:
        """Let the process take its next step."""
        self._child.send(None)

    def kill(self) -> None:
        """Kill the process at once."""
        self._process.kill()
        self._process.join()
        self._child.close()


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
