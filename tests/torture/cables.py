"""How is a machine cut off? By a cable that carries nothing more, or by taking a whole network down."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

HOST, GUEST = "10.213.77.1", "10.213.77.2"


@dataclass(slots=True)
class Cable:
    """The way of one machine to the database: TCP on loopback, until it is cut. Nobody is told of the cut."""

    socket: str | int  # the path of a server's socket, or its port
    host: str = "127.0.0.1"  # where this end is
    port: int = 0
    is_cut: bool = False
    _ends: list[asyncio.StreamWriter] = field(default_factory=list)

    @asynccontextmanager
    async def laid(self) -> AsyncIterator["Cable"]:
        """Lay it."""
        server = await asyncio.start_server(self._join, self.host, 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.mend()

    def cut(self) -> None:
        """From now on nothing arrives, and no connection ends."""
        self.is_cut = True

    def mend(self) -> None:
        """The way is open again; what was connected before is not any more."""
        self.is_cut = False
        for end in self._ends:
            end.transport.abort()
        self._ends.clear()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            self._ends.append(writer)
            return
        far_reader, far_writer = await self._reach()
        self._ends += [writer, far_writer]
        await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.socket, int):
            return await asyncio.open_connection("127.0.0.1", self.socket)
        return await asyncio.open_unix_connection(self.socket)

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await source.read(2**16):
                if not self.is_cut:
                    sink.write(piece)
            sink.close()


@dataclass(frozen=True, slots=True)
class Network:
    """A network of its own with one machine in it: a namespace, and a pair of interfaces into it."""

    name: str
    database: str
    smtp: str

    @property
    def entrance(self) -> Sequence[str]:
        """What a command is started with, to run in there."""
        return "ip", "netns", "exec", self.name

    def down(self) -> None:
        """Nothing arrives any more, and nobody is told."""
        _ip("link", "set", _interface(), "down")

    def up(self) -> None:
        """The network is back, and with it every connection that was not given up."""
        _ip("link", "set", _interface(), "up")


@asynccontextmanager
async def network(socket: str, *, database: str, smtp_port: int) -> AsyncIterator[Network | None]:
    """A network from which database and mail server can be reached; None where we may not make one."""
    name, ours = f"digest-{os.getpid()}", _interface()
    if not _may(name):
        yield None
        return
    try:
        _ip("link", "add", ours, "type", "veth", "peer", "name", "far", "netns", name)
        _ip("addr", "add", f"{HOST}/30", "dev", ours)
        _ip("link", "set", ours, "up")
        _ip("-n", name, "addr", "add", f"{GUEST}/30", "dev", "far")
        _ip("-n", name, "link", "set", "far", "up")
        async with Cable(socket, HOST).laid() as books, Cable(smtp_port, HOST).laid() as mail:
            url = f"postgresql+psycopg://postgres@{HOST}:{books.port}/{database}"
            yield Network(name, url, f"smtp://{HOST}:{mail.port}?tls=none")
    finally:
        _ip("netns", "del", name)


def _interface() -> str:
    return f"dg{os.getpid()}"


def _may(name: str) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode == 0
    return False


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], capture_output=True, check=True)
