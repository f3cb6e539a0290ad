"""Where do mails go while no mail server is set? Into a folder, as .eml and .html, each exactly once."""

import asyncio
import hashlib
import os
import re
from email import message_from_bytes, policy
from pathlib import Path

from digest.delivery.message import OutgoingMessage, SendResult, SmtpStage

_MESSAGE_ID = re.compile(rb"^message-id:\s*<([^@>]+)", re.IGNORECASE | re.MULTILINE)
_UNSAFE = re.compile(r"[^\w.@+-]+")


class FileTransport:
    """Writes each letter into a folder. A letter tried again takes the place of itself."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def is_open(self) -> bool:
        """A folder never hangs up."""
        return True

    @property
    def looks_ahead(self) -> bool:
        """Nothing is gained by knowing the next letter."""
        return False

    async def open(self) -> "FileTransport":
        """The folder itself, made if it is not there."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    async def deliver(self, letter: OutgoingMessage, *, ahead: OutgoingMessage | None = None) -> SendResult:  # noqa: ARG002  a folder has no use for it
        """Both files stand complete under their names, or not at all."""
        try:
            name = await asyncio.to_thread(_file, self._folder, letter)
        except OSError as error:
            return SendResult(SmtpStage.MAIL, 452, f"4.3.1 {error.strerror or error}")
        return SendResult(SmtpStage.DOT, 250, f"2.0.0 queued as {name}")

    async def close(self) -> None:
        """Nothing to hang up."""

    def abort(self) -> None:
        """Nothing to hang up."""


def _file(folder: Path, letter: OutgoingMessage) -> str:
    name = _name(letter)
    if html := _html(letter.raw):
        _write(folder / f"{name}.html", html)
    _write(folder / f"{name}.eml", letter.raw)  # last: an .eml that stands is a mail that went out
    return name


def _name(letter: OutgoingMessage) -> str:
    """Readable, and the same for every try of the same letter."""
    found = _MESSAGE_ID.search(letter.raw)
    own = found[1].decode("ascii", "replace") if found else hashlib.sha256(letter.raw).hexdigest()[:16]
    return f"{_UNSAFE.sub('_', letter.rcpt_to)[:100]}-{_UNSAFE.sub('_', own)[:100]}".lstrip(".")


def _html(raw: bytes) -> bytes:
    mail = message_from_bytes(raw, policy=policy.default)
    part = mail.get_body(("html",))
    return part.get_content().encode() if part else b""


def _write(path: Path, content: bytes) -> None:
    """Atomic and durable: written beside, flushed to the disk, then renamed."""
    beside = path.with_name(f".{path.name}.part")
    beside.touch(mode=0o600)  # its links sign its reader in
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
