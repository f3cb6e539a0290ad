"""Inboxes of the readers: a mail server, and the papers, links and reading time of a received digest."""

import os
import re
import signal
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session
from lxml import html

from digest.mail.locale import LANGUAGES, get_locale
from digest.tools.demo.mail_server import MailServer, ReceivedMail

ARXIV_LINK = re.compile(r"arxiv\.org/(?:abs|pdf)/([^\sv]+?)(?:v\d+)?$")
SECTIONS = {
    get_locale(language).gettext(heading): section
    for language in LANGUAGES
    for heading, section in (
        ("Trending today", "trending"),
        ("Trending this week", "trending"),
        ("Picked for you", "picked"),
        ("Also new", "also new"),
    )
}
WORDS_PER_MINUTE = 230  # silent reading of non-fiction: Brysbaert (2019) gives 238
SECONDS_PER_PAPER = 3  # to decide whether it is of interest


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestItem:
    """One paper in a mail."""

    paper: str  # its arXiv number, without the version
    title: str
    section: str  # trending, picked or also new
    why: str = ""
    more: str = ""  # feedback links, empty where there are none
    less: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestMail:
    """One digest as it arrived."""

    id: str
    address: str
    subject: str
    text: str
    items: tuple[DigestItem, ...]

    @property
    def minutes(self) -> float:
        """Reading time: all words except URLs, and a fixed time for each paper."""
        words = [word for word in self.text.split() if "://" not in word]
        return len(words) / WORDS_PER_MINUTE + len(self.items) * SECONDS_PER_PAPER / 60


class Inboxes(MailServer):
    """Mail server that can kill a sender at a chosen moment, or refuse every recipient."""

    def __init__(self) -> None:
        super().__init__()
        self.refusal = ""  # the reply to every recipient; empty to accept them
        self.refused = 0
        self.pick_victim: Callable[[str], int | None] = lambda _: None

    def _kill_victim(self, moment: str) -> None:
        """Kill the chosen process, if there is one, with SIGKILL."""
        victim = self.pick_victim(moment)
        if victim is not None:
            os.kill(victim, signal.SIGKILL)

    async def handle_RCPT(  # noqa: N802  aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept the recipient, unless all are refused; the message has not been sent yet."""
        del server, session, options
        if self.refusal:
            self.refused += 1
            return self.refusal
        self._kill_victim("addressed")
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's
        """Accept the message; the sender has not received the reply yet."""
        answer = await super().handle_DATA(server, session, envelope)
        self._kill_victim("taken")
        return answer


def parse_digest(received: ReceivedMail) -> DigestMail | None:
    """Parse a digest; return None for confirmations, welcomes and goodbyes."""
    message = received.parse()
    if "List-Id" not in message:
        return None
    text, page = _get_part(message, "plain"), html.fromstring(_get_part(message, "html"))
    return DigestMail(
        id=str(message["Message-ID"]),
        address=received.rcpt_to[0],
        subject=str(message["Subject"]),
        text=text,
        items=tuple(_parse_items(page)),
    )


def find_link(received: ReceivedMail, purpose: str) -> str:
    """Return the path of the first link of a purpose in the text of a mail; empty when there is none."""
    match = re.search(rf"(/{purpose}/[\w.~-]+)", _get_part(received.parse(), "plain"))
    return match[1] if match else ""


def _get_part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    return str(body.get_content()) if body else ""


def _parse_items(page: html.HtmlElement) -> list[DigestItem]:
    items: list[DigestItem] = []
    section = ""
    for part in page.iter("h2", "h3", "p"):
        if part.tag == "h2":
            section = SECTIONS.get(part.text_content().strip(), "")
        elif part.tag == "h3" and section and (number := _find_number(part)):
            title = " ".join(part.find("a").text_content().split())
            items.append(DigestItem(paper=number, title=title, section=section))
        elif part.get("class") in {"why", "chips"} and section and items:
            items[-1] = _add_details(items[-1], part, part.get("class"))
    return items


def _find_number(part: html.HtmlElement) -> str:
    hrefs = (ARXIV_LINK.search(link.get("href", "")) for link in part.iter("a"))
    return next((match[1] for match in hrefs if match), "")


def _add_details(item: DigestItem, part: html.HtmlElement, kind: str) -> DigestItem:
    votes = [link.get("href") for link in part.iter("a") if "/v/" in link.get("href", "")]
    return DigestItem(
        paper=item.paper,
        title=item.title,
        section=item.section,
        why=" ".join(part.text_content().split()) if kind == "why" else item.why,
        more=votes[0] if votes else item.more,
        less=votes[1] if len(votes) > 1 else item.less,
    )
