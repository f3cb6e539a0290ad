"""What did a reader find in the mail? The papers of it, their links, and how long it takes to read."""

import os
import re
import signal
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session
from lxml import html

from digest.tools.demo.mail_server import MailServer, Received

NUMBER = re.compile(r"arxiv\.org/(?:abs|pdf)/([^\sv]+?)(?:v\d+)?$")
NUMBERED = re.compile(r"\s*\d+\.\s")
WORDS_A_MINUTE = 230  # silent reading of non-fiction: Brysbaert (2019) gives 238
SECONDS_A_PAPER = 3  # to decide whether it is for me


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One paper in a mail."""

    paper: str  # its arXiv number, without the version
    title: str
    section: str  # trending, picked or also new
    why: str = ""
    more: str = ""  # links, where it has them
    less: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One digest as it arrived."""

    id: str
    address: str
    subject: str
    text: str
    items: tuple[Item, ...]

    @property
    def minutes(self) -> float:
        """How long it takes to read: all words but addresses of the web, and a thought a paper."""
        words = [word for word in self.text.split() if "://" not in word]
        return len(words) / WORDS_A_MINUTE + len(self.items) * SECONDS_A_PAPER / 60


class Letterbox(MailServer):
    """The mail server; it can also be the hour at which a sender dies."""

    def __init__(self) -> None:
        super().__init__()
        self.doom: Callable[[str], int | None] = lambda _: None

    def _strike(self, moment: str) -> None:
        """Kill whoever is doomed at this moment of the conversation, the way a kernel does."""
        victim = self.doom(moment)
        if victim is not None:
            os.kill(victim, signal.SIGKILL)

    async def handle_RCPT(  # noqa: N802  aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """The letter has not been handed over yet."""
        del server, session, options
        self._strike("addressed")
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's
        """The letter is here, and the sender has not heard so."""
        answer = await super().handle_DATA(server, session, envelope)
        self._strike("taken")
        return answer


def mail_of(received: Received) -> Mail | None:
    """A digest; None for confirmations, welcomes and goodbyes."""
    message = received.message()
    if "List-Id" not in message:
        return None
    text, page = _part(message, "plain"), html.fromstring(_part(message, "html"))
    return Mail(
        id=str(message["Message-ID"]),
        address=received.rcpt_to[0],
        subject=str(message["Subject"]),
        text=text,
        items=tuple(_items(page)),
    )


def token_in(received: Received, purpose: str) -> str:
    """The path of the first link of a purpose in the text of a mail; empty when there is none."""
    found = re.search(rf"(/{purpose}/[\w.~-]+)", _part(received.message(), "plain"))
    return found[1] if found else ""


def _part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    return str(body.get_content()) if body else ""


def _items(page: html.HtmlElement) -> list[Item]:
    items: list[Item] = []
    for part in page.iter("h3", "p"):
        kind = part.get("class")
        if kind in {"title", "line"} and (number := _number(part)):
            title = " ".join(part.find("a").text_content().split())
            items.append(Item(paper=number, title=title, section=_section(part, kind)))
        elif kind in {"why", "links"} and items:
            items[-1] = _with(items[-1], part, kind)
    return items


def _section(part: html.HtmlElement, kind: str) -> str:
    """Only what is trending is numbered, and only what is also new is a mere line."""
    if kind == "line":
        return "also new"
    return "trending" if NUMBERED.match(part.text_content()) else "picked"


def _number(part: html.HtmlElement) -> str:
    hrefs = (NUMBER.search(link.get("href", "")) for link in part.iter("a"))
    return next((found[1] for found in hrefs if found), "")


def _with(item: Item, part: html.HtmlElement, kind: str) -> Item:
    votes = [link.get("href") for link in part.iter("a") if "/v/" in link.get("href", "")]
    return Item(
        paper=item.paper,
        title=item.title,
        section=item.section,
        why=" ".join(part.text_content().split()) if kind == "why" else item.why,
        more=votes[0] if votes else item.more,
        less=votes[1] if len(votes) > 1 else item.less,
    )
