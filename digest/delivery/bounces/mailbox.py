"""Where bounces and complaints arrive: a Maildir, an IMAP folder, or a signed webhook."""

import hmac
import imaplib
import json
import os
import re
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from digest.delivery.bounces.reports import (
    MAX_REPLY_CHARS,
    MAX_REPORT_BYTES,
    build_report,
    parse_report,
)
from digest.delivery.bounces.return_path import parse_return_address
from digest.delivery.reply_codes import Verdict, judge_report
from digest.models import BounceKind, BounceReport
from digest.models.errors import ConfigError, DeliveryError, InvalidToken

MAX_MESSAGES_PER_RUN = 500
MAX_WEBHOOK_AGE = 300  # seconds between the signing of a webhook and its arrival
MAX_HEAD_BYTES = 64 * 1024
RecordBounce = Callable[[BounceReport], bool]
Unsubscribe = Callable[[str], bool]
_SIGNED_AT = re.compile(r"t=([0-9]{1,12}),")
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_UNSUBSCRIBE = re.compile(
    r"^(?!(?:In-)?Reply-To:)(?:[\w-]+-)?(?:To|Cc):[^\n]*\bunsubscribe\+([\w.~-]{8,200})@",
    re.IGNORECASE | re.MULTILINE,
)


class BounceMailbox(Protocol):
    """A mailbox with returned mail."""

    def unread(self) -> Iterator[tuple[str, bytes]]:
        """Yield name and content of the unread messages."""

    def mark_read(self, name: str) -> None:
        """Mark a message as read."""


@dataclass(frozen=True, slots=True)
class BounceRunSummary:
    """What one reading of the mailbox found."""

    read: int = 0
    heard: int = 0  # new reports about deliveries of ours
    ignored: int = 0  # no report, forged, or known already
    left: int = 0  # unsubscribed by mail


def read_bounces(
    mailbox: BounceMailbox,
    record_bounce: RecordBounce,
    *,
    keys: Sequence[bytes],
    unsubscribe: Unsubscribe | None = None,
    complain: Unsubscribe | None = None,
) -> BounceRunSummary:
    """Read everything unread: `record_bounce` stores a report, `unsubscribe` takes the token of a subscriber.

    `complain` takes the token of one who complained, where the complaint quotes no return address. All return
    whether that was new. A message is marked as read only afterwards, so it is read again after a crash, and
    must count once.
    """
    read = recorded = unsubscribed = 0
    for name, raw in mailbox.unread():
        report, token = parse_report(raw, keys=keys), find_unsubscribe_token(raw)
        if report and report.public_id:
            recorded += record_bounce(report)
        elif report and report.kind is BounceKind.COMPLAINT and complain:
            recorded += any(map(complain, report.tokens))
        elif token and unsubscribe:
            unsubscribed += unsubscribe(token)
        mailbox.mark_read(name)
        read += 1
    return BounceRunSummary(read, recorded, read - recorded - unsubscribed, unsubscribed)


def find_unsubscribe_token(raw: bytes) -> str | None:
    """Return the token of a message to unsubscribe+TOKEN@…, as mail programs send it; None for others."""
    head = raw[:MAX_HEAD_BYTES].partition(b"\r\n\r\n")[0].partition(b"\n\n")[0].decode("latin-1")
    match = _UNSUBSCRIBE.search(_FOLD.sub("", head))  # long addresses stand on a line of their own
    return match[1] if match else None


@contextmanager
def open_mailbox(url: str) -> Iterator[BounceMailbox]:
    """Open a mailbox: maildir:/path, or imaps://user:pass@host[:port]/FOLDER.

    Raises ConfigError for another URL or a Maildir that does not exist, DeliveryError when the server cannot
    be read.
    """
    check_mailbox_url(url)
    parts = urlsplit(url)
    if parts.scheme == "maildir":
        check_maildir(url)
        yield Maildir(Path(unquote(parts.path)))
    else:
        yield from _open_imap(url)


def check_mailbox_url(url: str) -> None:
    """Raise ConfigError unless this is the URL of a mailbox; it repeats nothing: that might be a password."""
    try:
        parts = urlsplit(url)
        is_maildir = parts.scheme == "maildir" and bool(parts.path)
        is_imap = parts.scheme in ("imaps", "imap") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_maildir = is_imap = False
    is_cut = is_imap and (parts.fragment or parts.query or "@" in parts.path)
    if is_cut or not (is_maildir or is_imap):
        raise ConfigError(
            "DIGEST_BOUNCE_MAILBOX: write maildir:/path or imaps://user:password@host/INBOX. In user name "
            "and password, percent-encode every character except letters and digits: / is %2F, @ is "
            "%40, : is %3A."
        )


def check_maildir(url: str) -> None:
    """Raise ConfigError if this is the URL of a Maildir that does not exist.

    It is not created: at a mistyped path nothing ever arrives, and the mail server may not write into ours.
    """
    parts = urlsplit(url)
    folder = Path(unquote(parts.path))
    if parts.scheme == "maildir" and not all(
        os.access(folder / part, os.R_OK | os.W_OK | os.X_OK) for part in ("new", "cur")
    ):
        raise ConfigError(
            f"DIGEST_BOUNCE_MAILBOX: {folder} is not a Maildir that this user may read and write. Correct "
            "the path, or create its folders cur, new and tmp as the user who delivers into it."
        )


