"""TCP relay on loopback that delays every byte and counts round trips.

A round trip is counted when the client sends after the server has spoken. What is written before the last
answer came (pipelining) belongs to the same round trip.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

CHUNK_BYTES = 1 << 16


@dataclass(slots=True)
class Relay:
    """Address of the relay, and the round trips it counted."""

    port: int = 0
    round_trips: int = 0
    _server: asyncio.Server | None = None


@dataclass(slots=True)
class _Connection:
    """One connection through the relay."""

    relay: Relay
    delay: float  # seconds each way
    last_sender: str = "server"

    async def forward(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward everything that arrives, each piece after the delay."""
        loop = asyncio.get_running_loop()
        while data := await reader.read(CHUNK_BYTES):
            if name == "client" and self.last_sender == "server":
                self.relay.round_trips += 1
            self.last_sender = name
            loop.call_later(self.delay, writer.write, data)
        loop.call_later(self.delay, writer.close)


@contextmanager
def run_relay(port: int, *, milliseconds: float) -> Iterator[Relay]:
    """Run a relay to a local port that adds *milliseconds* of round-trip time."""
    relay, started, ended = Relay(), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
        connection = _Connection(relay, milliseconds / 2000)
        with suppress(ConnectionError):
            await asyncio.gather(
                connection.forward("client", reader, server_writer),
                connection.forward("server", server_reader, writer),
            )

    async def serve() -> None:
        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        relay.port = server.sockets[0].getsockname()[1]
        started.set()
        await ended.wait()
        server.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    started.wait()
    yield relay
    loop.call_soon_threadsafe(ended.set)
    thread.join(5)
