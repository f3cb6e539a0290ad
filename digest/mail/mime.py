"""MIME messages as bytes, built by hand: digests and notices, text then HTML, in quoted-printable.

The bytes depend on nothing but the arguments: Date, Message-ID and boundary come from the edition, so that a
preview equals the mail, and a mail sent twice is the same mail.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from email.utils import format_datetime
from hashlib import blake2b

from digest.mail.branding import Site, ascii_domain
from digest.mail.links import Links
from digest.mail.locale import get_locale
from digest.mail.quoted_printable import encode_header, encode_phrase, encode_quoted_printable, to_one_line
from digest.models import Edition, Email, Subscriber
from digest.models.editions import EditionRows

Header = tuple[str, str]

QUOTED_PRINTABLE = b"; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
MULTIPART = b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="%b"\r\n'
TEXT_PART = b"\r\n--%b\r\nContent-Type: text/plain" + QUOTED_PRINTABLE
HTML_PART = b"\r\n--%b\r\nContent-Type: text/html" + QUOTED_PRINTABLE
END = b"\r\n--%b--\r\n"


def build_digest_message(email: Email, edition: Edition | EditionRows, *, site: Site, links: Links) -> bytes:
    """Return a digest with list headers and the one-click unsubscribe of RFC 8058."""
    reader = edition.subscriber
    head = build_digest_head(
        edition,
        to=ascii_address(reader.address),
        subject=encode_header(email.subject),
        message_id=digest_message_id(site, reader, edition.day),
        site=site,
        links=links,
    )
    return _assemble_email(head, email)


def build_digest_head(  # noqa: PLR0913  what differs by reader, and by site
    edition: Edition | EditionRows, *, to: str, subject: str, message_id: str, site: Site, links: Links
) -> str:
    """Return the header block of a digest; *to*, *subject* and *message_id* are encoded."""
    return _format_headers(
        (
            *_address_headers(site, site.sender, to),
            *_content_headers(subject, edition.slot, message_id),
            ("Reply-To", site.reply_to or site.sender),
            *_list_headers(site, links, edition),
            *_automatic_headers(get_locale(edition.subscriber.preferences.language).code),
        )
    )


def build_notice_message(  # noqa: PLR0913  what differs by notice, and by site
    email: Email, *, to: str, at: datetime, key: str, site: Site, language: str, unsubscribe_url: str = ""
) -> bytes:
    """Return a confirmation, a welcome or an alert: not of the list, and from an address of its own.

    *at* is when it was decided, *key* that of its delivery. One click on *unsubscribe_url*, and the address
    never gets mail again.
    """
    head = _format_headers(
        (
            *_address_headers(site, site.notices_sender, ascii_address(to)),
            *_content_headers(encode_header(email.subject), at, notice_message_id(site, key)),
            ("Reply-To", site.reply_to or site.sender),
            *(_unsubscribe_headers(unsubscribe_url) if unsubscribe_url else ()),
            *_automatic_headers(language),
        )
    )
    return _assemble_email(head, email)


def digest_message_id(site: Site, reader: Subscriber, day: date) -> str:
    """Return the Message-ID of a reader's digest of that day."""
    return f"<d.{day}.{reader.public_id}@{site.domain}>"


def notice_message_id(site: Site, key: str) -> str:
    """Return the Message-ID of a notice: a hash of its delivery key, which it does not give away."""
    return f"<n.{blake2b(key.encode(), digest_size=12, person=b'digest.notice').hexdigest()}@{site.domain}>"


def assemble_message(head: str, text: bytes, html: bytes) -> bytes:
    """Return a whole message from its header block and its encoded parts.

    Quoted-printable never contains `=_`, so the boundary cannot occur in a part.
    """
    head_bytes = head.encode()
    boundary = b"=_" + blake2b(head_bytes, digest_size=9).hexdigest().encode()
    opening = (head_bytes, MULTIPART % boundary, TEXT_PART % boundary)
    return b"".join((*opening, text, HTML_PART % boundary, html, END % boundary))


def ascii_address(address: str) -> str:
    """Return an address with its domain in ASCII and nothing in it that could end a header."""
    local, _, _ = to_one_line(address).rpartition("@")
    return f"{local}@{ascii_domain(to_one_line(address))}"


def _assemble_email(head: str, email: Email) -> bytes:
    return assemble_message(head, encode_quoted_printable(email.text), encode_quoted_printable(email.html))


def _format_headers(headers: Iterable[Header]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers)


def _address_headers(site: Site, sender: str, to: str) -> Iterable[Header]:
    name = encode_phrase(site.sender_name or site.brand)
    return ("From", f"{name} <{ascii_address(sender)}>"), ("To", to)


def _content_headers(subject: str, at: datetime, message_id: str) -> Iterable[Header]:
    return (
        ("Subject", subject),
        ("Date", format_datetime(at.astimezone(UTC))),
        ("Message-ID", message_id),
    )


def _list_headers(site: Site, links: Links, edition: Edition | EditionRows) -> Iterable[Header]:
    """Return the headers of the mailing list: never folded, never encoded."""
    name = to_one_line(site.brand).replace('"', "") if site.brand.isascii() else ""
    # A mailto only where that mailbox is read: else unsubscribing by mail would do nothing.
    day, public_id = edition.day, edition.subscriber.public_id
    unsubscribe = links.unsubscribe_url(public_id)
    token = unsubscribe.rpartition("/")[2]
    mailto = f", <mailto:unsubscribe+{token}@{site.domain}>" if site.reads_mail else ""
    return (
        ("List-Id", f'"{name}" <daily.{site.domain}>' if name else f"<daily.{site.domain}>"),
        *_unsubscribe_headers(unsubscribe, mailto),
        ("List-Help", f"<{links.preferences_url(public_id)}>"),
        ("List-Owner", f"<mailto:{ascii_address(site.reply_to or site.sender)}>"),
        ("List-Post", "NO"),
        ("List-Archive", f"<{links.archive_url()}>"),
        ("Archived-At", f"<{links.archive_url(day)}>"),
        ("Feedback-ID", f"{day:%Y%m%d}:digest:{site.domain.replace('.', '')}"),
    )


def _unsubscribe_headers(url: str, mailto: str = "") -> Iterable[Header]:
    """Return the one-click unsubscribe that mail programs offer (RFC 8058)."""
    return (
        ("List-Unsubscribe", f"<{url}>{mailto}"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )


def _automatic_headers(language: str) -> Iterable[Header]:
    """Return headers that keep out-of-office notes from answering."""
    return (
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "OOF, AutoReply"),
        ("Content-Language", to_one_line(language)),
    )
