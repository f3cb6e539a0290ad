"""An outgoing message, the result of sending it, and the protocols of what can send it."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from digest.models.errors import DeliveryError

_CODE = r"([245]\.\d{1,3}\.\d{1,3})(?!\d|\.\d)"
_ENHANCED = re.compile(rf"[#(\[]{{0,2}}{_CODE}|.{{0,500}}?\(#{_CODE}\)", re.DOTALL)  # the latter: qmail
_QUEUED_AS = re.compile(r"(?:queued as|id=|queued with id)\s*<?([\w.@-]{4,80})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """A complete message: the bytes the recipient will receive, and the envelope."""

    raw: bytes
    mail_from: str
    rcpt_to: str = field(repr=False)
    smtputf8: bool = False
    envelope_id: str = ""  # comes back in delivery reports
    dotless: bool = False  # no line begins with a dot: saves the search


class SmtpStage(StrEnum):
    """How far a message had come when its result was known."""

    CONNECT = "connect"
    LOGIN = "login"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT = "dot"  # the whole body was written: from here on the server may have accepted it


@dataclass(frozen=True, slots=True)
class SendResult:
    """The last reply to a message. Code 0 means that the connection was lost without a reply."""

    stage: SmtpStage
    code: int = 0
    text: str = ""

    @property
    def is_accepted(self) -> bool:
        """Whether the server has taken responsibility for the message."""
        return self.stage is SmtpStage.DOT and 200 <= self.code < 300

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 3463) at the start of the reply, or as qmail writes it, or ""."""
        match = _ENHANCED.match(self.text)
        return match[1] or match[2] if match else ""

    @property
    def remote_id(self) -> str:
        """The server's own id of the message, or "" if it gave none."""
        match = _QUEUED_AS.search(self.text)
        return match[1] if match else ""


class Unreachable(DeliveryError):
    """No connection to the mail server could be opened; `result` says at which stage it failed."""

    def __init__(self, result: SendResult) -> None:
        super().__init__(f"{result.stage}: {result.code or 'no reply'} {result.text}".rstrip())
        self.result = result


class Connection(Protocol):
    """An open connection that sends one message after the other."""

    @property
    def is_open(self) -> bool:
        """Whether another message can be sent on it."""

    @property
    def is_pipelined(self) -> bool:
        """Whether `deliver` makes use of `next_message`."""

    async def deliver(
        self, message: OutgoingMessage, *, next_message: OutgoingMessage | None = None
    ) -> SendResult:
        """Send a message and wait for the result; never raise for what the server does.

        `next_message` is the message of the next call: its envelope may travel with this body.
        """

    async def close(self) -> None:
        """End the connection in good order."""

    def abort(self) -> None:
        """Drop the connection at once, even in the middle of a command."""


class Transport(Protocol):
    """Opens connections to one destination: a mail server, or a folder."""

    async def open(self) -> Connection:
        """Open a connection that is ready for messages. Raises Unreachable."""


class ConnectionlessTransport:
    """A transport that is its own connection: always open, and with nothing to close."""

    __slots__ = ()
    is_open = True
    is_pipelined = False  # nothing of the next message travels with this one

    async def close(self) -> None:
        """Do nothing: no connection is open."""

    def abort(self) -> None:
        """Do nothing: no connection is open."""
