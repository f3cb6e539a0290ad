"""Where do bounces and complaints arrive? In a Maildir, an IMAP mailbox, or by a signed webhook."""

import hmac
import imaplib
import json
import os
import re
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from digest.delivery.bounces.reports import MOST_BYTES, BounceReport, read_report
from digest.delivery.bounces.return_path import delivery_behind
from digest.models import BounceKind
from digest.models.errors import ConfigError, DeliveryError, InvalidToken

AT_ONCE = 500
SIGNED_WITHIN = 300  # seconds between the signing of a webhook and its arrival
LONGEST_HEAD = 64 * 1024
Hear = Callable[[BounceReport], bool]
Leave = Callable[[str], bool]
_SIGNED_AT = re.compile(r"t=([0-9]{1,12}),")
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_UNSUBSCRIBE = re.compile(
    r"^(?:To|Delivered-To|X-Original-To|Envelope-To):[^\n]*\bunsubscribe\+([\w.~-]{8,200})@",
    re.IGNORECASE | re.MULTILINE,
)


def nobody_leaves(_: str) -> bool:
    """For mailboxes that take bounces alone."""
    return False


class BounceMailbox(Protocol):
    """Somewhere returned mail lies."""

    def unread(self) -> Iterator[tuple[str, bytes]]:
        """Name and content of what nobody has read yet."""

    def mark_read(self, name: str) -> None:
        """It need not be looked at again."""


@dataclass(frozen=True, slots=True)
class BounceRunSummary:
    """What lay in the mailbox."""

    read: int = 0
    heard: int = 0  # said something new about a delivery of ours
    ignored: int = 0  # no report, forged, or heard before
    left: int = 0  # unsubscribed by mail


def read_bounces(
    box: BounceMailbox, hear: Hear, *, keys: Sequence[bytes], leave: Leave = nobody_leaves
) -> BounceRunSummary:
    """Read everything unread; `hear` writes one event down, `leave` unsubscribes whoever holds a token.

    Both say whether that was new. A mail is marked as read only after that, so a crash reads it again;
    the same event twice is one.
    """
    read = heard = left = 0
    for name, raw in box.unread():
        report, token = read_report(raw, keys=keys), unsubscribe_token(raw)
        heard += report is not None and hear(report)
        left += report is None and token is not None and leave(token)
        box.mark_read(name)
        read += 1
    return BounceRunSummary(read, heard, read - heard - left, left)


def unsubscribe_token(raw: bytes) -> str | None:
    """The token of a mail to unsubscribe+TOKEN@…, as mail programs send it for people; None for others."""
    head = raw[:LONGEST_HEAD].partition(b"\r\n\r\n")[0].partition(b"\n\n")[0].decode("latin-1")
    found = _UNSUBSCRIBE.search(_FOLD.sub("", head))  # long addresses stand on a line of their own
    return found[1] if found else None


@contextmanager
def open_mailbox(url: str) -> Iterator[BounceMailbox]:
    """A mailbox by its address: maildir:/path, or imaps://user:pass@host[:port]/FOLDER."""
    parts = urlsplit(url)
    if parts.scheme == "maildir" and parts.path:
        yield Maildir(Path(unquote(parts.path)))
    elif parts.scheme in ("imaps", "imap") and parts.hostname:
        yield from _imap(url)
    else:
        raise ConfigError("A bounce mailbox is maildir:/path or imaps://user:pass@host/INBOX.")


class Maildir:
    """A Maildir: what lies in `new` is unread. Mails are moved, never parsed or written anew."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for part in ("tmp", "new", "cur"):
            (folder / part).mkdir(parents=True, exist_ok=True)

    def unread(self) -> Iterator[tuple[str, bytes]]:
        """What lies in `new`, a few hundred at a time, the oldest names first."""
        fresh = sorted(entry.name for entry in os.scandir(self._folder / "new") if entry.is_file())
        for name in fresh[:AT_ONCE]:
            with suppress(FileNotFoundError), (self._folder / "new" / name).open("rb") as file:
                yield name, file.read(MOST_BYTES)

    def mark_read(self, name: str) -> None:
        """Move it to `cur`, seen; who came before us has done so."""
        with suppress(FileNotFoundError):
            (self._folder / "new" / name).rename(self._folder / "cur" / f"{name.partition(':')[0]}:2,S")


class Imap:
    """A folder on an IMAP server."""

    def __init__(self, server: imaplib.IMAP4) -> None:
        self._server = server

    def unread(self) -> Iterator[tuple[str, bytes]]:
        """What is not flagged as seen; reading it does not flag it."""
        _, found = self._server.uid("SEARCH", "UNSEEN")
        for uid in (found[0] or b"").split()[:AT_ONCE]:
            _, answer = self._server.uid("FETCH", uid.decode(), f"(BODY.PEEK[]<0.{MOST_BYTES}>)")
            if answer and isinstance(answer[0], tuple):
                yield uid.decode(), answer[0][1]

    def mark_read(self, name: str) -> None:
        """Flag it as seen."""
        self._server.uid("STORE", name, "+FLAGS", r"(\Seen)")


def _imap(url: str) -> Iterator[BounceMailbox]:
    parts = urlsplit(url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    host, folder = parts.hostname or "", unquote(parts.path.strip("/")) or "INBOX"
    try:
        server = _connect(parts.scheme, host, parts.port)
        with server:
            server.login(user, password)
            server.select(f'"{folder}"')
            yield Imap(server)
    except (imaplib.IMAP4.error, OSError) as error:
        raise DeliveryError(f"The bounce mailbox on {host} cannot be read: {error}.") from error


def _connect(scheme: str, host: str, port: int | None) -> imaplib.IMAP4:
    if scheme == "imaps":
        return imaplib.IMAP4_SSL(host, port or 993, ssl_context=ssl.create_default_context(), timeout=60)
    plain = imaplib.IMAP4(host, port or 143, timeout=60)
    if host not in ("localhost", "127.0.0.1", "::1"):  # a password never travels in the clear
        plain.starttls(ssl.create_default_context())
    return plain


# ---- webhooks


def sign_webhook(body: bytes, secret: bytes, *, at: int) -> str:
    """The signature header of a webhook: t=<seconds>,v1=<HMAC-SHA256 of "t.body">."""
    mac = hmac.new(secret, f"{at}.".encode() + body, sha256).hexdigest()
    return f"t={at},v1={mac}"


def read_webhook(
    body: bytes, signature: str, *, secret: bytes, keys: Sequence[bytes], now: float | None = None
) -> BounceReport | None:
    """What a provider tells us: {"envelope": our return address, "type": "hard", "code": "5.1.1"}.

    Raises InvalidToken unless it is signed with the shared secret, and lately.
    """
    found = _SIGNED_AT.match(signature)
    at = int(found[1]) if found else 0
    expected = sign_webhook(body, secret, at=at)
    genuine = bool(secret) and hmac.compare_digest(signature.encode(errors="replace"), expected.encode())
    if not genuine or abs((now if now is not None else time.time()) - at) > SIGNED_WITHIN:
        raise InvalidToken("This webhook is not signed with our secret, or too long ago.")
    return _told(body, keys)


def _told(body: bytes, keys: Sequence[bytes]) -> BounceReport | None:
    try:
        said = json.loads(body)
        pid = delivery_behind(str(said["envelope"]), keys=keys)
        kind = BounceKind(said["type"])
        code = str(said.get("code", ""))[:40]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return BounceReport(pid, kind, code, sha256(body).hexdigest()) if pid else None
