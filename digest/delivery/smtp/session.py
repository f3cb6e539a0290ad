"""SMTP transactions over one connection: one command at a time, or pipelined (RFC 2920)."""

import contextlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from digest.delivery.message import OutgoingMessage, SendResult, SmtpStage
from digest.delivery.smtp.protocol import ConnectionLost, SmtpProtocol, SmtpReply

_OK = range(200, 300)
_PLAIN = re.compile(r"[!-*,-<>-~]+")  # printable ASCII without + and =
_SIZE = re.compile(r"[0-9]{1,20}")  # RFC 1870; isdigit() is true for ² too, of which int() makes no number
_ENVELOPE_STAGES = (SmtpStage.MAIL, SmtpStage.RCPT, SmtpStage.DATA)
_GO_AHEAD = [250, 250, 354]  # the usual replies to them


@dataclass(frozen=True, slots=True)
class SmtpTimeouts:
    """How many seconds the server may take for its replies (RFC 5321, 4.5.3.2)."""

    connect: float = 60
    command: float = 300
    dot: float = 600  # shorter makes duplicates: the server may still accept after we give up
    quit: float = 5


class SmtpConnection:
    """An SMTP connection that sends one message after the other.

    With PIPELINING a body, its final dot and the next message's envelope go in one write: about one round
    trip per message instead of four.
    """

    def __init__(
        self,
        protocol: SmtpProtocol,
        extensions: Mapping[str, str],
        *,
        timeouts: SmtpTimeouts,
        pipelining: bool = True,
    ) -> None:
        self._protocol = protocol
        self.extensions = extensions  # that the server offers, in small letters, each with its parameter
        self._timeouts = timeouts
        limit = extensions.get("size", "").strip()
        self._max_bytes = (int(limit) or math.inf) if _SIZE.fullmatch(limit) else math.inf
        self.is_pipelined = pipelining and "pipelining" in extensions
        self._announced: OutgoingMessage | None = None  # its envelope is written, the replies are not read
        self._needs_reset = False  # a refused envelope is still open at the server
        self._got_421 = False

    @property
    def is_open(self) -> bool:
        """Whether another message may be tried."""
        return not self._protocol.lost_reason and not self._got_421

    async def deliver(
        self, message: OutgoingMessage, *, next_message: OutgoingMessage | None = None
    ) -> SendResult:
        """Send one message; whatever the server does is a result, never an exception."""
        try:
            return (
                self._check_extensions(message)
                or await self._send_envelope(message)
                or await self._send_body(message, next_message)
            )
        except _SessionFailed as failed:
            return failed.result

    async def check_sender(self, address: str) -> SendResult | None:
        """Return why the server takes no mail from an ASCII address, None if it does; nothing is sent."""
        self._protocol.write(f"MAIL FROM:<{address}>\r\n".encode("ascii"))
        try:
            refusal = self._find_refusal(await self._read_reply(SmtpStage.MAIL))
        except _SessionFailed as failed:
            return failed.result
        self._needs_reset = True
        return refusal

    async def close(self) -> None:
        """Send QUIT if the server expects a command, and close the connection."""
        if self.is_open and self._announced is None:
            self._protocol.write(b"QUIT\r\n")
            with contextlib.suppress(ConnectionLost):
                await self._protocol.read_reply(self._timeouts.quit)
        await self._protocol.close(self._timeouts.quit)

    def abort(self) -> None:
        """Drop the connection: a body without its final dot was never sent."""
        self._protocol.abort()

    # ---- the envelope

    def _check_extensions(self, message: OutgoingMessage) -> SendResult | None:
        """Return a refusal if the server cannot take this message by what it offers."""
        if message.smtputf8 and "smtputf8" not in self.extensions:
            return SendResult(SmtpStage.MAIL, 553, "5.6.7 the server does not offer SMTPUTF8")
        if len(message.raw) > self._max_bytes:
            return SendResult(SmtpStage.MAIL, 552, f"5.3.4 the server takes at most {self._max_bytes} bytes")
        return None

    async def _send_envelope(self, message: OutgoingMessage) -> SendResult | None:
        """Send MAIL, RCPT and DATA; None when the server is waiting for the body."""
        if not self.is_pipelined:
            return await self._send_envelope_stepwise(message)
        if self._announced is not message:
            self._protocol.write(self._announce(message), replies=4 if self._needs_reset else 3)
        was_reset, self._needs_reset, self._announced = self._needs_reset, False, None
        if not was_reset and self._protocol.skip_replies(_GO_AHEAD):
            return None
        if was_reset:
            await self._read_reply(SmtpStage.MAIL)
        mail, rcpt, data = [await self._read_reply(stage) for stage in _ENVELOPE_STAGES]
        refusal = self._find_refusal(mail, rcpt, data)
        if refusal and data.code == 354:  # it wants a body all the same: an empty one (RFC 2920, 3.1)
            self._protocol.write(b".\r\n")
            await self._read_reply(SmtpStage.DATA)
        return refusal

    async def _send_envelope_stepwise(self, message: OutgoingMessage) -> SendResult | None:
        if self._needs_reset:
            self._needs_reset = False
            self._protocol.write(b"RSET\r\n")
            await self._read_reply(SmtpStage.MAIL)
        replies: list[SmtpReply] = []
        for stage, command in zip(_ENVELOPE_STAGES, self._build_envelope(message), strict=True):
            self._protocol.write(command)
            replies.append(await self._read_reply(stage))
            if refusal := self._find_refusal(*replies):
                return refusal
        return None

    def _announce(self, message: OutgoingMessage) -> bytes:
        """Return the commands that open the transaction of this message; their replies are read later."""
        self._announced = message
        return (b"RSET\r\n" if self._needs_reset else b"") + b"".join(self._build_envelope(message))

    def _build_envelope(self, message: OutgoingMessage) -> tuple[bytes, bytes, bytes]:
        mail, rcpt = self._build_parameters(message)
        encoding = "utf-8" if message.smtputf8 else "ascii"
        return (
            f"MAIL FROM:<{message.mail_from}>{mail}\r\n".encode(encoding),
            f"RCPT TO:<{message.rcpt_to}>{rcpt}\r\n".encode(encoding),
            b"DATA\r\n",
        )

    def _build_parameters(self, message: OutgoingMessage) -> tuple[str, str]:
        mail = rcpt = ""
        if "size" in self.extensions:
            mail += f" SIZE={len(message.raw)}"
        if message.smtputf8:
            mail += " BODY=8BITMIME SMTPUTF8"
        if "dsn" in self.extensions:
            mail += " RET=HDRS" + (f" ENVID={_to_xtext(message.envelope_id)}" if message.envelope_id else "")
            kind = "utf-8" if message.smtputf8 else "rfc822"
            rcpt += f" NOTIFY=FAILURE ORCPT={kind};{_to_xtext(message.rcpt_to)}"
        return mail, rcpt

    def _find_refusal(self, *replies: SmtpReply) -> SendResult | None:
        """Return the first reply that is not the one expected."""
        for stage, reply in zip(_ENVELOPE_STAGES, replies, strict=False):
            if stage is SmtpStage.DATA and reply.code == 354:
                continue
            if stage is SmtpStage.DATA or reply.code not in _OK:
                self._needs_reset = True
                return SendResult(stage, reply.code, reply.text)
        return None

    # ---- the body

    async def _send_body(self, message: OutgoingMessage, next_message: OutgoingMessage | None) -> SendResult:
        if self._protocol.lost_reason:
            return SendResult(SmtpStage.DATA, 0, self._protocol.lost_reason)
        next_envelope = b""
        if next_message and self.is_pipelined and not self._check_extensions(next_message):
            next_envelope = self._announce(next_message)
        self._protocol.write(*_encode_body(message), next_envelope, replies=4 if next_envelope else 1)
        reply = await self._read_reply(SmtpStage.DOT, self._timeouts.dot)
        return SendResult(SmtpStage.DOT, reply.code, reply.text)

    async def _read_reply(self, stage: SmtpStage, max_wait: float | None = None) -> SmtpReply:
        try:
            reply = await self._protocol.read_reply(max_wait or self._timeouts.command)
        except ConnectionLost as error:
            raise _SessionFailed(SendResult(stage, 0, str(error))) from error
        if reply.code == 421:
            self._got_421 = True
            raise _SessionFailed(SendResult(stage, reply.code, reply.text))
        return reply


class _SessionFailed(Exception):
    """The session ended in the middle of a transaction."""

    def __init__(self, result: SendResult) -> None:
        super().__init__(result.text)
        self.result = result


def _encode_body(message: OutgoingMessage) -> tuple[bytes, ...]:
    """Return the bytes from DATA to its final dot: dots at line starts doubled, nothing else changed."""
    raw = message.raw
    if not message.dotless:
        raw = raw.replace(b"\n.", b"\n..")
        raw = b"." + raw if raw.startswith(b".") else raw
    return (raw, b".\r\n" if raw.endswith(b"\r\n") else b"\r\n.\r\n")


def _to_xtext(text: str) -> str:
    """Encode printable ASCII as xtext (RFC 3461); an address beyond ASCII stays as it is."""
    if _PLAIN.fullmatch(text):
        return text
    return "".join(
        c if c.isalnum() or ("!" <= c <= "~" and c not in "+=") else f"+{ord(c):02X}" for c in text
    )
