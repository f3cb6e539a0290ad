"""A mail server that does as it is told: accept, refuse, wait, hang up, at any step of the conversation."""

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
OFFERS = ("PIPELINING", "SIZE 10485760", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES")
_MESSAGE_ID = re.compile(rb"^message-id:\s*<([^>]*)>", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Say:
    """Answer with this reply, and mean it: a 2xx at the dot takes the mail."""

    code: int
    text: str = "as told"
    late: float = 0.0  # seconds between meaning it and saying it


@dataclass(frozen=True, slots=True)
class Drop:
    """Hang up without a word. At the dot: `after_taking` the mail, or not."""

    after_taking: bool = False
    after_bytes: int = 0  # at step "body": how much of it is read first


@dataclass(frozen=True, slots=True)
class Wait:
    """Be slow, and then do something else."""

    seconds: float
    then: "Act | None" = None


@dataclass(frozen=True, slots=True)
class Drip:
    """Answer one byte at a time, so slowly that no reply ever ends."""

    every: float = 0.05


@dataclass(frozen=True, slots=True)
class Babble:
    """A reply of endless lines."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Exactly these bytes."""

    reply: bytes


Act = Say | Drop | Wait | Drip | Babble | Raw
Rule = Callable[[SmtpStage, "Talk"], Act | None]

GOOD: dict[str, Say] = {
    "greeting": Say(220, "fault.test ESMTP"),
    "starttls": Say(220, "2.0.0 go ahead"),
    "auth": Say(235, "2.7.0 welcome"),
    "mail": Say(250, "2.1.0 ok"),
    "rcpt": Say(250, "2.1.5 ok"),
    "data": Say(354, "go ahead"),
    "dot": Say(250, "2.0.0 queued as F00D"),
    "rset": Say(250, "2.0.0 ok"),
    "noop": Say(250, "2.0.0 ok"),
    "quit": Say(221, "2.0.0 bye"),
}


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail this server took responsibility for."""

    mail_from: str
    rcpt_to: str
    mail_options: str
    rcpt_options: str
    wire: bytes  # as it came, dots still doubled
    over_tls: bool

    @property
    def raw(self) -> bytes:
        """The mail itself."""
        return re.sub(rb"(?m)^\.\.", b".", self.wire)

    @property
    def message_id(self) -> str:
        """The part of its Message-ID before the @."""
        found = _MESSAGE_ID.search(self.wire)
        return found[1].decode().partition("@")[0] if found else ""


@dataclass(slots=True)
class Talk:
    """One connection."""

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
    """The conversation is over."""


@dataclass(slots=True, kw_only=True)
class SmtpServer:
    """What it was told, and what happened. `script` is used up step by step; `rule` decides before it."""

    offers: tuple[str, ...] = OFFERS
    script: dict[str, deque[Act]] = field(default_factory=lambda: defaultdict(deque))
    rule: Rule | None = None
    tls: ssl.SSLContext | None = None
    implicit: bool = False
    lenient: bool = False  # wants a body even for a mail without recipients
    taken: list[Taken] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    open_now: int = 0
    most_open: int = 0
    port: int = 0
    _talks: set[asyncio.Task[None]] = field(default_factory=set)

    def tell(self, step: SmtpStage, *acts: Act) -> "SmtpServer":
        """From the next time on, at this step, do these one after the other; then be good again."""
        self.script[step].extend(acts)
        return self

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"smtp://127.0.0.1:{self.port}"

    def ids(self) -> list[str]:
        """The Message-IDs taken, in order."""
        return [mail.message_id for mail in self.taken]

    def recipients(self) -> list[str]:
        """Who got mail, in order."""
        return [mail.rcpt_to for mail in self.taken]

    @asynccontextmanager
    async def running(self) -> AsyncIterator["SmtpServer"]:
        """Listen on a free port of this machine."""
        secured = self.tls if self.implicit else None
        server = await asyncio.start_server(self._meet, "127.0.0.1", self.port, ssl=secured, limit=2**26)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for talk in self._talks:
                talk.cancel()
            await asyncio.gather(*self._talks, return_exceptions=True)
            await server.wait_closed()

    # ---- one conversation

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        self.connections += 1
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        talk = Talk(reader, writer, over_tls=self.implicit)
        try:
            await self._converse(talk)
        except (_HungUp, ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            self.open_now -= 1
            self._talks.discard(task)
            talk.writer.transport.abort()
            with contextlib.suppress(Exception):
                await talk.writer.wait_closed()

    async def _converse(self, talk: Talk) -> None:
        await self._do("greeting", talk)
        while line := await talk.reader.readline():
            talk.line = line.decode("utf-8", "replace").rstrip("\r\n")
            self.commands.append(talk.line)
            verb = talk.line.split(" ")[0].upper()
            known = {
                "EHLO": self._ehlo, "STARTTLS": self._starttls, "AUTH": self._auth, "MAIL": self._mail,
                "RCPT": self._rcpt, "DATA": self._data, "RSET": self._rset,
            }  # fmt: skip
            if verb in known:
                await known[verb](talk)
            elif verb == "QUIT":
                await self._do("quit", talk)
                return
            else:
                await self._say(talk, Say(502, "5.5.2 what?"))

    async def _ehlo(self, talk: Talk) -> None:
        offers = [offer for offer in self.offers if offer != "STARTTLS" or not talk.over_tls]
        lines = ["fault.test greets you", *offers]
        text = "".join(f"250-{line}\r\n" for line in lines[:-1]) + f"250 {lines[-1]}\r\n"
        await self._do("ehlo", talk, Raw(text.encode()))

    async def _starttls(self, talk: Talk) -> None:
        if await self._do("starttls", talk) == 220:
            assert self.tls is not None
            await talk.writer.start_tls(self.tls)
            talk.over_tls = True

    async def _auth(self, talk: Talk) -> None:
        said = talk.line.split(" ")
        if said[1].upper() == "PLAIN":
            secret = base64.b64decode(said[2]).decode()
            talk.logged_in = secret.split("\0")[1]
        await self._do("auth", talk)

    async def _mail(self, talk: Talk) -> None:
        if talk.mail_from:
            await self._say(talk, Say(503, "5.5.1 nested MAIL command"))
            return
        talk.mail_from, talk.mail_options = _path(talk.line)
        if await self._do("mail", talk) != 250:
            talk.mail_from = ""

    async def _rcpt(self, talk: Talk) -> None:
        if not talk.mail_from:
            await self._say(talk, Say(503, "5.5.1 need MAIL command"))
            return
        talk.rcpt_to, talk.rcpt_options = _path(talk.line)
        if await self._do("rcpt", talk) != 250:
            talk.rcpt_to = ""

    async def _rset(self, talk: Talk) -> None:
        talk.mail_from = talk.rcpt_to = ""
        await self._do("rset", talk)

    async def _data(self, talk: Talk) -> None:
        if not talk.rcpt_to and not self.lenient:
            await self._say(talk, Say(554, "5.5.1 no valid recipients"))
            return
        if await self._do("data", talk) != 354:
            return
        wire = await self._body(talk)
        taken = Taken(talk.mail_from, talk.rcpt_to, talk.mail_options, talk.rcpt_options, wire, talk.over_tls)
        await self._do("dot", talk, taking=taken)
        talk.mail_from = talk.rcpt_to = ""

    async def _body(self, talk: Talk) -> bytes:
        act = self._told("body", talk)
        if isinstance(act, Drop):
            await talk.reader.readexactly(act.after_bytes)
            raise _HungUp
        lines: list[bytes] = []
        while (line := await talk.reader.readline()) != b".\r\n":
            if not line.endswith(b"\n"):
                raise _HungUp
            lines.append(line)
        return b"".join(lines)

    # ---- doing as told

    def _told(self, step: SmtpStage, talk: Talk) -> Act | None:
        if self.rule and (act := self.rule(step, talk)):
            return act
        return self.script[step].popleft() if self.script[step] else None

    async def _do(
        self, step: SmtpStage, talk: Talk, good: Act | None = None, *, taking: Taken | None = None
    ) -> int:
        act = self._told(step, talk)
        while isinstance(act, Wait):
            await asyncio.sleep(act.seconds)
            act = act.then
        return await self._act(talk, act or good or GOOD[step], taking)

    async def _act(self, talk: Talk, act: Act, taking: Taken | None) -> int:
        match act:
            case Say():
                if taking and 200 <= act.code < 300:
                    self.taken.append(taking)
                await asyncio.sleep(act.late)
                await self._say(talk, act)
                if act.code == 421:
                    raise _HungUp
                return act.code
            case Raw():
                await self._write(talk, [act.reply])
                return 250
            case Drop():
                if taking and act.after_taking:
                    self.taken.append(taking)
                raise _HungUp
            case Drip():
                await self._drip(talk, act)
            case Babble():
                await self._write(talk, [b"250-and another thing\r\n"] * 100_000)
        raise _HungUp

    async def _drip(self, talk: Talk, act: Drip) -> None:
        while True:
            await self._write(talk, [b"2"])
            await asyncio.sleep(act.every)

    async def _say(self, talk: Talk, say: Say) -> None:
        await self._write(talk, [f"{say.code} {say.text}\r\n".encode()])

    async def _write(self, talk: Talk, parts: Iterable[bytes]) -> None:
        for part in parts:
            talk.writer.write(part)
            await talk.writer.drain()


def _path(line: str) -> tuple[str, str]:
    """The address between the brackets, and what follows it."""
    found = re.match(r"[^<]*<([^>]*)>\s*(.*)", line)
    return (found[1], found[2]) if found else ("", "")
