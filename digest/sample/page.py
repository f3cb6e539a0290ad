"""What does the demo leave to look at? Every mail as .eml, .html and .txt, and a page that leads to them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from digest.compose.cards import reason
from digest.compose.stationery import built_in
from digest.compose.tongue import tongue
from digest.model import Pick, Section
from digest.sample.day import Played, Posted
from digest.sample.mailbox import Received
from digest.sample.readers import READERS, Reader

MAILS = "mails"  # the folder inside the demo's
ENDINGS = ("html", "txt", "eml")
SECTIONS: Mapping[Section, str] = {
    Section.TRENDING: "Trending",
    Section.PICKED: "Picked",
    Section.ALSO_NEW: "Also new",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One paper in one mail, and why it is there."""

    section: str
    title: str
    url: str
    why: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """One mail on the page: where it lies, and what is in it."""

    day: str
    subject: str
    stem: str  # of its files, as a relative link
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Shelf:
    """One reader's mails, the latest first."""

    reader: Reader
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


def lines(posted: Posted) -> tuple[Line, ...]:
    """What is in a mail and why, in the words of the mail."""
    return tuple(_line(pick, posted) for pick in posted.edition.picks)


def _line(pick: Pick, posted: Posted) -> Line:
    speaks = tongue("en")
    why = reason(speaks, pick, posted.edition.day) or "new since the last mail"
    return Line(SECTIONS[pick.section], pick.paper.title, pick.paper.url, why)


def _shelf(reader: Reader, played: Played, mails: Path) -> Shelf:
    posted = [each for each in played.posted if each.reader == reader]
    leaves = [_leaf(each, mails) for each in reversed(posted)]
    notices = [mail for mail in played.notices if reader.address in mail.rcpt_to]
    names = ("confirm", "welcome")
    kept = [
        Leaf("", _subject(mail), _save(mail, mails, f"{name}-{reader.name.lower()}"), ())
        for name, mail in zip(names, notices, strict=False)
    ]
    return Shelf(reader, tuple(leaves), tuple(kept))


def _leaf(posted: Posted, mails: Path) -> Leaf:
    day = posted.edition.day
    stem = _save(posted.mail, mails, f"{day}-{posted.reader.name.lower()}")
    return Leaf(f"{day:%A} {day.day} {day:%B}", _subject(posted.mail), stem, lines(posted))


def _subject(mail: Received) -> str:
    return str(mail.message()["Subject"])


def _save(mail: Received, mails: Path, name: str) -> str:
    """The mail's three files; their common name as a link from the page."""
    message = mail.message()
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    (mails / f"{name}.eml").write_bytes(mail.raw)
    (mails / f"{name}.html").write_text(html.get_content() if html else "", encoding="utf-8")
    (mails / f"{name}.txt").write_text(text.get_content() if text else "", encoding="utf-8")
    return f"{MAILS}/{name}"


def _printed(played: Played, shelves: Iterable[Shelf]) -> str:
    templates = Environment(
        loader=FileSystemLoader(built_in() / "web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template("demo.html").render(played=played, shelves=tuple(shelves))
