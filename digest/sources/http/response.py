"""The response of a server: decompressed within a limit, and checked to be of the requested kind."""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus

from digest.models.errors import SourceChanged, SourceError
from digest.sources.json_body import SCRIPT_GUARD
from digest.sources.text.encoding import decode_text

CHECKED_BYTES = 8192  # at the beginning, to tell what a body is
_GZIP_MAGIC = b"\x1f\x8b"
_BEFORE_CONTENT = re.compile(r"^(?:[\s\0\ufeff]|<\?xml[^<>]*>|<!--(?:(?!-->).)*-->)*", re.DOTALL)
_WEB_PAGE = re.compile(r"(?:<!doctype html|<(?:html|head|body|script|div|h1)\b)")


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
    headers: Mapping[str, str] = field(default_factory=dict)  # found in any case

    @property
    def is_unchanged(self) -> bool:
        """Whether nothing changed since the ETag or date that was sent; the body is then empty."""
        return self.status == HTTPStatus.NOT_MODIFIED

    @property
    def etag(self) -> str:
        """The value of the next If-None-Match header."""
        return str(self.headers.get("etag", ""))

    @property
    def last_modified(self) -> str:
        """The value of the next If-Modified-Since header."""
        return str(self.headers.get("last-modified", ""))


def describe_status(status: int) -> str:
    """Return a status with its words: 404 Not Found."""
    words = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
    return f"{status} {words}".strip()


class BadResponse(SourceError):
    """An error status that is not worth a retry; the body is in `response`."""

    def __init__(self, response: Response) -> None:
        self.response = response
        super().__init__(f"answered {describe_status(response.status)}")


class IncompleteResponse(SourceError):
    """The connection broke off within the body in every attempt; what arrived is in `body`."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        super().__init__(f"the answer broke off after {len(body)} bytes")


class Decompressor:
    """Undoes gzip or deflate without ever holding more than `max_bytes` of the result.

    As browsers do: a gzip body may have several members (RFC 1952, 2.2), deflate may lack the header of zlib,
    and a body that is not compressed, whatever its header says, is taken as it is.
    """

    def __init__(self, encoding: str, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._encoding = encoding.removeprefix("x-")
        self._zip: zlib._Decompress | None = None
        self._start = b""  # of the next member, until there are enough bytes to tell its kind
        self._is_plain = self._encoding not in {"gzip", "deflate"}
        self._is_ended = False  # what follows belongs to nothing
        self._received = 0
        self.body = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Add a chunk as it was received.

        Raises:
            SourceError: the body is larger than allowed, before or after decompression.
            SourceChanged: the compressed body is damaged.
        """
        self._received += len(chunk)  # counts also what follows the end of a compressed body
        try:
            while chunk and not self._is_ended and len(self.body) <= self._max_bytes:
                chunk = self._add(chunk)
        except zlib.error as error:
            raise SourceChanged("the answer is compressed in an unknown way") from error
        if max(self._received, len(self.body)) > self._max_bytes:
            raise SourceError(f"the answer is larger than {self._max_bytes:,} bytes; it was not read")

    def _add(self, chunk: bytes) -> bytes:
        """Add a chunk, and return the part of it that follows the end of a member."""
        if self._is_plain:
            self.body += chunk
            return b""
        if self._zip is None:
            chunk, self._start = self._start + chunk, b""
            if len(chunk) < len(_GZIP_MAGIC):
                self._start = chunk
                return b""
            return self._begin_member(chunk)
        self.body += self._zip.decompress(chunk, self._max_bytes - len(self.body) + 1)
        if not self._zip.eof:
            return b""
        rest, self._zip = self._zip.unused_data, None
        self._is_ended = self._encoding != "gzip"
        return rest

    def _begin_member(self, chunk: bytes) -> bytes:
        """Choose by the first bytes how to decompress what comes, and return the chunk."""
        if chunk.startswith(_GZIP_MAGIC):
            self._encoding, self._zip = "gzip", zlib.decompressobj(wbits=31)
        elif self.body:
            self._is_ended = True  # padding after the last member
        elif self._encoding == "gzip" or chunk[:1] in b"<{[":
            self._is_plain = True
        else:
            is_zlib = chunk[0] & 0x0F == 8 and int.from_bytes(chunk[:2]) % 31 == 0
            self._zip = zlib.decompressobj(wbits=15 if is_zlib else -15)
        return chunk


def check_content(body: bytes, accept: Accept) -> None:
    """Check the beginning of *body* against the requested kind.

    Raises:
        SourceChanged: it is a web page where XML or JSON was requested, or JSON in place of XML, and so on.
    """
    text, _ = decode_text(body[:CHECKED_BYTES])
    start = _BEFORE_CONTENT.sub("", text).lower()
    if accept is Accept.HTML or not start:
        return
    if _WEB_PAGE.match(start):
        raise SourceChanged(f"answered with a web page{_headline(body)} where {accept.name} was expected")
    if accept is Accept.JSON and SCRIPT_GUARD.sub("", start).lstrip()[:1] not in "[{":
        raise SourceChanged("answered with something that is not JSON")
    if accept is Accept.XML and "<" not in start:
        raise SourceChanged("answered with something that is not XML")


def _headline(body: bytes) -> str:
    match = re.search(rb"<(title|h1)[^>]*>([^<]{1,80})", body[:20000], re.IGNORECASE)
    return f" (“{match[2].decode('utf-8', 'replace').strip()}”)" if match else ""


class RetryableError(SourceError):
    """An attempt failed, and the next one may succeed."""

    def __init__(self, message: str, *, wait: float | None = None, partial: bytes = b"") -> None:
        super().__init__(message)
        self.wait = wait
        self.partial = partial
