"""Files the demo leaves: every mail as .eml, .html and .txt, and a page that links them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from markupsafe import Markup

from digest.mail.locale import get_locale
from digest.mail.wording import describe_reason
from digest.models import Section
from digest.tools.demo.dataset import READERS, DemoReader
from digest.tools.demo.mail_server import ReceivedMail
from digest.tools.demo.scenario import DemoResult, SentMail
from digest.tools.demo.templates import TEMPLATES

MAILS_DIR = "mails"  # inside the demo's folder
SUFFIXES = ("html", "txt", "eml")
_MAIL_BODY = re.compile(r"<table role=.*</table>", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)  # those for Outlook: half of one would hide what follows
_CLASS = re.compile(r' class="[^"]*"')
_PREFERENCES_LINK = re.compile(r"https?://[^\s\"<>]+/p/[\w.~-]+")
NOTICE_NAMES = ("confirmation", "welcome")  # in the order in which they are sent
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
    why: str  # may be empty under "Also new"


@dataclass(frozen=True, slots=True)
class SavedMail:
    """One mail on the page: its files and its papers."""

    name: str
    subject: str
    stem: str  # of its files, as a relative link
    day: str = ""
    rows: tuple[IndexRow, ...] = ()
    body: Markup | None = None  # the whole mail with its inline styles
    preferences: str = ""  # the link in it


@dataclass(frozen=True, slots=True)
class MailSection:
    """One reader's mails, the latest first."""

    reader: DemoReader
    digests: tuple[SavedMail, ...]
    notices: tuple[SavedMail, ...]


@dataclass(frozen=True, slots=True)
class DemoSite:
    """What the page links while the demo is served."""

    base_url: str
    admin_token: str


def write_report(result: DemoResult, folder: Path, *, site: DemoSite | None = None) -> Path:
    """Write all mails and the page into *folder* and return the page's path.

    The mails that an earlier demo left there are removed. With *site* the page links what is served there.
    """
    mails_dir = folder / MAILS_DIR
    mails_dir.mkdir(parents=True, exist_ok=True)
    for suffix in SUFFIXES:
        for old in mails_dir.glob(f"*.{suffix}"):
            old.unlink()
    sections = [_save_section(reader, result, mails_dir) for reader in READERS]
    page = folder / "index.html"
    html = TEMPLATES.get_template("demo.html").render(result=result, sections=sections, site=site)
    page.write_text(html, encoding="utf-8")
    return page


def list_rows(sent: SentMail) -> tuple[IndexRow, ...]:
    """Return the papers in a mail and why they are there, in the words of the mail."""
    locale = get_locale("en")
    return tuple(
        IndexRow(SECTIONS[pick.section], pick.paper.title, describe_reason(locale, pick, sent.edition.day))
        for pick in sent.edition.picks
    )


def _save_section(reader: DemoReader, result: DemoResult, mails_dir: Path) -> MailSection:
    digests = [sent for sent in result.digests if sent.reader == reader]
    notices = [mail for mail in result.notices if reader.address in mail.rcpt_to]
    return MailSection(
        reader,
        tuple(_save_digest(sent, mails_dir) for sent in reversed(digests)),
        tuple(
            _save_mail(name, reader, mail, mails_dir)
            for name, mail in zip(NOTICE_NAMES, notices, strict=False)
        ),
    )


def _save_digest(sent: SentMail, mails_dir: Path) -> SavedMail:
    day = sent.edition.day
    saved = _save_mail(str(day), sent.reader, sent.mail, mails_dir)
    html = (mails_dir / f"{Path(saved.stem).name}.html").read_text(encoding="utf-8")
    preferences = _PREFERENCES_LINK.search(html)
    return replace(
        saved,
        day=f"{day:%A} {day.day} {day:%B}",
        rows=list_rows(sent),
        body=_extract_body(html),
        preferences=preferences[0] if preferences else "",
    )


def _extract_body(html: str) -> Markup | None:
    """Return a mail with its inline styles, without the classes, which the page around it uses for itself."""
    body = _MAIL_BODY.search(_COMMENT.sub("", html))
    return Markup(_CLASS.sub("", body[0])) if body else None  # noqa: S704  our own mail, escaped when rendered


def _save_mail(name: str, reader: DemoReader, mail: ReceivedMail, mails_dir: Path) -> SavedMail:
    """Save the mail as its three files."""
    path = mails_dir / f"{name}-{reader.name}".lower()
    path.with_suffix(".eml").write_bytes(mail.raw)
    path.with_suffix(".html").write_text(mail.get_body("html"), encoding="utf-8")
    path.with_suffix(".txt").write_text(mail.get_body("plain"), encoding="utf-8")
    return SavedMail(name, str(mail.parse()["Subject"]), f"{MAILS_DIR}/{path.name}")
