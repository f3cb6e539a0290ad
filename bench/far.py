"""How many round trips does a mail take? A relay on loopback holds every byte back, and counts the turns.

A turn is a line waiting for an answer: bytes of ours go out after the server has spoken. What is written
before the last answer came (pipelining) is the same turn.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

CHUNK = 1 << 16


@dataclass(slots=True)
class Relay:
    """A far server's address, and what was counted on the way."""

    port: int = 0
    turns: int = 0
    _server: asyncio.Server | None = None


@dataclass(slots=True)
class _Call:
    """One connection through the relay."""

    relay: Relay
    pause: float  # seconds each way
    spoke_last: str = "server"

    async def carry(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Everything that comes, later; whatever is written meanwhile follows at its own time."""
        loop = asyncio.get_running_loop()
        while octets := await reader.read(CHUNK):
            if name == "client" and self.spoke_last == "server":
                self.relay.turns += 1
            self.spoke_last = name
            loop.call_later(self.pause, writer.write, octets)
        loop.call_later(self.pause, writer.close)


@contextmanager
def far(port: int, *, milliseconds: float) -> Iterator[Relay]:
    """A way to a local port that takes so long there and back."""
    relay, started, ended = Relay(), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        call = _Call(relay, milliseconds / 2000)
        with suppress(ConnectionError):
            await asyncio.gather(
                call.carry("client", reader, there_writer), call.carry("server", there_reader, writer)
            )

    async def serve() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
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
