"""What does a returned mail say? Delivery reports (RFC 3464) and complaints (RFC 5965), and nothing guessed.

Only the outer layer of a mail is cut up: sixty thousand parts cost no more than three. Anybody may write to
the mailbox these come from, so nothing here asks the standard library for what it may raise on: parsed
addresses and encoded parameters.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser

from digest.delivery.bounces.return_path import delivery_in
from digest.delivery.message import SendResult, SmtpStage
from digest.delivery.reply_codes import classify
from digest.models import BounceKind

MOST_BYTES = 1_000_000
MOST_PARTS = 6
MOST_GROUPS = 20
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_BOUNDARY = re.compile(r";\s*boundary\s*=\s*(?:\"([^\"]{1,200})\"|([^\s\";]{1,200}))", re.IGNORECASE)
_FEEDBACK = re.compile(r";\s*report-type\s*=\s*\"?feedback-report\b", re.IGNORECASE)
_DELIVERY_STATUS = ("message/delivery-status", "message/global-delivery-status")  # the latter: RFC 6533
_RECIPIENT_HEADERS = ("Delivered-To", "X-Original-To", "Envelope-To", "To")


@dataclass(frozen=True, slots=True)
class BounceReport:
    """What came back about one of our deliveries."""

    pid: str
    kind: BounceKind
    code: str
    raw_hash: str  # the same report twice is one


def read_report(raw: bytes, *, keys: Sequence[bytes], envelope_to: str = "") -> BounceReport | None:
    """What this mail says about which delivery; None when it does not speak of one, or is forged.

    An answer that is no report (an out-of-office note) is nothing. A report that we cannot read is
    noted and has no consequences.
    """
    if len(raw) > MOST_BYTES:
        raw = raw[:MOST_BYTES]
    head, body = _split(raw)
    if head.get_content_type() != "multipart/report":
        return None
    parts = list(_parts(head, body))
    kind, code = _complaint(parts) if _is_feedback(head, parts) else _bounce(parts)
    pid = _pid([envelope_to, *_to(head), *_inside(parts)], keys)
    if pid is None or kind is None:
        return None
    return BounceReport(pid, kind, code, hashlib.sha256(raw).hexdigest())


# ---- delivery reports


def _bounce(parts: Sequence[tuple[str, bytes]]) -> tuple[BounceKind | None, str]:
    """The worst that is said of a recipient; None when the mail is only late, or has arrived."""
    for kind, content in parts:
        if kind in _DELIVERY_STATUS:
            return _worst(list(_groups(content))[1:])
    return BounceKind.OTHER, ""


def _worst(recipients: Sequence[Message]) -> tuple[BounceKind | None, str]:
    for fields in recipients:
        if _said(fields, "Action").lower() == "failed":
            found = _STATUS.search(_said(fields, "Status"))
            return (meaning(found[0]), found[0]) if found else (BounceKind.OTHER, "")
    return (None, "") if recipients else (BounceKind.OTHER, "")


def meaning(status: str) -> BounceKind:
    """What an enhanced status means: what a reply would have said; one that gave up waiting says: not now."""
    if not status.startswith("5"):
        return BounceKind.SOFT
    return classify(SendResult(SmtpStage.RCPT, 550, f"{status} reported")).bounce or BounceKind.OTHER


# ---- complaints


def _is_feedback(head: Message, parts: Sequence[tuple[str, bytes]]) -> bool:
    said = _FEEDBACK.search(_said(head, "Content-Type"))
    return said is not None or any(kind == "message/feedback-report" for kind, _ in parts)


def _complaint(parts: Sequence[tuple[str, bytes]]) -> tuple[BounceKind | None, str]:
    for kind, content in parts:
        if kind == "message/feedback-report":
            said = _said(_fields(content), "Feedback-Type").lower()
            return (BounceKind.COMPLAINT if said == "abuse" else BounceKind.OTHER), said[:40]
    return BounceKind.OTHER, ""


# ---- whose


def _pid(texts: Sequence[str], keys: Sequence[bytes]) -> str | None:
    """The delivery behind the first genuine return address of ours in these."""
    return next((pid for each in texts if (pid := delivery_in(each, keys=keys))), None)


def _to(head: Message) -> Iterator[str]:
    for name in _RECIPIENT_HEADERS:
        yield from map(str, head.get_all(name, []))


def _inside(parts: Sequence[tuple[str, bytes]]) -> Iterator[str]:
    """Return addresses that a complaint quotes: they are signed, so they may be believed."""
    for kind, content in parts:
        fields = _fields(content)
        if kind == "message/feedback-report":
            yield _said(fields, "Original-Mail-From")
        elif kind in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"):
            yield _said(fields, "Return-Path")


# ---- cutting up


def _split(raw: bytes) -> tuple[Message, bytes]:
    """The header fields, and the rest."""
    raw = raw.replace(b"\r\n", b"\n")
    head, _, body = raw.partition(b"\n\n")
    return BytesHeaderParser().parsebytes(head + b"\n\n"), body


def _fields(content: bytes) -> Message:
    return _split(content.lstrip(b"\r\n"))[0]


def _said(fields: Message, name: str) -> str:
    """What a field says, or nothing. One with stray bytes in it is no string before it is made one."""
    return str(fields.get(name, "")).strip()


def _parts(head: Message, body: bytes) -> Iterator[tuple[str, bytes]]:
    """Type and content of the first few parts, one layer deep."""
    found = _BOUNDARY.search(_said(head, "Content-Type"))
    if found is None:
        return
    boundary = found[1] or found[2]
    pieces = (b"\n" + body).split(b"\n--" + boundary.encode("ascii", "replace"), MOST_PARTS)
    for piece in pieces[1:]:
        if not piece.startswith(b"--"):
            fields, content = _split(piece.lstrip(b"\n") if piece.startswith(b"\n") else piece)
            yield fields.get_content_type(), content


def _groups(content: bytes) -> Iterator[Message]:
    """The blocks of a delivery report: the first is about the mail, the others about its recipients."""
    for group in re.split(rb"\n[ \t]*\n", content.strip(), maxsplit=MOST_GROUPS):
        yield BytesHeaderParser().parsebytes(group + b"\n\n")
