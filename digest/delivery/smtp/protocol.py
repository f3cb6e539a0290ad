"""How are bytes exchanged with a mail server? Replies in their order, each with a deadline and a size cap."""

import asyncio
from collections import deque
from typing import NamedTuple

MOST_LINE = 8192
MOST_REPLY = 32768


class Lost(Exception):
    """The connection is gone, silent or senseless; nothing more can be learnt from it."""


class SmtpReply(NamedTuple):  # four of them for every mail: made in half the time of a dataclass
    """One complete answer; the lines of a long one are joined by spaces."""

    code: int
    text: str


class Wire(asyncio.Protocol):
    """Speaks lines over a connection that somebody else has opened and logged in.

    Several commands may be written at once; `reply` gives the answers in the order of the commands.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._buffer = b""
        self._lines: list[str] = []
        self._size = 0
        self._replies: deque[SmtpReply] = deque()
        self._awaited = 0  # replies still to come for what was written
        self._waiter: asyncio.Future[SmtpReply] | None = None
        self._closed = asyncio.get_running_loop().create_future()
        self.lost = ""  # why nothing will come any more
        transport.set_protocol(self)

    def write(self, *parts: bytes, replies: int = 1) -> None:
        """Send what will be answered by so many replies; what cannot be sent shows in the next `reply`."""
        self._awaited += replies
        if not self.lost:
            self._transport.writelines(parts)

    async def reply(self, timeout: float) -> SmtpReply:  # noqa: ASYNC109  one deadline per reply is the protocol's own rule
        """The next answer; raises Lost when there will be none, or none in time."""
        if here := self.at_hand():
            return here
        if self.lost:
            raise Lost(self.lost)
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        alarm = loop.call_later(timeout, self._give_up_after, timeout)
        try:
            return await self._waiter
        finally:
            alarm.cancel()
            self._waiter = None

    def at_hand(self) -> SmtpReply | None:
        """The next answer, if it is here already."""
        return self._replies.popleft() if self._replies else None

    def abort(self) -> None:
        """Drop the connection at once."""
        self._give_up(self.lost or "hung up by us")

    async def closed(self, patience: float) -> None:
        """Let the connection end in good order, for a moment at most."""
        self._transport.close()
        await asyncio.wait([self._closed], timeout=patience)
        self._transport.abort()

    # ---- what asyncio tells us

    def data_received(self, data: bytes) -> None:
        """Cut what arrived into lines, and lines into replies."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._line(line)
        if len(self._buffer) > MOST_LINE:
            self._give_up("a reply without end")

    def eof_received(self) -> bool:
        """The server has said its last word."""
        self._mark_lost("hung up by the server")
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """The connection broke, or ended."""
        self._mark_lost(str(error) if error else "hung up by the server")
        if not self._closed.done():
            self._closed.set_result(None)

    # ---- inside

    def _line(self, line: bytes) -> None:
        self._size += len(line)
        if self._size > MOST_REPLY:
            self._give_up("a reply without end")
            return
        text = line[4:].strip().decode("utf-8", "replace")
        if line[3:4] == b"-":
            self._lines.append(text)
            return
        code = int(line[:3]) if line[:3].isdigit() else -1
        self._arrived(SmtpReply(code, " ".join((*self._lines, text)) if self._lines else text))
        self._lines, self._size = [], 0

    def _arrived(self, reply: SmtpReply) -> None:
        if not self._awaited:  # unasked: a farewell, or noise that must not pass for an answer
            if reply.code == 421:
                self._give_up(f"421 {reply.text}")
            return
        self._awaited -= 1
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(reply)
        else:
            self._replies.append(reply)

    def _mark_lost(self, why: str) -> None:
        self.lost = self.lost or why
        if self._waiter and not self._waiter.done():
            self._waiter.set_exception(Lost(self.lost))

    def _give_up_after(self, seconds: float) -> None:
        self._give_up(f"no reply in {seconds:g} s")

    def _give_up(self, why: str) -> None:
        self._mark_lost(why)
        self._transport.abort()
