"""Transport into a folder, used while no mail server is set: each message as .eml and .html, exactly once.

The folder and its files are private, as the links in them sign their subscribers in. Names hold no address.
"""

import asyncio
import hashlib
import os
import re
from email import message_from_bytes, policy
from pathlib import Path

from digest.delivery.message import ConnectionlessTransport, OutgoingMessage, SendResult, SmtpStage

_MESSAGE_ID = re.compile(rb"^message-id:\s*<([^@>]+)", re.IGNORECASE | re.MULTILINE)
_UNSAFE = re.compile(r"[^\w.@+-]+")


class FileTransport(ConnectionlessTransport):
    """Writes each message into a folder; a retried message replaces its own files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def open(self) -> "FileTransport":
        """Create the folder if it is missing."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self

    async def deliver(
        self,
        message: OutgoingMessage,
        *,
        next_message: OutgoingMessage | None = None,  # noqa: ARG002  only pipelining needs it
    ) -> SendResult:
        """Write both files atomically and durably; a failing disk is a temporary error."""
        try:
            name = await asyncio.to_thread(_write_message, self._folder, message)
        except OSError as error:
            return SendResult(SmtpStage.MAIL, 452, f"4.3.1 {error.strerror or error}")
        return SendResult(SmtpStage.DOT, 250, f"2.0.0 written to {self._folder / name}.eml")


def _write_message(folder: Path, message: OutgoingMessage) -> str:
    name = _build_name(message)
    if html := _extract_html(message.raw):
        _write_atomically(folder / f"{name}.html", html)
    _write_atomically(folder / f"{name}.eml", message.raw)  # last: an .eml file means that both are whole
    return name


def _build_name(message: OutgoingMessage) -> str:
    """Return the Message-ID up to its @ (date and public id of a digest): the same for every attempt."""
    match = _MESSAGE_ID.search(message.raw)
    own = match[1].decode("ascii", "replace") if match else hashlib.sha256(message.raw).hexdigest()[:16]
    return _UNSAFE.sub("_", own)[:100].lstrip(".")


def _extract_html(raw: bytes) -> bytes:
    part = message_from_bytes(raw, policy=policy.default).get_body(("html",))
    return part.get_content().encode() if part else b""


def _write_atomically(path: Path, content: bytes) -> None:
    """Write to a temporary file, flush it to the disk, then rename it."""
    partial = path.with_name(f".{path.name}.part")
    partial.touch(mode=0o600)
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
