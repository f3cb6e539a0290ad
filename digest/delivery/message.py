"""What goes over the wire, and what came back? A letter, its outcome, and the ways that can take it."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from digest.models.errors import TemporaryFailure

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s|$)")
_QUEUED_AS = re.compile(r"(?:queued as|id=|queued with id)\s*<?([\w.@-]{4,80})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """One mail, ready to go: its bytes as the reader's program will see them, and its envelope."""

    raw: bytes
    mail_from: str
    rcpt_to: str
    smtputf8: bool = False
    envelope_id: str = ""  # comes back in delivery reports
    dotless: bool = False  # no line begins with a dot: saves the search


class SmtpStage(StrEnum):
    """How far a letter had come when its outcome was known."""

    CONNECT = "connect"
    LOGIN = "login"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT = "dot"  # the whole body was written: from here on the server may have taken it


@dataclass(frozen=True, slots=True)
class SendResult:
    """The last reply a letter got. Code 0 means: no reply, the connection was lost."""

    step: SmtpStage
    code: int = 0
    text: str = ""

    @property
    def is_accepted(self) -> bool:
        """Whether the server has taken responsibility for the letter."""
        return self.step is SmtpStage.DOT and 200 <= self.code < 300

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 3463), if the reply begins with one."""
        found = _ENHANCED.match(self.text)
        return found[1] if found else ""

    @property
    def remote_id(self) -> str:
        """The name under which the server keeps the letter, if it said so."""
        found = _QUEUED_AS.search(self.text)
        return found[1] if found else ""


class Unreachable(TemporaryFailure):
    """No connection to the mail server could be made; carries how far we came."""

    def __init__(self, outcome: SendResult) -> None:
        super().__init__(f"{outcome.step}: {outcome.code or 'no reply'} {outcome.text}".rstrip())
        self.outcome = outcome


class Connection(Protocol):
    """One open way out; takes one letter after the other."""

    @property
    def is_open(self) -> bool:
        """Whether it will take another letter."""

    @property
    def looks_ahead(self) -> bool:
        """Whether `deliver` makes use of the letter that follows."""

    async def deliver(self, letter: OutgoingMessage, *, ahead: OutgoingMessage | None = None) -> SendResult:
        """Hand over a letter and wait for its outcome; never raises for what the other side does.

        `ahead` is the letter of the next call: its envelope may travel with this body.
        """

    async def close(self) -> None:
        """Say goodbye."""

    def abort(self) -> None:
        """Hang up at once, in the middle of a word."""


class Transport(Protocol):
    """A way out: a mail server, or a folder."""

    async def open(self) -> Connection:
        """A line ready for letters; raises Unreachable."""
