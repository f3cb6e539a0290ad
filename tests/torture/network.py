"""Network faults for tests: a TCP proxy that can be cut, and a network namespace that can be taken down."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

HOST, GUEST = "10.213.77.1", "10.213.77.2"


@dataclass(slots=True)
class TcpProxy:
    """A TCP proxy on loopback that can be cut: then nothing arrives, and no connection is closed."""

    socket: str | int  # the path of a server's socket, or its port
    host: str = "127.0.0.1"  # the address it listens on
    port: int = 0
    is_cut: bool = False
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["TcpProxy"]:
        """Listen on a free port."""
        server = await asyncio.start_server(self._serve, self.host, 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.restore()

    def cut(self) -> None:
        """Forward nothing more, without closing a connection."""
        self.is_cut = True

    def restore(self) -> None:
        """Forward new connections again; drop those from before."""
        self.is_cut = False
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            self._writers.append(writer)
            return
        server_reader, server_writer = await self._connect()
        self._writers += [writer, server_writer]
        await asyncio.gather(self._forward(reader, server_writer), self._forward(server_reader, writer))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.socket, int):
            return await asyncio.open_connection("127.0.0.1", self.socket)
        return await asyncio.open_unix_connection(self.socket)

    async def _forward(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while chunk := await source.read(2**16):
                if not self.is_cut:
                    sink.write(chunk)
            sink.close()


@dataclass(frozen=True, slots=True)
class NetworkNamespace:
    """A Linux network namespace for one machine, with a pair of interfaces into it."""

    name: str
    database: str
    smtp: str

    @property
    def command_prefix(self) -> Sequence[str]:
        """The words before a command that is to run in it."""
        return "ip", "netns", "exec", self.name

    def down(self) -> None:
        """Take the network down: nothing arrives, and no connection is closed."""
        _ip("link", "set", _interface_name(), "down")

    def up(self) -> None:
        """Bring the network back, and every connection that was not given up."""
        _ip("link", "set", _interface_name(), "up")


@asynccontextmanager
async def open_network_namespace(
    socket: str, *, database: str, smtp_port: int
) -> AsyncIterator[NetworkNamespace | None]:
    """Open a namespace that can reach the database and the mail server; None without permission."""
    name, interface = f"digest-{os.getpid()}", _interface_name()
    if not _create_namespace(name):
        yield None
        return
    try:
        _ip("link", "add", interface, "type", "veth", "peer", "name", "far", "netns", name)
        _ip("addr", "add", f"{HOST}/30", "dev", interface)
        _ip("link", "set", interface, "up")
        _ip("-n", name, "addr", "add", f"{GUEST}/30", "dev", "far")
        _ip("-n", name, "link", "set", "far", "up")
        async with TcpProxy(socket, HOST).running() as postgres, TcpProxy(smtp_port, HOST).running() as mail:
            url = f"postgresql+psycopg://postgres@{HOST}:{postgres.port}/{database}"
            yield NetworkNamespace(name, url, f"smtp://{HOST}:{mail.port}?tls=none")
    finally:
        _ip("netns", "del", name)


def _interface_name() -> str:
    return f"dg{os.getpid()}"


def _create_namespace(name: str) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode == 0
    return False


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], capture_output=True, check=True)
