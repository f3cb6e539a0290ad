"""A scripted SMTP server for tests: it accepts, refuses, waits or hangs up at any stage of a session."""

import asyncio
import base64
import contextlib
import re
import ssl
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

SmtpStage = Literal[
    "greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "body", "dot", "rset", "noop", "quit"
]  # fmt: skip
EXTENSIONS = ("PIPELINING", "SIZE 10485760", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES")
_MESSAGE_ID = re.compile(rb"^message-id:\s*<([^>]*)>", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer with this reply; a 2xx at the dot accepts the message."""

    code: int
    text: str = "scripted"
    delay: float = 0.0  # seconds between accepting the message and saying so


@dataclass(frozen=True, slots=True)
class Drop:
    """Hang up without a reply; at the dot `after_accepting` the message, or not."""

    after_accepting: bool = False
    after_bytes: int = 0  # at stage "body": how much of it is read first


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait, then do something else."""

    seconds: float
    then: "Action | None" = None


@dataclass(frozen=True, slots=True)
class SlowReply:
    """Answer one byte at a time, so slowly that the reply never ends."""

    interval: float = 0.05


@dataclass(frozen=True, slots=True)
class EndlessReply:
    """Answer with a reply of endless lines."""


@dataclass(frozen=True, slots=True)
class RawReply:
    """Answer with exactly these bytes."""

    reply: bytes


Action = Reply | Drop | Wait | SlowReply | EndlessReply | RawReply
Rule = Callable[[SmtpStage, "Session"], Action | None]

DEFAULT_REPLIES: dict[str, Reply] = {
    "greeting": Reply(220, "fault.test ESMTP"),
    "starttls": Reply(220, "2.0.0 go ahead"),
    "auth": Reply(235, "2.7.0 welcome"),
    "mail": Reply(250, "2.1.0 ok"),
    "rcpt": Reply(250, "2.1.5 ok"),
    "data": Reply(354, "go ahead"),
    "dot": Reply(250, "2.0.0 queued as F00D"),
    "rset": Reply(250, "2.0.0 ok"),
    "noop": Reply(250, "2.0.0 ok"),
    "quit": Reply(221, "2.0.0 bye"),
}


@dataclass(frozen=True, slots=True)
class AcceptedMessage:
    """A message this server accepted."""

    mail_from: str
    rcpt_to: str
    mail_options: str
    rcpt_options: str
    wire: bytes  # as received, dots still doubled
    over_tls: bool

    @property
    def raw(self) -> bytes:
        """The message itself."""
        return re.sub(rb"(?m)^\.\.", b".", self.wire)

    @property
    def message_id(self) -> str:
        """The part of its Message-ID before the @."""
        match = _MESSAGE_ID.search(self.wire)
        return match[1].decode().partition("@")[0] if match else ""


@dataclass(slots=True)
class Session:
    """The state of one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    over_tls: bool = False
    mail_from: str = ""
    rcpt_to: str = ""
    mail_options: str = ""
    rcpt_options: str = ""
    logged_in: str = ""
    line: str = ""


class _HungUp(Exception):
    """The session is over."""


@dataclass(slots=True, kw_only=True)
class SmtpServer:
    """A server with its script and a record of what happened.

    `script` has the actions per stage, each used once; `rule` is asked first. Otherwise all is accepted.
    """

    extensions: tuple[str, ...] = EXTENSIONS
    script: dict[str, deque[Action]] = field(default_factory=lambda: defaultdict(deque))
    rule: Rule | None = None
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    wants_body_always: bool = False  # wants a body even for a message without recipients
    accepted: list[AcceptedMessage] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    open_connections: int = 0
    max_open_connections: int = 0
    port: int = 0
    _session_tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def respond(self, stage: SmtpStage, *actions: Action) -> "SmtpServer":
        """Script the next actions at a stage; afterwards it accepts again."""
        self.script[stage].extend(actions)
        return self

    @property
    def url(self) -> str:
        """The URL it listens on."""
        return f"smtp://127.0.0.1:{self.port}"

    def message_ids(self) -> list[str]:
        """Return the accepted Message-IDs in order."""
        return [mail.message_id for mail in self.accepted]

    def recipients(self) -> list[str]:
        """Return the recipients of accepted messages in order."""
        return [mail.rcpt_to for mail in self.accepted]

    @asynccontextmanager
    async def running(self) -> AsyncIterator["SmtpServer"]:
        """Listen on a free loopback port, or on `port` again."""
        tls = self.tls if self.implicit_tls else None
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=tls, limit=2**26)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._session_tasks:
                task.cancel()
            await asyncio.gather(*self._session_tasks, return_exceptions=True)
            await server.wait_closed()

    # ---- one session

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._session_tasks.add(task)
        self.connections += 1
        self.open_connections += 1
        self.max_open_connections = max(self.max_open_connections, self.open_connections)
        session = Session(reader, writer, over_tls=self.implicit_tls)
        try:
            await self._handle_commands(session)
        except (_HungUp, ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            self.open_connections -= 1
            self._session_tasks.discard(task)
            session.writer.transport.abort()
            with contextlib.suppress(Exception):
                await session.writer.wait_closed()

    async def _handle_commands(self, session: Session) -> None:
        await self._do("greeting", session)
        while line := await session.reader.readline():
            session.line = line.decode("utf-8", "replace").rstrip("\r\n")
            self.commands.append(session.line)
            verb = session.line.split(" ")[0].upper()
            handlers = {
                "EHLO": self._ehlo, "STARTTLS": self._starttls, "AUTH": self._auth, "MAIL": self._mail,
                "RCPT": self._rcpt, "DATA": self._data, "RSET": self._rset,
            }  # fmt: skip
            if verb in handlers:
                await handlers[verb](session)
            elif verb == "QUIT":
                await self._do("quit", session)
                return
            else:
                await self._reply(session, Reply(502, "5.5.2 unknown command"))

    async def _ehlo(self, session: Session) -> None:
        extensions = [offer for offer in self.extensions if offer != "STARTTLS" or not session.over_tls]
        lines = ["fault.test greets you", *extensions]
        text = "".join(f"250-{line}\r\n" for line in lines[:-1]) + f"250 {lines[-1]}\r\n"
        await self._do("ehlo", session, RawReply(text.encode()))

    async def _starttls(self, session: Session) -> None:
        if await self._do("starttls", session) == 220:
            assert self.tls is not None
            await session.writer.start_tls(self.tls)
            session.over_tls = True

    async def _auth(self, session: Session) -> None:
        words = session.line.split(" ")
        if words[1].upper() == "PLAIN":
            secret = base64.b64decode(words[2]).decode()
            session.logged_in = secret.split("\0")[1]
        await self._do("auth", session)

    async def _mail(self, session: Session) -> None:
        if session.mail_from:
            await self._reply(session, Reply(503, "5.5.1 nested MAIL command"))
            return
        session.mail_from, session.mail_options = _parse_path(session.line)
        if await self._do("mail", session) != 250:
            session.mail_from = ""

    async def _rcpt(self, session: Session) -> None:
        if not session.mail_from:
            await self._reply(session, Reply(503, "5.5.1 need MAIL command"))
            return
        session.rcpt_to, session.rcpt_options = _parse_path(session.line)
        if await self._do("rcpt", session) != 250:
            session.rcpt_to = ""

    async def _rset(self, session: Session) -> None:
        session.mail_from = session.rcpt_to = ""
        await self._do("rset", session)

    async def _data(self, session: Session) -> None:
        if not session.rcpt_to and not self.wants_body_always:
            await self._reply(session, Reply(554, "5.5.1 no valid recipients"))
            return
        if await self._do("data", session) != 354:
            return
        wire = await self._read_body(session)
        accepted = AcceptedMessage(
            session.mail_from,
            session.rcpt_to,
            session.mail_options,
            session.rcpt_options,
            wire,
            session.over_tls,
        )
        await self._do("dot", session, message=accepted)
        session.mail_from = session.rcpt_to = ""

    async def _read_body(self, session: Session) -> bytes:
        action = self._get_action("body", session)
        if isinstance(action, Drop):
            await session.reader.readexactly(action.after_bytes)
            raise _HungUp
        lines: list[bytes] = []
        while (line := await session.reader.readline()) != b".\r\n":
            if not line.endswith(b"\n"):
                raise _HungUp
            lines.append(line)
        return b"".join(lines)

    # ---- the script

    def _get_action(self, stage: SmtpStage, session: Session) -> Action | None:
        if self.rule and (action := self.rule(stage, session)):
            return action
        return self.script[stage].popleft() if self.script[stage] else None

    async def _do(
        self,
        stage: SmtpStage,
        session: Session,
        default: Action | None = None,
        *,
        message: AcceptedMessage | None = None,
    ) -> int:
        action = self._get_action(stage, session)
        while isinstance(action, Wait):
            await asyncio.sleep(action.seconds)
            action = action.then
        return await self._perform(session, action or default or DEFAULT_REPLIES[stage], message)

    async def _perform(self, session: Session, action: Action, message: AcceptedMessage | None) -> int:
        match action:
            case Reply():
                if message and 200 <= action.code < 300:
                    self.accepted.append(message)
                await asyncio.sleep(action.delay)
                await self._reply(session, action)
                if action.code == 421:
                    raise _HungUp
                return action.code
            case RawReply():
                await self._write(session, [action.reply])
                return 250
            case Drop():
                if message and action.after_accepting:
                    self.accepted.append(message)
                raise _HungUp
            case SlowReply():
                while True:
                    await self._write(session, [b"2"])
                    await asyncio.sleep(action.interval)
            case EndlessReply():
                await self._write(session, [b"250-and another thing\r\n"] * 100_000)
        raise _HungUp

    async def _reply(self, session: Session, reply: Reply) -> None:
        await self._write(session, [f"{reply.code} {reply.text}\r\n".encode()])

    async def _write(self, session: Session, parts: Iterable[bytes]) -> None:
        for part in parts:
            session.writer.write(part)
            await session.writer.drain()


def _parse_path(line: str) -> tuple[str, str]:
    """Return the address between the brackets, and what follows it."""
    match = re.match(r"[^<]*<([^>]*)>\s*(.*)", line)
    return (match[1], match[2]) if match else ("", "")
