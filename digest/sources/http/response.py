"""The response of a server: decompressed within a limit, and checked to be of the requested kind."""

import re
import zlib
from dataclasses import dataclass, field
from enum import Enum

import httpx

from digest.models.errors import SourceChanged, SourceError


class Accept(Enum):
    """The kind of body a request asks for; the value is the Accept header."""

    XML = "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"
    JSON = "application/json"
    HTML = "text/html, application/xhtml+xml;q=0.9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A complete response."""

    url: str
    status: int
    body: bytes = b""
    headers: httpx.Headers = field(default_factory=httpx.Headers)

    @property
    def is_unchanged(self) -> bool:
        """Whether nothing changed since the ETag or date that was sent; the body is then empty."""
        return self.status == httpx.codes.NOT_MODIFIED

    @property
    def etag(self) -> str:
        """The value of the next If-None-Match header."""
        return str(self.headers.get("etag", ""))

    @property
    def last_modified(self) -> str:
        """The value of the next If-Modified-Since header."""
        return str(self.headers.get("last-modified", ""))


class BadResponse(SourceError):
    """An error status that is not worth a retry; the body is in `response`."""

    def __init__(self, response: Response) -> None:
        self.response = response
        super().__init__(
            f"answered {response.status} {httpx.codes.get_reason_phrase(response.status)}".strip()
        )


class IncompleteResponse(SourceError):
    """The connection broke off within the body in every attempt; what arrived is in `body`."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        super().__init__(f"the answer broke off after {len(body)} bytes")


class Decompressor:
    """Undoes gzip or deflate without ever holding more than `max_bytes` of the result."""

    def __init__(self, encoding: str, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._zip = zlib.decompressobj(wbits=47) if encoding in {"gzip", "x-gzip", "deflate"} else None
        self._received = 0
        self.body = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Add a chunk as it was received.

        Raises:
            SourceError: the body is larger than allowed, before or after decompression.
            SourceChanged: the compression is unknown.
        """
        self._received += len(chunk)  # counts also what follows the end of a compressed body
        left = self._max_bytes - len(self.body) + 1
        try:
            self.body += self._zip.decompress(chunk, left) if self._zip else chunk
        except zlib.error as error:
            raise SourceChanged("the answer is compressed in a way we do not know") from error
        if max(self._received, len(self.body)) > self._max_bytes:
            raise SourceError(f"the answer is larger than {self._max_bytes:,} bytes; it was not read")


def check_content(body: bytes, accept: Accept) -> None:
    """Check the first bytes of *body* against the requested kind.

    Raises:
        SourceChanged: it is a web page where XML or JSON was requested, or JSON in place of XML, and so on.
    """
    start = body[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if accept is Accept.HTML or not start:
        return
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<div", b"<h1")):
        raise SourceChanged(f"answered with a web page{_headline(body)} where {accept.name} was expected")
    if accept is Accept.JSON and start[:1] not in b"[{":
        raise SourceChanged("answered with something that is not JSON")
    if accept is Accept.XML and start[:1] != b"<":
        raise SourceChanged("answered with something that is not XML")


def _headline(body: bytes) -> str:
    match = re.search(rb"<(title|h1)[^>]*>([^<]{1,80})", body[:20000], re.IGNORECASE)
    return f" (“{match[2].decode('utf-8', 'replace').strip()}”)" if match else ""
