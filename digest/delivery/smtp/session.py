"""How is one letter after the other handed over? In lock-step, or with the next envelope behind this body."""

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from digest.delivery.message import OutgoingMessage, SendResult, SmtpStage
from digest.delivery.smtp.protocol import Lost, SmtpReply, Wire

_OK = range(200, 300)
_PLAIN = re.compile(r"[!-*,-<>-~]+")  # printable ASCII without + and =


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds the server may take for its answers (RFC 5321, 4.5.3.2)."""

    connect: float = 60
    command: float = 300
    dot: float = 600  # a shorter one makes doubles: the server works on while we give up
    quit: float = 5


class SmtpLine:
    """A connection on which letters are handed over.

    With PIPELINING a body, its dot and the next letter's envelope go in one write: about one round
    trip per mail instead of four.
    """

    def __init__(
        self, wire: Wire, extensions: Mapping[str, str], *, patience: Patience, pipelining: bool = True
    ) -> None:
        self._wire = wire
        self._offers = extensions
        self._patience = patience
        self._pipelines = pipelining and "pipelining" in extensions
        self._announced: OutgoingMessage | None = (
            None  # its envelope is written, the replies are still to come
        )
        self._resets = False  # a refused envelope is still open at the server
        self._said_421 = False

    @property
    def is_open(self) -> bool:
        """Whether another letter may be tried."""
        return not self._wire.lost and not self._said_421

    @property
    def offers(self) -> Mapping[str, str]:
        """The extensions the server named, in small letters, each with its parameter."""
        return self._offers

    @property
    def looks_ahead(self) -> bool:
        """Whether the next letter's envelope travels with this body."""
        return self._pipelines

    async def deliver(self, letter: OutgoingMessage, *, ahead: OutgoingMessage | None = None) -> SendResult:
        """Hand over one letter. Nothing the server does raises; it is an outcome."""
        refused = self._unsuitable(letter) or await self._introduce(letter)
        return refused or await self._hand_over(letter, ahead)

    async def close(self) -> None:
        """Say QUIT if the server still listens and expects a command, and hang up."""
        if self.is_open and self._announced is None:
            self._wire.write(b"QUIT\r\n")
            with contextlib.suppress(Lost):
                await self._wire.reply(self._patience.quit)
        await self._wire.closed(self._patience.quit)

    def abort(self) -> None:
        """Drop the connection: a body without its dot was never sent."""
        self._wire.abort()

    # ---- the envelope

    def _unsuitable(self, letter: OutgoingMessage) -> SendResult | None:
        if letter.smtputf8 and "smtputf8" not in self._offers:
            return SendResult(SmtpStage.MAIL, 553, "5.6.7 the server does not offer SMTPUTF8")
        limit = self._offers.get("size", "").strip()
        if limit.isdigit() and 0 < int(limit) < len(letter.raw):
            return SendResult(SmtpStage.MAIL, 552, f"5.3.4 the server takes at most {limit} bytes")
        return None

    async def _introduce(self, letter: OutgoingMessage) -> SendResult | None:
        """MAIL, RCPT and DATA; None when the server is waiting for the body."""
        try:
            if self._pipelines:
                return await self._introduce_at_once(letter)
            return await self._introduce_in_lock_step(letter)
        except _Failed as failed:
            return failed.outcome

    async def _introduce_at_once(self, letter: OutgoingMessage) -> SendResult | None:
        if self._announced is not letter:
            self._announce(letter)
        resetting, self._resets = self._resets, False
        self._announced = None
        if resetting:
            await self._answer(SmtpStage.MAIL)
        mail, rcpt, ready = [
            await self._answer(step) for step in (SmtpStage.MAIL, SmtpStage.RCPT, SmtpStage.DATA)
        ]
        refused = self._refusal(mail, rcpt, ready)
        if refused and ready.code == 354:
            await self._send_nothing()
        return refused

    async def _introduce_in_lock_step(self, letter: OutgoingMessage) -> SendResult | None:
        if self._resets:
            self._resets = False
            self._wire.write(b"RSET\r\n")
            await self._answer(SmtpStage.MAIL)
        replies: list[SmtpReply] = []
        for step, command in zip(
            (SmtpStage.MAIL, SmtpStage.RCPT, SmtpStage.DATA), self._envelope(letter), strict=True
        ):
            self._wire.write(command)
            replies.append(await self._answer(step))
            if refused := self._refusal(*replies):
                return refused
        return None

    def _announce(self, letter: OutgoingMessage) -> None:
        self._wire.write(*self._announcement(letter), replies=4 if self._resets else 3)

    def _announcement(self, letter: OutgoingMessage) -> tuple[bytes, ...]:
        self._announced = letter
        return (b"RSET\r\n" if self._resets else b"", *self._envelope(letter))

    def _envelope(self, letter: OutgoingMessage) -> tuple[bytes, bytes, bytes]:
        mail, rcpt = self._parameters(letter)
        coding = "utf-8" if letter.smtputf8 else "ascii"
        return (
            f"MAIL FROM:<{letter.mail_from}>{mail}\r\n".encode(coding),
            f"RCPT TO:<{letter.rcpt_to}>{rcpt}\r\n".encode(coding),
            b"DATA\r\n",
        )

    def _parameters(self, letter: OutgoingMessage) -> tuple[str, str]:
        mail = rcpt = ""
        if "size" in self._offers:
            mail += f" SIZE={len(letter.raw)}"
        if letter.smtputf8:
            mail += " BODY=8BITMIME SMTPUTF8"
        if "dsn" in self._offers:
            mail += " RET=HDRS" + (f" ENVID={_xtext(letter.envelope_id)}" if letter.envelope_id else "")
            kind = "utf-8" if letter.smtputf8 else "rfc822"
            rcpt += f" NOTIFY=FAILURE ORCPT={kind};{_xtext(letter.rcpt_to)}"
        return mail, rcpt

    def _refusal(self, *replies: SmtpReply) -> SendResult | None:
        """The first reply that is not the one we hoped for."""
        for step, reply in zip((SmtpStage.MAIL, SmtpStage.RCPT, SmtpStage.DATA), replies, strict=False):
            if step is SmtpStage.DATA and reply.code == 354:
                continue
            if step is SmtpStage.DATA or reply.code not in _OK:
                self._resets = True
                return SendResult(step, reply.code, reply.text)
        return None

    async def _send_nothing(self) -> None:
        """The server wants the body of a letter it refused: it gets an empty one (RFC 2920, 3.1)."""
        self._wire.write(b".\r\n")
        await self._answer(SmtpStage.DATA)

    # ---- the body

    async def _hand_over(self, letter: OutgoingMessage, ahead: OutgoingMessage | None) -> SendResult:
        if self._wire.lost:
            return SendResult(SmtpStage.DATA, 0, self._wire.lost)
        follows: tuple[bytes, ...] = ()
        if ahead and self._pipelines and not self._unsuitable(ahead):
            follows = self._announcement(ahead)
        self._wire.write(*_body(letter), *follows, replies=4 if follows else 1)
        try:
            reply = await self._answer(SmtpStage.DOT, self._patience.dot)
        except _Failed as failed:
            return failed.outcome
        return SendResult(SmtpStage.DOT, reply.code, reply.text)

    async def _answer(self, step: SmtpStage, patience: float | None = None) -> SmtpReply:
        try:
            reply = self._wire.at_hand() or await self._wire.reply(patience or self._patience.command)
        except Lost as lost:
            raise _Failed(SendResult(step, 0, str(lost))) from lost
        if reply.code == 421:
            self._said_421 = True
            if step is not SmtpStage.DOT:
                raise _Failed(SendResult(step, reply.code, reply.text))
        return reply


class _Failed(Exception):
    """The conversation is over before its end."""

    def __init__(self, outcome: SendResult) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome


def _body(letter: OutgoingMessage) -> tuple[bytes, ...]:
    """The bytes between DATA and its reply: dots at line starts doubled, nothing else touched."""
    raw = letter.raw
    if not letter.dotless:
        raw = raw.replace(b"\n.", b"\n..")
        raw = b"." + raw if raw.startswith(b".") else raw
    return (raw, b".\r\n" if raw.endswith(b"\r\n") else b"\r\n.\r\n")


def _xtext(text: str) -> str:
    """Printable ASCII as RFC 3461 wants it; an address beyond ASCII stays as it is."""
    if _PLAIN.fullmatch(text):
        return text
    return "".join(
        c if c.isalnum() or ("!" <= c <= "~" and c not in "+=") else f"+{ord(c):02X}" for c in text
    )
