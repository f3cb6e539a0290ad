"""SMTP replies over an asyncio transport: in order, each with a deadline and a size limit."""

import asyncio
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

MAX_LINE_BYTES = 8192
MAX_REPLY_BYTES = 32768


class ConnectionLost(Exception):
    """The connection is closed, silent or sends nonsense; nothing more can be read from it."""


class SmtpReply(NamedTuple):  # four for every message: made in half the time of a dataclass
    """One complete reply; the lines of a multi-line reply are joined by spaces."""

    code: int
    text: str


class SmtpProtocol(asyncio.Protocol):
    """Writes commands to and reads replies from a connection that is already open and logged in.

    Several commands may be written at once; `read_reply` returns the replies in the order of the commands.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._lines: list[str] = []
        self._size = 0
        self._replies: deque[SmtpReply] = deque()
        self._expected = 0  # replies still to come for what was written
        self._waiter: asyncio.Future[None] | None = None
        self._timeout = 0.0  # of the present wait, which ends at the deadline
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._closed = self._loop.create_future()
        self.lost_reason = ""  # why nothing will come any more
        transport.set_protocol(self)

    def write(self, *parts: bytes, replies: int = 1) -> None:
        """Send what the server answers with *replies* replies; a failure shows in the next `read_reply`."""
        self._expected += replies
        if not self.lost_reason:
            self._transport.writelines(parts)

    async def read_reply(self, timeout: float) -> SmtpReply:  # noqa: ASYNC109  RFC 5321 sets a deadline for each reply
        """Return the next reply. Raises ConnectionLost when none comes within *timeout* seconds, or ever."""
        if not self._replies:
            if self.lost_reason:
                raise ConnectionLost(self.lost_reason)
            self._set_deadline(timeout)
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._replies.popleft()

    def skip_replies(self, codes: Sequence[int]) -> bool:
        """Drop the next replies if they are here already and have these codes; else return False."""
        if [reply.code for reply in islice(self._replies, len(codes))] != codes:
            return False
        for _ in codes:
            self._replies.popleft()
        return True

    def abort(self) -> None:
        """Drop the connection at once."""
        self._give_up(self.lost_reason or "hung up by us")

    async def close(self, max_wait: float) -> None:
        """Let the connection end in good order, then drop it after *max_wait* seconds."""
        self._transport.close()
        await asyncio.wait([self._closed], timeout=max_wait)
        self._transport.abort()

    # ---- asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        """Split received data into lines, and lines into replies."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._size += len(line)
            text = line[4:].strip().decode("utf-8", "replace")
            if self._size > MAX_REPLY_BYTES:
                self._give_up("a reply without end")
            elif line[3:4] == b"-":
                self._lines.append(text)
            else:
                code = int(line[:3]) if line[:3].isdigit() else -1
                reply = SmtpReply(code, " ".join((*self._lines, text)) if self._lines else text)
                self._lines, self._size = [], 0
                if self._expected:
                    self._expected -= 1
                    self._replies.append(reply)
                elif code == 421:  # a farewell; anything else unasked is noise that must not pass for a reply
                    self._give_up(f"421 {reply.text}")
        if self._replies and self._waiter and not self._waiter.done():
            self._waiter.set_result(None)
        if len(self._buffer) > MAX_LINE_BYTES:
            self._give_up("a reply without end")

    def eof_received(self) -> bool:
        """Note that the server closed the connection."""
        self._mark_lost("hung up by the server")
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """Note that the connection ended or broke."""
        self._mark_lost(str(error) if error else "hung up by the server")
        if not self._closed.done():
            self._closed.set_result(None)

    # ---- inside

    def _mark_lost(self, reason: str) -> None:
        self.lost_reason = self.lost_reason or reason
        if self._waiter and not self._waiter.done():
            self._waiter.set_exception(ConnectionLost(self.lost_reason))
        if self._timer:
            self._timer.cancel()

    def _set_deadline(self, seconds: float) -> None:
        """Let the present wait end after *seconds*. One timer serves many: most end long before."""
        self._timeout, self._deadline = seconds, self._loop.time() + seconds
        if self._timer and self._timer.when() > self._deadline:
            self._timer.cancel()
            self._timer = None
        if not self._timer:
            self._timer = self._loop.call_at(self._deadline, self._check_deadline)

    def _check_deadline(self) -> None:
        self._timer = None
        if self._waiter and self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._check_deadline)
        elif self._waiter:
            self._give_up(f"no reply in {self._timeout:g} s")

    def _give_up(self, reason: str) -> None:
        self._mark_lost(reason)
        self._transport.abort()
