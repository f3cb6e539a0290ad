"""An SMTP server on loopback that keeps every message it receives."""

import asyncio
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Self, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

MAX_MAIL_BYTES = 10 * 2**20


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """One message as it was received, with its envelope."""

    mail_from: str
    rcpt_to: tuple[str, ...]
    raw: bytes

    def parse(self) -> EmailMessage:
        """Return the message as a mail program sees it."""
        return message_from_bytes(self.raw, policy=policy.default)

    def get_body(self, subtype: str) -> str:
        """Return the part of this subtype, plain or html; empty if there is none."""
        body = self.parse().get_body((subtype,))
        return str(body.get_content()) if body else ""


class MailServer:
    """An SMTP server: `async with MailServer() as server:` accepts mail at `server.url` until the end."""

    def __init__(self) -> None:
        self.received: list[ReceivedMail] = []
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The value for `DIGEST_SMTP_URL`."""
        assert self._server is not None, "a mail server is open only inside its `async with`"  # noqa: S101
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"smtp://{host}:{port}?tls=none"

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, hostname="mail.example", data_size_limit=MAX_MAIL_BYTES, enable_SMTPUTF8=True),
            "127.0.0.1",
            0,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()  # open connections are not waited for: no more mail is expected

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802  aiosmtpd's
        """Keep the message and accept it."""
        recipients = tuple(str(address) for address in envelope.rcpt_tos)
        content = cast("bytes", envelope.original_content)
        self.received.append(ReceivedMail(str(envelope.mail_from), recipients, content))
        return f"250 2.0.0 Ok: queued as sample{len(self.received):04d}"
