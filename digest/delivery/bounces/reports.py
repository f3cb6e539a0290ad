"""Parser of returned mail: delivery reports (RFC 3464), bounces of qmail and Exim, complaints (RFC 5965).

Reports come inside multipart/mixed, in base64 and quoted-printable, Microsoft's complaints without ARF. Only
a few parts of a message are split off, so sixty thousand cost no more than three. Anybody may write to the
bounce mailbox, so the parts of the standard library that may raise on hostile input are not used:
parsed addresses and encoded parameters.
"""

import base64
import hashlib
import quopri
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from email.message import Message
from email.parser import BytesHeaderParser

from digest.delivery.bounces.return_path import find_return_address
from digest.delivery.reply_codes import LATER, Verdict, judge_report
from digest.models import BounceKind, BounceReport

MAX_REPORT_BYTES = 1_000_000
MAX_PARTS = 6  # of a layer
MAX_LAYERS = 2  # of parts inside parts
MAX_GROUPS = 20
MAX_NOTICE_CHARS = 20_000  # of a plain bounce that are looked at
MAX_REPLY_CHARS = 1000
MAX_CODE_CHARS = 40
NON_COMPLAINT_TYPES = ("not-spam", "auth-failure", "virus")  # feedback that does not ask us to stop
REACHED = ("delivered", "relayed", "expanded")
NOTHING = Verdict(BounceKind.OTHER, "")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_BOUNDARY = re.compile(r";\s*boundary\s*=\s*(?:\"([^\"]{1,200})\"|([^\s\";]{1,200}))", re.IGNORECASE)
_FEEDBACK = re.compile(r";\s*report-type\s*=\s*\"?feedback-report\b", re.IGNORECASE)
_DELIVERY_STATUS = ("message/delivery-status", "message/global-delivery-status")  # the latter: RFC 6533
_MESSAGES = ("message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers")
_MICROSOFT_COPY = "X-HmXmrOriginalRecipient"  # in the copy of a mail that a reader of Outlook.com reported
_COMPLAINT_SUBJECT = re.compile(r"complaint about|(abuse|spam|feedback) (report|complaint)", re.IGNORECASE)
_TOKEN = re.compile(r"/u/([\w.~-]{8,200})|\bunsubscribe\+([\w.~-]{8,200})@", re.IGNORECASE)
_DAEMON = re.compile(r"mailer-daemon|postmaster", re.IGNORECASE)
_UTF8_XTEXT = re.compile(r"\\x\{([0-9a-f]{2,5})\}", re.IGNORECASE)  # letters of an address (RFC 6533)
_QMAIL = re.compile(
    r"qmail-send program|permanent error; I've given up|unable to deliver your message to the following",
    re.IGNORECASE,
)
_QMAIL_RECIPIENT = re.compile(r"^(?=<[^>\n]{1,320}>:)", re.MULTILINE)
_QMAIL_END = re.compile(r"\n[ \t]*\n|\n--- |\Z")
_EXIM = re.compile(r"created automatically by mail delivery software", re.IGNORECASE)
_EXIM_FAILED = re.compile(r"permanent error[^:]{0,300} failed:\s*(?=\S+@)", re.IGNORECASE)
_DELAYED = re.compile(
    r"delayed|\(delay\)|warning|not yet been delivered|will be retried|verzögert|retardé|retrasad",
    re.IGNORECASE,
)
_EXIM_END = re.compile(r"\n-{3,}|\n[ \t]*\S{1,255}@\S{1,255}[ \t]*\n|\Z")  # the latter: the next recipient


def build_report(
    public_id: str, verdict: Verdict, *, raw_hash: str, tokens: tuple[str, ...] = ()
) -> BounceReport:
    """Return the report of a verdict on a delivery."""
    return BounceReport(
        public_id,
        verdict.kind,
        verdict.code[:MAX_CODE_CHARS],
        raw_hash,
        reason=verdict.reason,
        reply=verdict.reply[:MAX_REPLY_CHARS],
        recipient=verdict.recipient,
        tokens=tokens,
    )


