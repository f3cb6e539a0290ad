"""What goes over the wire? One mail as bytes, written by hand: every header whole, every line seven-bit.

The bytes depend on nothing but the arguments: Date, Message-ID and boundary come from the edition, so that a
preview is the mail, and a mail sent twice is the same mail.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import format_datetime
from hashlib import blake2b

from digest.compose.links import Links
from digest.compose.quoted import header_text, one_line, phrase, quoted
from digest.compose.site import Site, ascii_domain
from digest.compose.tongue import tongue
from digest.model import Edition, Email, Subscriber

Header = tuple[str, str]

QUOTED = b"; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
MULTIPART = b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="%b"\r\n'
PLAIN = b"\r\n--%b\r\nContent-Type: text/plain" + QUOTED
HTML = b"\r\n--%b\r\nContent-Type: text/html" + QUOTED
END = b"\r\n--%b--\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """A notice's way: to whom, when it was decided, and the name it keeps however often it is sent."""

    to: str
    at: datetime
    message_id: str
    language: str = "en"


def digest_message(
    email: Email, edition: Edition, *, site: Site, links: Links, message_id: str = ""
) -> bytes:
    """A digest: with the list headers and the one-click unsubscribe of RFC 8058."""
    head = digest_head(email.subject, edition, site=site, links=links, message_id=message_id)
    return assembled(head, quoted(email.text), quoted(email.html))


def digest_head(
    subject: str, edition: Edition, *, site: Site, links: Links, message_id: str = ""
) -> Iterable[Header]:
    """The headers of a digest."""
    reader = edition.subscriber
    return (
        *addressed(site.brand, site.sender, reader.address),
        *titled(subject, edition.slot, message_id or digest_id(site, reader, edition.day)),
        ("Reply-To", site.reply_to or site.sender),
        *listed(site, links, reader, edition.day),
        *automatic(tongue(reader.preferences.language).code),
    )


def notice_message(email: Email, posting: Posting, *, site: Site) -> bytes:
    """A confirmation, a welcome, an alert: from an address of its own and without list headers."""
    head = (
        *addressed(site.brand, site.notices_sender, posting.to),
        *titled(email.subject, posting.at, posting.message_id),
        ("Reply-To", site.reply_to or site.sender),
        *automatic(posting.language),
    )
    return assembled(head, quoted(email.text), quoted(email.html))


def digest_id(site: Site, reader: Subscriber, day: date) -> str:
    """The Message-ID of a reader's digest of that day, the same however often it is made."""
    return f"<d.{day}.{reader.pid}@{site.domain}>"


def notice_id(site: Site, key: str) -> str:
    """The Message-ID of a notice known by its ledger key, which it does not give away."""
    return f"<n.{blake2b(key.encode(), digest_size=12, person=b'digest.notice').hexdigest()}@{site.domain}>"


def addressed(brand: str, sender: str, to: str) -> Iterable[Header]:
    """From whom, to whom."""
    return ("From", f"{phrase(brand)} <{ascii_address(sender)}>"), ("To", ascii_address(to))


def titled(subject: str, at: datetime, message_id: str) -> Iterable[Header]:
    """What, when, and under which name."""
    return (
        ("Subject", header_text(subject)),
        ("Date", format_datetime(at.astimezone(UTC))),
        ("Message-ID", one_line(message_id)),
    )


def listed(site: Site, links: Links, reader: Subscriber, day: date) -> Iterable[Header]:
    """The list these mails belong to, and the way out: never folded, never encoded."""
    token = links.unsubscribe(reader.pid).rpartition("/")[2]
    owner = ascii_address(site.reply_to or site.sender)
    name = one_line(site.brand).replace('"', "") if site.brand.isascii() else ""
    return (
        ("List-Id", f'"{name}" <daily.{site.domain}>' if name else f"<daily.{site.domain}>"),
        (
            "List-Unsubscribe",
            f"<{links.unsubscribe(reader.pid)}>, <mailto:unsubscribe+{token}@{site.domain}>",
        ),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("List-Help", f"<{links.preferences(reader.pid)}>"),
        ("List-Owner", f"<mailto:{owner}>"),
        ("List-Post", "NO"),
        ("List-Archive", f"<{links.archive()}>"),
        ("Archived-At", f"<{links.archive(day)}>"),
        ("Precedence", "bulk"),
        ("Feedback-ID", f"{day:%Y%m%d}:digest:{site.domain.replace('.', '')}"),
    )


def automatic(language: str) -> Iterable[Header]:
    """That no person wrote this and no out-of-office note should answer it."""
    return (
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "OOF, AutoReply"),
        ("Content-Language", one_line(language)),
    )


def assembled(headers: Iterable[Header], text: bytes, html: bytes) -> bytes:
    """The whole mail from its headers and its encoded parts, text first.

    Quoted-printable never holds `=_`, so the boundary cannot occur in a part.
    """
    head = "".join(f"{name}: {value}\r\n" for name, value in headers).encode()
    boundary = b"=_" + blake2b(head, digest_size=9).hexdigest().encode()
    return b"".join(
        (head, MULTIPART % boundary, PLAIN % boundary, text, HTML % boundary, html, END % boundary)
    )


def ascii_address(address: str) -> str:
    """An address as the wire has it: its domain in ASCII, nothing in it that could end a header."""
    local, _, _ = one_line(address).rpartition("@")
    return f"{local}@{ascii_domain(one_line(address))}"
