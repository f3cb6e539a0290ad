"""What did a server answer? The body, checked to be what was asked for."""

import re
import zlib
from dataclasses import dataclass, field
from enum import Enum

import httpx

from digest.models.errors import SourceChanged, SourceError


class Wants(Enum):
    """What kind of body a source asks for; the value is the Accept header."""

    XML = "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"
    JSON = "application/json"
    HTML = "text/html, application/xhtml+xml;q=0.9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One complete answer. `unchanged` means the server said so and sent nothing."""

    url: str
    status: int
    body: bytes = b""
    headers: httpx.Headers = field(default_factory=httpx.Headers)

    @property
    def unchanged(self) -> bool:
        """Whether the server said that nothing changed since the ETag or date we sent."""
        return self.status == httpx.codes.NOT_MODIFIED

    @property
    def etag(self) -> str:
        """What to send next time as If-None-Match."""
        return str(self.headers.get("etag", ""))

    @property
    def last_modified(self) -> str:
        """What to send next time as If-Modified-Since."""
        return str(self.headers.get("last-modified", ""))


class BadResponse(SourceError):
    """The server refused for good; its words are in `answer`."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__(f"answered {answer.status} {httpx.codes.get_reason_phrase(answer.status)}".strip())


class CutShort(SourceError):
    """The connection broke off within the body, every time; what came is in `body`."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        super().__init__(f"the answer broke off after {len(body)} bytes")


class Inflater:
    """Undoes gzip or deflate without ever holding more than `room` bytes of the result."""

    def __init__(self, encoding: str, room: int) -> None:
        self._room = room
        self._zip = zlib.decompressobj(wbits=47) if encoding in {"gzip", "x-gzip", "deflate"} else None
        self._taken = 0
        self.body = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Take in a chunk as it came; SourceError once the whole is larger than allowed."""
        self._taken += len(chunk)  # also of what a compressed body drags behind its end
        left = self._room - len(self.body) + 1
        try:
            self.body += self._zip.decompress(chunk, left) if self._zip else chunk
        except zlib.error as error:
            raise SourceChanged("the answer is compressed in a way we do not know") from error
        if max(self._taken, len(self.body)) > self._room:
            raise SourceError(f"the answer is larger than {self._room:,} bytes; it was not read")


def check_kind(body: bytes, wants: Wants) -> None:
    """SourceChanged when a web page stands where a feed or JSON was expected, or the other way round."""
    start = body[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if wants is Wants.HTML or not start:
        return
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<div", b"<h1")):
        raise SourceChanged(f"answered with a web page{_headline(body)} where {wants.name} was expected")
    if wants is Wants.JSON and start[:1] not in b"[{":
        raise SourceChanged("answered with something that is not JSON")
    if wants is Wants.XML and start[:1] != b"<":
        raise SourceChanged("answered with something that is not XML")


def _headline(body: bytes) -> str:
    found = re.search(rb"<(title|h1)[^>]*>([^<]{1,80})", body[:20000], re.IGNORECASE)
    return f" (“{found[2].decode('utf-8', 'replace').strip()}”)" if found else ""