class Maildir:
    """A Maildir: messages in `new` are unread. They are moved, never changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def unread(self) -> Iterator[tuple[str, bytes]]:
        """Yield the first few hundred messages in `new`, the oldest names first."""
        names = sorted(entry.name for entry in os.scandir(self._folder / "new") if entry.is_file())
        for name in names[:MAX_MESSAGES_PER_RUN]:
            with suppress(FileNotFoundError), (self._folder / "new" / name).open("rb") as file:
                yield name, file.read(MAX_REPORT_BYTES)

    def mark_read(self, name: str) -> None:
        """Move a message to `cur` with the flag "seen"; do nothing if another process has done so."""
        with suppress(FileNotFoundError):
            (self._folder / "new" / name).rename(self._folder / "cur" / f"{name.partition(':')[0]}:2,S")


class Imap:
    """A folder on an IMAP server."""

    def __init__(self, server: imaplib.IMAP4) -> None:
        self._server = server

    def unread(self) -> Iterator[tuple[str, bytes]]:
        """Yield the first few hundred messages without the flag "seen"; reading does not set it."""
        _, uids = self._server.uid("SEARCH", "UNSEEN")
        for uid in (uids[0] or b"").split()[:MAX_MESSAGES_PER_RUN]:
            _, data = self._server.uid("FETCH", uid.decode(), f"(BODY.PEEK[]<0.{MAX_REPORT_BYTES}>)")
            if data and isinstance(data[0], tuple):
                yield uid.decode(), data[0][1]

    def mark_read(self, name: str) -> None:
        """Flag a message as seen."""
        self._server.uid("STORE", name, "+FLAGS", r"(\Seen)")


def _open_imap(url: str) -> Iterator[BounceMailbox]:
    parts = urlsplit(url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    host, folder = parts.hostname or "", unquote(parts.path.strip("/")) or "INBOX"
    try:
        server = _connect_imap(parts.scheme, host, parts.port)
        with server:
            server.login(user, password)
            server.select(f'"{folder}"')
            yield Imap(server)
    except (imaplib.IMAP4.error, OSError) as error:
        raise DeliveryError(f"The bounce mailbox on {host} cannot be read: {error}.") from error


def _connect_imap(scheme: str, host: str, port: int | None) -> imaplib.IMAP4:
    if scheme == "imaps":
        return imaplib.IMAP4_SSL(host, port or 993, ssl_context=ssl.create_default_context(), timeout=60)
    server = imaplib.IMAP4(host, port or 143, timeout=60)
    if host not in ("localhost", "127.0.0.1", "::1"):  # a password never travels unencrypted
        server.starttls(ssl.create_default_context())
    return server


# ---- webhooks


def sign_webhook(body: bytes, secret: bytes, *, at: int) -> str:
    """Return the signature header of a webhook: t=<seconds>,v1=<HMAC-SHA256 of "t.body">."""
    mac = hmac.new(secret, f"{at}.".encode() + body, sha256).hexdigest()
    return f"t={at},v1={mac}"


def read_webhook(
    body: bytes, signature: str, *, secret: bytes, keys: Sequence[bytes], now: float | None = None
) -> BounceReport | None:
    """Verify and parse a webhook: {"envelope": our return address, "type": "hard", "code": "5.1.1"}.

    It may have the "reply" of the mail server; code and reply are judged by the table of replies.

    Returns None if it is not about a delivery of ours. Raises InvalidToken unless it is signed with the
    shared secret within MAX_WEBHOOK_AGE.
    """
    match = _SIGNED_AT.match(signature)
    at = int(match[1]) if match else 0
    expected = sign_webhook(body, secret, at=at)
    is_genuine = bool(secret) and hmac.compare_digest(signature.encode(errors="replace"), expected.encode())
    if not is_genuine or abs((now if now is not None else time.time()) - at) > MAX_WEBHOOK_AGE:
        raise InvalidToken("This webhook is not signed with our secret, or the signature is too old.")
    return _parse_webhook(body, keys)


def _parse_webhook(body: bytes, keys: Sequence[bytes]) -> BounceReport | None:
    try:
        data = json.loads(body)
        public_id = parse_return_address(str(data["envelope"]), keys=keys)
        kind, code = BounceKind(data["type"]), str(data.get("code") or "")
        reply = str(data.get("reply") or "")[:MAX_REPLY_CHARS]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if public_id is None:
        return None
    verdict = replace(_judge_claim(kind, code, reply), code=code, reply=reply or code)
    return build_report(public_id, verdict, raw_hash=sha256(body).hexdigest())


def _judge_claim(kind: BounceKind, code: str, reply: str) -> Verdict:
    """Return what the code and words say by the table of replies; if they say nothing, the claimed kind."""
    if kind not in (BounceKind.HARD, BounceKind.UNSURE, BounceKind.SOFT) or not (code or reply):
        return Verdict(kind, "")
    verdict = judge_report(code, f"{code} {reply}")
    claims_more = kind is BounceKind.HARD and verdict.kind is BounceKind.UNSURE
    return verdict if verdict.is_explained and not claims_more else Verdict(kind, verdict.reason)
