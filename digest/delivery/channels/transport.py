"""Transport to channels through apprise: one message is one call of its plugin, in a thread."""

import logging
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

from anyio import move_on_after, to_thread

from digest.delivery.channels.address import load_service
from digest.delivery.channels.connection_guard import ConnectionGuard, guard_connections
from digest.delivery.channels.replies import NO_REPLY, NOT_ALLOWED, UNREADABLE
from digest.delivery.message import OutgoingMessage, SendResult, SmtpStage

CONNECT_SECONDS, READ_SECONDS = 10.0, 30.0
MAX_SECONDS = 90.0  # of one message
_CODE = re.compile(r"error=(\d{3})")
_THROTTLED = re.compile(r"throttle back", re.IGNORECASE)
_CONNECTION_FAILED = re.compile(r"(connection|communication) error", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelMessage(OutgoingMessage):
    """A message to a channel: `raw` is its text in UTF-8, `rcpt_to` the channel's address for apprise."""

    title: str
    is_markdown: bool


@dataclass(frozen=True, slots=True)
class ChannelTransport:
    """Sends channel messages. It is its own connection, always open: apprise opens one for each message."""

    name: str  # of the sender, as services show it
    home: str  # its web page
    hosts: Sequence[str]
    networks: Sequence[str] = ()

    @property
    def is_open(self) -> bool:
        """Always true."""
        return True

    @property
    def is_pipelined(self) -> bool:
        """Always false: nothing of the next message travels with this one."""
        return False

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
        with move_on_after(MAX_SECONDS):
            return await to_thread.run_sync(self.send, message, abandon_on_cancel=True)
        return SendResult(SmtpStage.DOT, NO_REPLY, "no reply")

    async def close(self) -> None:
        """Do nothing: no connection is open."""

    def abort(self) -> None:
        """Do nothing: no connection is open."""

    def send(self, message: OutgoingMessage) -> SendResult:
        """Send a `ChannelMessage` from this thread; never raise for what a service does."""
        if not isinstance(message, ChannelMessage):
            raise TypeError("a channel takes no mail")
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
