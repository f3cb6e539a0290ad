"""Transport to channels through apprise: one message is one call of its plugin, in a process of its own.

A service that drips its answer, or never ends it, holds a thread and its memory for as long as it likes: a
process is killed when its time is over, and may not grow beyond its limit.
"""

import logging
import math
import re
import resource
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

from anyio import BrokenWorkerProcess, move_on_after, to_process

from digest.delivery.channels.address import load_service
from digest.delivery.channels.connection_guard import ConnectionGuard, guard_connections
from digest.delivery.channels.replies import NO_REPLY, NOT_ALLOWED, UNREADABLE
from digest.delivery.message import ConnectionlessTransport, OutgoingMessage, SendResult, SmtpStage

CONNECT_SECONDS, READ_SECONDS = 10.0, 30.0
MAX_SECONDS = 90.0  # of one message
MAX_PROCESSES = 4  # messages under way at once; a process stays for the next message
MAX_PROCESS_BYTES = 512 << 20  # of address space: an answer is kept in memory before it is read
log = logging.getLogger(__name__)
_CODE = re.compile(r"error=(\d{3})")
_THROTTLED = re.compile(r"throttle back", re.IGNORECASE)
_CONNECTION_FAILED = re.compile(r"(connection|communication) error", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelMessage(OutgoingMessage):
    """A message to a channel: `raw` is its text in UTF-8, `rcpt_to` the channel's address for apprise."""

    title: str
    is_markdown: bool


@dataclass(frozen=True, slots=True)
class ChannelTransport(ConnectionlessTransport):
    """Sends channel messages: apprise opens a connection for each."""

    name: str  # of the sender, as services show it
    home: str  # its web page
    hosts: Sequence[str]
    networks: Sequence[str] = ()
    max_seconds: float = MAX_SECONDS

    async def open(self) -> "ChannelTransport":
        """Return itself."""
        return self

    async def deliver(
        self,
        message: OutgoingMessage,
        *,
        next_message: OutgoingMessage | None = None,  # noqa: ARG002  only pipelining needs it
    ) -> SendResult:
        """Send a message and wait for the result, no longer than a slow service may take."""
        to_process.current_default_process_limiter().total_tokens = MAX_PROCESSES
        try:
            with move_on_after(self.max_seconds):
                return await to_process.run_sync(_send_within_limits, self, message, cancellable=True)
        except BrokenWorkerProcess:
            log.warning("channel process ended")
        return SendResult(SmtpStage.DOT, NO_REPLY, "no reply")

    def send(self, message: OutgoingMessage) -> SendResult:
        """Send a `ChannelMessage` from this thread.

        Raises:
            MemoryError: the answer does not fit into this process.
        """
        if not isinstance(message, ChannelMessage):
            raise TypeError("a channel takes no email")
        guard = ConnectionGuard(self.hosts, self.networks)
        service = load_service(message.rcpt_to)
        if service is None:
            return SendResult(SmtpStage.CONNECT, UNREADABLE, "the stored address cannot be read")
        service.throttle = _do_not_wait  # our queue throttles each host; a thread must not sleep for hours
        service.socket_connect_timeout, service.socket_read_timeout = CONNECT_SECONDS, READ_SECONDS
        service.asset.app_id, service.asset.app_url = self.name, self.home
        body_format = "markdown" if message.is_markdown else "text"
        with _WarningCollector() as warnings, guard_connections(guard):
            is_accepted = service.notify(
                body=message.raw.decode(), title=message.title, body_format=body_format
            )
        return _to_result(guard, warnings.lines, is_accepted=is_accepted)


def _send_within_limits(transport: ChannelTransport, message: OutgoingMessage) -> SendResult:
    """Send a message from this process, which its parent kills when it takes too long."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_PROCESS_BYTES, MAX_PROCESS_BYTES))
    for number in (signal.SIGINT, signal.SIGTERM):  # the parent gets them too, and waits for this message
        signal.signal(number, signal.SIG_IGN)
    signal.alarm(math.ceil(transport.max_seconds) + 1)  # should the parent be gone
    try:
        return transport.send(message)
    except MemoryError:
        return SendResult(SmtpStage.DOT, NO_REPLY, "the answer is too long")
    finally:
        signal.alarm(0)


def _to_result(guard: ConnectionGuard, warnings: Sequence[str], *, is_accepted: bool) -> SendResult:
    """Return the result as HTTP status, which apprise tells only in its log."""
    stage = SmtpStage.DOT if guard.has_sent else SmtpStage.CONNECT
    if is_accepted:
        return SendResult(SmtpStage.DOT, HTTPStatus.OK, "accepted")
    if guard.refused:
        return SendResult(SmtpStage.CONNECT, NOT_ALLOWED, f"{guard.refused} is not allowed")
    codes = [int(match[1]) for line in warnings if (match := _CODE.search(line))]
    if any(_THROTTLED.search(line) for line in warnings):  # Matrix
        codes = [HTTPStatus.TOO_MANY_REQUESTS]
    if codes:
        code = codes[-1] if codes[-1] >= 300 else HTTPStatus.UNPROCESSABLE_ENTITY  # "not ok" in a good answer
        return SendResult(stage, code, f"HTTP {code}")
    if not guard.has_sent or any(_CONNECTION_FAILED.search(line) for line in warnings):
        return SendResult(stage, NO_REPLY, "no reply" if guard.has_sent else "no connection")
    return SendResult(stage, HTTPStatus.UNPROCESSABLE_ENTITY, "not accepted")


def _do_not_wait(*_: object, **__: object) -> None:
    """Replace apprise's own pauses between two requests."""


class _WarningCollector(logging.Handler):
    """Collects what apprise's logger says in this thread, as a context manager."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.lines.append(record.getMessage())

    def __enter__(self) -> Self:
        logging.getLogger("apprise").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("apprise").removeHandler(self)
