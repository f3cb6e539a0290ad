"""Parser of returned mail: delivery reports (RFC 3464) and complaints (RFC 5965), nothing else.

Only the outer layer of a message is split, so sixty thousand parts cost no more than three. Anybody may write
to the bounce mailbox, so the parts of the standard library that may raise on hostile input are not used:
parsed addresses and encoded parameters.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser

from digest.delivery.bounces.return_path import find_return_address
from digest.delivery.message import SendResult, SmtpStage
from digest.delivery.reply_codes import classify
from digest.models import BounceKind

MAX_REPORT_BYTES = 1_000_000
MAX_PARTS = 6
MAX_GROUPS = 20
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_BOUNDARY = re.compile(r";\s*boundary\s*=\s*(?:\"([^\"]{1,200})\"|([^\s\";]{1,200}))", re.IGNORECASE)
_FEEDBACK = re.compile(r";\s*report-type\s*=\s*\"?feedback-report\b", re.IGNORECASE)
_DELIVERY_STATUS = ("message/delivery-status", "message/global-delivery-status")  # the latter: RFC 6533
_RECIPIENT_HEADERS = ("Delivered-To", "X-Original-To", "Envelope-To", "To")


@dataclass(frozen=True, slots=True)
class BounceReport:
    """A bounce or complaint about one of our deliveries."""

    public_id: str
    kind: BounceKind
    code: str
    raw_hash: str  # identifies the report: the same one twice counts once


def parse_report(raw: bytes, *, keys: Sequence[bytes], envelope_to: str = "") -> BounceReport | None:
    """Parse a returned message; None if it is not about a delivery of ours, is forged, or is no failure.

    An answer that is no report (an out-of-office note) gives None. A report that cannot be understood
    is of kind OTHER, which has no consequences.
    """
    if len(raw) > MAX_REPORT_BYTES:
        raw = raw[:MAX_REPORT_BYTES]
    headers, body = _split_headers(raw)
    if headers.get_content_type() != "multipart/report":
        return None
    parts = list(_iter_parts(headers, body))
    kind, code = _parse_complaint(parts) if _is_feedback(headers, parts) else _parse_bounce(parts)
    public_id = _find_delivery([envelope_to, *_iter_recipients(headers), *_iter_quoted_senders(parts)], keys)
    if public_id is None or kind is None:
        return None
    return BounceReport(public_id, kind, code, hashlib.sha256(raw).hexdigest())


# ---- delivery reports


def _parse_bounce(parts: Sequence[tuple[str, bytes]]) -> tuple[BounceKind | None, str]:
    """Return kind and status of the first failed recipient; kind None: only late, or delivered."""
    for content_type, content in parts:
        if content_type in _DELIVERY_STATUS:
            return _parse_recipients(list(_iter_groups(content))[1:])
    return BounceKind.OTHER, ""


def _parse_recipients(recipients: Sequence[Message]) -> tuple[BounceKind | None, str]:
    for fields in recipients:
        if _get_field(fields, "Action").lower() == "failed":
            match = _STATUS.search(_get_field(fields, "Status"))
            return (classify_status(match[0]), match[0]) if match else (BounceKind.OTHER, "")
    return (None, "") if recipients else (BounceKind.OTHER, "")


def classify_status(status: str) -> BounceKind:
    """Return the bounce kind of an enhanced status, as for a reply; one that gave up waiting is SOFT."""
    if not status.startswith("5"):
        return BounceKind.SOFT
    return classify(SendResult(SmtpStage.RCPT, 550, f"{status} reported")).bounce or BounceKind.OTHER


# ---- complaints


def _is_feedback(headers: Message, parts: Sequence[tuple[str, bytes]]) -> bool:
    if _FEEDBACK.search(_get_field(headers, "Content-Type")):
        return True
    return any(content_type == "message/feedback-report" for content_type, _ in parts)


def _parse_complaint(parts: Sequence[tuple[str, bytes]]) -> tuple[BounceKind | None, str]:
    for content_type, content in parts:
        if content_type == "message/feedback-report":
            feedback = _get_field(_parse_fields(content), "Feedback-Type").lower()
            return (BounceKind.COMPLAINT if feedback == "abuse" else BounceKind.OTHER), feedback[:40]
    return BounceKind.OTHER, ""


# ---- the delivery it is about


def _find_delivery(texts: Sequence[str], keys: Sequence[bytes]) -> str | None:
    """Return the public id of the delivery behind the first genuine return address in these texts."""
    return next((public_id for text in texts if (public_id := find_return_address(text, keys=keys))), None)


def _iter_recipients(headers: Message) -> Iterator[str]:
    for name in _RECIPIENT_HEADERS:
        yield from map(str, headers.get_all(name, []))


def _iter_quoted_senders(parts: Sequence[tuple[str, bytes]]) -> Iterator[str]:
    """Yield the return addresses quoted in a report; they are signed, so they can be trusted."""
    for content_type, content in parts:
        fields = _parse_fields(content)
        if content_type == "message/feedback-report":
            yield _get_field(fields, "Original-Mail-From")
        elif content_type in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"):
            yield _get_field(fields, "Return-Path")


# ---- MIME


def _split_headers(raw: bytes) -> tuple[Message, bytes]:
    """Return the parsed header fields, and the body."""
    raw = raw.replace(b"\r\n", b"\n")
    head, _, body = raw.partition(b"\n\n")
    return BytesHeaderParser().parsebytes(head + b"\n\n"), body


def _parse_fields(content: bytes) -> Message:
    return _split_headers(content.lstrip(b"\r\n"))[0]


def _get_field(fields: Message, name: str) -> str:
    """Return the value of a field or ""; a value with stray bytes is a Header object, hence str()."""
    return str(fields.get(name, "")).strip()


def _iter_parts(headers: Message, body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield type and content of the first few parts, one layer deep."""
    match = _BOUNDARY.search(_get_field(headers, "Content-Type"))
    if match is None:
        return
    boundary = match[1] or match[2]
    pieces = (b"\n" + body).split(b"\n--" + boundary.encode("ascii", "replace"), MAX_PARTS)
    for piece in pieces[1:]:
        if not piece.startswith(b"--"):
            fields, content = _split_headers(piece.lstrip(b"\n") if piece.startswith(b"\n") else piece)
            yield fields.get_content_type(), content


def _iter_groups(content: bytes) -> Iterator[Message]:
    """Yield the groups of a delivery report: the first is about the message, the others about recipients."""
    for group in re.split(rb"\n[ \t]*\n", content.strip(), maxsplit=MAX_GROUPS):
        yield BytesHeaderParser().parsebytes(group + b"\n\n")
