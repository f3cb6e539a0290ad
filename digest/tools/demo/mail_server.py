"""Where do the demo's mails arrive? A real SMTP server on loopback that keeps whatever it is given."""

import asyncio
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Self, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

LARGEST = 10 * 2**20  # bytes of one mail


@dataclass(frozen=True, slots=True)
class Received:
    """One mail as it came over the wire, with its envelope."""

    mail_from: str
    rcpt_to: tuple[str, ...]
    raw: bytes

    def message(self) -> EmailMessage:
        """The mail as a reader's program sees it."""
        return message_from_bytes(self.raw, policy=policy.default)


class MailServer:
    """An SMTP server: `async with Mailbox() as mailbox:` takes mail at `mailbox.url` until the end."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """What `DIGEST_SMTP_URL` is set to."""
        assert self._server is not None, "a mailbox is open only inside its `async with`"  # noqa: S101
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"smtp://{host}:{port}?tls=none"

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()  # nobody waits for whoever is still connected: there is nothing left to say

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802  aiosmtpd's
        """Keep the mail and say so."""
        recipients = tuple(str(address) for address in envelope.rcpt_tos)
        content = cast("bytes", envelope.original_content)
        self.received.append(Received(str(envelope.mail_from), recipients, content))
        return f"250 2.0.0 Ok: queued as sample{len(self.received):04d}"

    def _session(self) -> SMTP:
        return SMTP(self, hostname="mail.example", data_size_limit=LARGEST, enable_SMTPUTF8=True)
