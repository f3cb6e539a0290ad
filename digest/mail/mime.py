"""What goes over the wire? One mail as bytes, written by hand: every header whole, every line seven-bit.

The bytes depend on nothing but the arguments: Date, Message-ID and boundary come from the edition, so that a
preview is the mail, and a mail sent twice is the same mail.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import format_datetime
from hashlib import blake2b

from digest.mail.branding import Site, ascii_domain
from digest.mail.links import Links
from digest.mail.locale import get_locale
from digest.mail.quoted_printable import header_text, one_line, phrase, quoted
from digest.models import Edition, Email, Subscriber

Header = tuple[str, str]

QUOTED = b"; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
MULTIPART = b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="%b"\r\n'
PLAIN = b"\r\n--%b\r\nContent-Type: text/plain" + QUOTED
HTML = b"\r\n--%b\r\nContent-Type: text/html" + QUOTED
END = b"\r\n--%b--\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeEnvelope:
    """A notice's way: to whom, when it was decided, and the name it keeps however often it is sent."""

    to: str
    at: datetime
    message_id: str
    language: str = "en"
    refuse: str = ""  # a link by which its receiver never hears from us again


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderHeaders:
    """What one reader's digest has of its own in its head, ready for the wire."""

    to: str
    subject: str
    message_id: str
    unsubscribe: str
    token: str  # the unsubscribe link's own
    preferences: str


def digest_message(
    email: Email, edition: Edition, *, site: Site, links: Links, message_id: str = ""
) -> bytes:
    """A digest: with the list headers and the one-click unsubscribe of RFC 8058."""
    own = own_head(email.subject, edition, site=site, links=links, message_id=message_id)
    return assembled(
        digest_head(own, edition, site=site, links=links), [quoted(email.text)], [quoted(email.html)]
    )


def own_head(
    subject: str, edition: Edition, *, site: Site, links: Links, message_id: str = ""
) -> ReaderHeaders:
    """The reader's own part of the head. A message id without a domain gets ours."""
    pid = edition.subscriber.pid
    return linked_head(
        subject, edition, links.unsubscribe(pid), links.preferences(pid), site=site, message_id=message_id
    )


def linked_head(  # noqa: PLR0913  all that a head says of its reader
    subject: str, edition: Edition, unsubscribe: str, preferences: str, *, site: Site, message_id: str = ""
) -> ReaderHeaders:
    """The same where the reader's links are known already."""
    reader = edition.subscriber
    return ReaderHeaders(
        to=ascii_address(reader.address),
        subject=header_text(subject),
        message_id=named(message_id, site) if message_id else digest_id(site, reader, edition.day),
        unsubscribe=unsubscribe,
        token=unsubscribe.rpartition("/")[2],
        preferences=preferences,
    )


def digest_head(own: ReaderHeaders, edition: Edition, *, site: Site, links: Links) -> str:
    """The headers of a digest, one a line."""
    return headed(
        (
            *addressed(site.brand, site.sender, own.to),
            *titled(own.subject, edition.slot, own.message_id),
            ("Reply-To", site.reply_to or site.sender),
            *listed(site, links, own, edition.day),
            *automatic(get_locale(edition.subscriber.preferences.language).code),
        )
    )


def notice_message(email: Email, posting: NoticeEnvelope, *, site: Site) -> bytes:
    """A confirmation, a welcome, an alert: from an address of its own and of no list."""
    head = headed(
        (
            *addressed(site.brand, site.notices_sender, ascii_address(posting.to)),
            *titled(header_text(email.subject), posting.at, named(posting.message_id, site)),
            ("Reply-To", site.reply_to or site.sender),
            *(one_click(posting.refuse) if posting.refuse else ()),
            *automatic(posting.language),
        )
    )
    return assembled(head, [quoted(email.text)], [quoted(email.html)])


def digest_id(site: Site, reader: Subscriber, day: date) -> str:
    """The Message-ID of a reader's digest of that day, the same however often it is made."""
    return f"<d.{day}.{reader.pid}@{site.domain}>"


def notice_id(site: Site, key: str) -> str:
    """The Message-ID of a notice known by its ledger key, which it does not give away."""
    return f"<n.{blake2b(key.encode(), digest_size=12, person=b'digest.notice').hexdigest()}@{site.domain}>"


def named(message_id: str, site: Site) -> str:
    """A Message-ID from what the ledger keeps: the part before the @, or all of it."""
    name = one_line(message_id).strip("<>")
    return f"<{name}>" if "@" in name else f"<{name}@{site.domain}>"


def addressed(brand: str, sender: str, to: str) -> Iterable[Header]:
    """From whom, to whom."""
    return ("From", f"{phrase(brand)} <{ascii_address(sender)}>"), ("To", to)


def titled(subject: str, at: datetime, message_id: str) -> Iterable[Header]:
    """What, when, and under which name."""
    return (
        ("Subject", subject),
        ("Date", format_datetime(at.astimezone(UTC))),
        ("Message-ID", message_id),
    )


def listed(site: Site, links: Links, own: ReaderHeaders, day: date) -> Iterable[Header]:
    """The list these mails belong to, and the way out: never folded, never encoded."""
    name = one_line(site.brand).replace('"', "") if site.brand.isascii() else ""
    return (
        ("List-Id", f'"{name}" <daily.{site.domain}>' if name else f"<daily.{site.domain}>"),
        *one_click(own.unsubscribe, _by_mail(own.token, site)),
        ("List-Help", f"<{own.preferences}>"),
        ("List-Owner", f"<mailto:{ascii_address(site.reply_to or site.sender)}>"),
        ("List-Post", "NO"),
        ("List-Archive", f"<{links.archive()}>"),
        ("Archived-At", f"<{links.archive(day)}>"),
        ("Feedback-ID", f"{day:%Y%m%d}:digest:{site.domain.replace('.', '')}"),
    )


def one_click(url: str, by_mail: str = "") -> Iterable[Header]:
    """The way out that mail programs offer at the top (RFC 8058)."""
    return (
        ("List-Unsubscribe", f"<{url}>{by_mail}"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )


def _by_mail(token: str, site: Site) -> str:
    """The second way out, where somebody reads that mailbox: an address nobody reads would be a lie."""
    return f", <mailto:unsubscribe+{token}@{site.domain}>" if site.reads_mail else ""


def automatic(language: str) -> Iterable[Header]:
    """That no person wrote this and no out-of-office note should answer it."""
    return (
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "OOF, AutoReply"),
        ("Content-Language", one_line(language)),
    )


def headed(headers: Iterable[Header]) -> str:
    """Headers as they travel, one a line."""
    return "".join(f"{name}: {value}\r\n" for name, value in headers)


def assembled(head: str, text: Sequence[bytes], html: Sequence[bytes]) -> bytes:
    """The whole mail from its head and its encoded parts, text first.

    Quoted-printable never holds `=_`, so the boundary cannot occur in a part.
    """
    written = head.encode()
    boundary = b"=_" + blake2b(written, digest_size=9).hexdigest().encode()
    opening = (written, MULTIPART % boundary, PLAIN % boundary)
    return b"".join((*opening, *text, HTML % boundary, *html, END % boundary))


def ascii_address(address: str) -> str:
    """An address as the wire has it: its domain in ASCII, nothing in it that could end a header."""
    local, _, _ = one_line(address).rpartition("@")
    return f"{local}@{ascii_domain(one_line(address))}"
