"""What does the demo leave to look at? Every mail as .eml, .html and .txt, and a page that leads to them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from digest.mail.cards import reason
from digest.mail.locale import get_locale
from digest.mail.templates import built_in
from digest.models import Pick, Section
from digest.tools.demo.dataset import READERS, DemoReader
from digest.tools.demo.mail_server import Received
from digest.tools.demo.scenario import Played, SentMail

MAILS = "mails"  # the folder inside the demo's
ENDINGS = ("html", "txt", "eml")
NOTICES = ("confirmation", "welcome")  # in the order of their coming
SECTIONS: Mapping[Section, str] = {
    Section.TRENDING: "Trending",
    Section.PICKED: "Picked",
    Section.ALSO_NEW: "Also new",
}


@dataclass(frozen=True, slots=True)
class IndexRow:
    """One paper in one mail, and why it is there."""

    section: str
    title: str
    why: str  # empty where the mail gives no reason: under "Also new"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One mail on the page: where it lies, and what is in it."""

    name: str
    subject: str
    stem: str  # of its files, as a relative link
    day: str = ""
    lines: tuple[IndexRow, ...] = ()

    @property
    def told(self) -> list[IndexRow]:
        """The papers with a reason."""
        return [line for line in self.lines if line.why]

    @property
    def listed(self) -> list[IndexRow]:
        """The papers that are there because they are new."""
        return [line for line in self.lines if not line.why]


@dataclass(frozen=True, slots=True)
class MailSection:
    """One reader's mails, the latest first."""

    reader: DemoReader
    leaves: tuple[Leaf, ...]
    notices: tuple[Leaf, ...]


def write(played: Played, folder: Path) -> Path:
    """Write everything into the folder; the page to open. What an earlier demo left there is replaced."""
    mails = folder / MAILS
    mails.mkdir(parents=True, exist_ok=True)
    for ending in ENDINGS:
        for old in mails.glob(f"*.{ending}"):
            old.unlink()
    shelves = [_shelf(reader, played, mails) for reader in READERS]
    page = folder / "index.html"
    page.write_text(_printed(played, shelves), encoding="utf-8")
    return page


def lines(posted: SentMail) -> tuple[IndexRow, ...]:
    """What is in a mail and why, in the words of the mail."""
    return tuple(_line(pick, posted) for pick in posted.edition.picks)


def _line(pick: Pick, posted: SentMail) -> IndexRow:
    why = reason(get_locale("en"), pick, posted.edition.day)
    return IndexRow(SECTIONS[pick.section], pick.paper.title, why)


def _shelf(reader: DemoReader, played: Played, mails: Path) -> MailSection:
    digests = [each for each in played.posted if each.reader == reader]
    notices = [mail for mail in played.notices if reader.address in mail.rcpt_to]
    return MailSection(
        reader,
        tuple(_digest(each, mails) for each in reversed(digests)),
        tuple(_leaf(name, reader, mail, mails) for name, mail in zip(NOTICES, notices, strict=False)),
    )


def _digest(posted: SentMail, mails: Path) -> Leaf:
    day = posted.edition.day
    leaf = _leaf(str(day), posted.reader, posted.mail, mails)
    return replace(leaf, day=f"{day:%A} {day.day} {day:%B}", lines=lines(posted))


def _leaf(name: str, reader: DemoReader, mail: Received, mails: Path) -> Leaf:
    """The mail, saved as its three files."""
    message = mail.message()
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    path = mails / f"{name}-{reader.name}".lower()
    path.with_suffix(".eml").write_bytes(mail.raw)
    path.with_suffix(".html").write_text(html.get_content() if html else "", encoding="utf-8")
    path.with_suffix(".txt").write_text(text.get_content() if text else "", encoding="utf-8")
    return Leaf(name, str(message["Subject"]), f"{MAILS}/{path.name}")


def _printed(played: Played, shelves: Iterable[MailSection]) -> str:
    templates = Environment(
        loader=FileSystemLoader(built_in() / "web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template("demo.html").render(played=played, shelves=tuple(shelves))