def parse_report(raw: bytes, *, keys: Sequence[bytes]) -> BounceReport | None:
    """Parse a returned message; None if it is not about a delivery of ours, is forged, or is no failure.

    An answer that is no report (an out-of-office note) gives None. A report that cannot be understood
    is of kind OTHER, which has no consequences.
    """
    raw = raw[:MAX_REPORT_BYTES]
    headers, body = _split_headers(raw)
    parts = list(_iter_parts(headers, body))
    verdict = _judge(headers, body, parts)
    if verdict is None:
        return None
    quoted = [_parse_fields(part.content) for part in parts]
    # Our return address is signed, so it can be trusted in any field: To, Received-SPF, Return-Path ...
    places = (str(value) for fields in (headers, *quoted) for value in fields.values())
    genuine = (public_id for text in places if (public_id := find_return_address(text, keys=keys)))
    public_id = next(genuine, "")
    is_complaint = verdict.kind is BounceKind.COMPLAINT
    tokens = tuple(_iter_tokens(quoted)) if is_complaint and not public_id else ()
    if not (public_id or tokens):
        return None
    return build_report(public_id, verdict, raw_hash=hashlib.sha256(raw).hexdigest(), tokens=tokens)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a message, its content decoded."""

    content_type: str
    content: bytes


def _judge(headers: Message, body: bytes, parts: Sequence[_Part]) -> Verdict | None:
    """Return what a message says in whatever shape; None if it is no report, or of no failure."""
    is_feedback = _FEEDBACK.search(_get_field(headers, "Content-Type"))
    if is_feedback or any(part.content_type == "message/feedback-report" for part in parts):
        return _parse_complaint(parts)
    if any(part.content_type in _DELIVERY_STATUS for part in parts):
        return _parse_bounce(parts)
    if _is_reported_copy(headers, parts):
        return Verdict(BounceKind.COMPLAINT, "", "abuse")
    if headers.get_content_type() == "multipart/report":
        return NOTHING
    return _parse_notice(headers, body, parts)


# ---- delivery reports


def _parse_bounce(parts: Sequence[_Part]) -> Verdict | None:
    """Return what is said of the first failed recipient; None: only late, or delivered (to another, even)."""
    content = next(part.content for part in parts if part.content_type in _DELIVERY_STATUS)
    recipients = [fields for fields in _iter_groups(content) if fields["Action"] or fields["Status"]]
    actions = [_get_field(fields, "Action").lower() for fields in recipients]
    if any(action.startswith(REACHED) for action in actions):
        return None
    for fields, named_action in zip(recipients, actions, strict=True):
        status = _get_field(fields, "Status")
        diagnostic = _get_field(fields, "Diagnostic-Code") or _get_field(fields, "X-Supplementary-Info")
        action = named_action or ("failed" if status.startswith("5") else "")
        if action.startswith("fail"):
            match = _STATUS.search(status)
            if not (match or diagnostic):
                return NOTHING
            verdict = judge_report(status, diagnostic)
            code = verdict.code if match is None or "." in verdict.code else match[0]
            recipient = _get_field(fields, "X-Actual-Recipient") or _get_field(fields, "Final-Recipient")
            recipient = _UTF8_XTEXT.sub(lambda match: chr(int(match[1], 16)), recipient)
            return replace(verdict, code=code, reply=diagnostic, recipient=recipient)
    return None if recipients else NOTHING


def _parse_notice(headers: Message, body: bytes, parts: Sequence[_Part]) -> Verdict | None:
    """Return what a plain bounce of qmail or Exim says; None if this is none.

    It comes from the null sender, like an out-of-office note, so only the fixed sentences of those two tell
    it from one, or X-Failed-Recipients where Exim's sentences are translated. Exim's warning that a mail is
    late lacks both; others' have the header.
    """
    is_null_sender = _get_field(headers, "Return-Path") in ("<>", "")
    is_from_daemon = "Return-Path" in headers or _DAEMON.search(_get_field(headers, "From"))
    if not (is_null_sender and is_from_daemon):
        return None
    content = next((part.content for part in parts if part.content_type == "text/plain"), b"")
    if not parts and headers.get_content_maintype() == "text":
        content = _decode(headers, body)
    text = content[:MAX_NOTICE_CHARS].decode("utf-8", "replace")
    failed = _get_field(headers, "X-Failed-Recipients").partition(",")[0]
    if failed and not _EXIM.search(text):
        reply = _find_translated_section(text, failed, subject=_get_field(headers, "Subject"))
    else:
        reply = _find_section(text, _QMAIL, _QMAIL_RECIPIENT, end=_QMAIL_END) or _find_section(
            text, _EXIM, _EXIM_FAILED, end=_EXIM_END
        )
    if not reply:
        return None
    return replace(judge_report("", reply), reply=reply, recipient=reply.split()[0])


def _find_translated_section(text: str, address: str, *, subject: str) -> str:
    """Return the text from the line of an address on, up to the next recipient; "" in a notice of delay.

    In a language that is not known, only a lasting refusal tells that it is none.
    """
    line_of_address = re.compile(rf"^(?=[ \t]*{re.escape(address)}:?[ \t]*$)", re.MULTILINE)
    match = line_of_address.search(text)
    if match is None or _DELAYED.search(f"{subject} {text[: match.start()]}"):
        return ""
    section = _find_section(text, line_of_address, end=_EXIM_END)
    verdict = judge_report("", section)
    is_temporary = verdict.code.startswith("4") or verdict.reason == LATER.reason
    return "" if is_temporary else section


def _find_section(text: str, *steps: re.Pattern[str], end: re.Pattern[str]) -> str:
    """Return the text after the matches of *steps*, one by one, up to *end*; "" if one is missing."""
    position = 0
    for step in steps:
        match = step.search(text, position)
        if match is None:
            return ""
        position = match.end()
    stop = end.search(text, position)
    return " ".join(text[position : stop.start() if stop else None][:MAX_REPLY_CHARS].split())


# ---- complaints


def _is_reported_copy(headers: Message, parts: Sequence[_Part]) -> bool:
    """Return whether this is a complaint as Microsoft sends it: the reported mail alone, without ARF."""
    copies = [_parse_fields(part.content) for part in parts if part.content_type in _MESSAGES]
    is_about = _COMPLAINT_SUBJECT.search(_get_field(headers, "Subject"))
    return any(_MICROSOFT_COPY in copy for copy in copies) or bool(copies and is_about)


def _parse_complaint(parts: Sequence[_Part]) -> Verdict:
    for part in parts:
        if part.content_type == "message/feedback-report":
            named = _get_field(_parse_fields(part.content), "Feedback-Type")
            feedback = named.partition(";")[0].strip().lower()
            is_complaint = feedback and feedback not in NON_COMPLAINT_TYPES
            kind = BounceKind.COMPLAINT if is_complaint else BounceKind.OTHER
            return Verdict(kind, "", feedback)
    return NOTHING


def _iter_tokens(quoted: Sequence[Message]) -> Iterator[str]:
    """Yield the tokens of the unsubscribe links of quoted mails; whether they are ours is not checked."""
    for fields in quoted:
        for value in fields.get_all("List-Unsubscribe", []):
            links = "".join(str(value).split())
            yield from (match[1] or match[2] for match in _TOKEN.finditer(links))


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


def _iter_parts(headers: Message, body: bytes, *, layers: int = MAX_LAYERS) -> Iterator[_Part]:
    """Yield the first few parts, and those inside a multipart among them; or the message that is the body."""
    if headers.get_content_maintype() == "message":
        yield _Part(headers.get_content_type(), _decode(headers, body))
    match = _BOUNDARY.search(_get_field(headers, "Content-Type"))
    if match is None or headers.get_content_maintype() != "multipart":
        return
    boundary = match[1] or match[2]
    pieces = (b"\n" + body).split(b"\n--" + boundary.encode("ascii", "replace"), MAX_PARTS)
    for piece in pieces[1:]:
        if not piece.startswith(b"--"):
            fields, content = _split_headers(piece.lstrip(b"\n") if piece.startswith(b"\n") else piece)
            if layers > 1 and fields.get_content_maintype() == "multipart":
                yield from _iter_parts(fields, content, layers=layers - 1)
            else:
                yield _Part(fields.get_content_type(), _decode(fields, content))


def _decode(fields: Message, content: bytes) -> bytes:
    """Undo base64 or quoted-printable as far as possible (RFC 6533 allows both in a report)."""
    encoding = _get_field(fields, "Content-Transfer-Encoding").lower()
    if encoding == "quoted-printable":
        content = quopri.decodestring(content)
    elif encoding == "base64":
        try:
            content = base64.b64decode(content + b"===")
        except ValueError:
            return b""
    return content.replace(b"\r\n", b"\n")


def _iter_groups(content: bytes) -> Iterator[Message]:
    """Yield the groups of a delivery report: the first is about the message, the others about recipients."""
    for group in re.split(rb"\n[ \t]*\n", content.strip(), maxsplit=MAX_GROUPS):
        yield BytesHeaderParser().parsebytes(group + b"\n\n")
