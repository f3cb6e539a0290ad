"""Text in seven-bit lines: quoted-printable bodies (RFC 2045) and encoded words in headers (RFC 2047)."""

import binascii
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import lru_cache

MAX_LINE_BYTES = 76
SOFT_BREAK = b"=\r\n"
DOTTED_LINE = re.compile(rb"\n\..*")
CONTROL_CHARS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
PRINTABLE_ASCII = re.compile(r"[ -~]*")
BARE_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")


def encode_quoted_printable(text: str) -> bytes:
    """Return text as quoted-printable with CRLF line ends.

    Lines are encoded one by one, so the encoding of two lines equals the joined encodings of each. No line
    starts with a dot, so SMTP needs no dot-stuffing.
    """
    encoded = binascii.b2a_qp(text.replace("\r", "").encode(errors="replace"))
    if encoded.startswith(b".") or b"\n." in encoded:
        encoded = DOTTED_LINE.sub(_escape_leading_dot, b"\n" + encoded)[1:]
    return encoded.replace(b"\n", b"\r\n")


def encode_fragment(text: str) -> bytes:
    """Return a part of a text as quoted-printable, which any other part may follow.

    It ends with a soft line break (RFC 2045, section 6.7), unless the text is empty or ends with a line end.
    """
    if not text or text.endswith("\n"):
        return encode_quoted_printable(text)
    encoded = encode_quoted_printable(f"{text}=")[: -len(b"=3D")]  # leaves room for the break
    return encoded if encoded.endswith(SOFT_BREAK) else encoded + SOFT_BREAK


def decode_quoted_printable(encoded: bytes) -> str:
    """Return the text of `encode_quoted_printable`."""
    return binascii.a2b_qp(encoded).decode().replace("\r\n", "\n")


def _escape_leading_dot(line: re.Match[bytes]) -> bytes:
    """Replace a leading dot by =2E, and break the line once more if that makes it too long."""
    escaped = b"\n=2E" + line[0][2:]
    if len(escaped) <= MAX_LINE_BYTES + 1:
        return escaped
    end = MAX_LINE_BYTES
    while b"=" in escaped[end - 2 : end]:  # never inside an =XX
        end -= 1
    return escaped[:end] + b"=" + DOTTED_LINE.sub(_escape_leading_dot, b"\n" + escaped[end:])


def to_one_line(text: str) -> str:
    """Return text that cannot end a header: control characters and line separators become one space."""
    return CONTROL_CHARS.sub(" ", text).strip()


@lru_cache(maxsize=1024)  # many readers of a day share a subject
def encode_header(text: str) -> str:
    """Return unstructured header text, as encoded words only if it is not plain ASCII."""
    clean = to_one_line(text)
    return clean if PRINTABLE_ASCII.fullmatch(clean) and "=?" not in clean else encode_words(clean)


def encode_phrase(text: str) -> str:
    """Return a display name: bare, in quotes or as encoded words, whichever it needs."""
    clean = to_one_line(text)
    if BARE_PHRASE.fullmatch(clean) and "=?" not in clean:
        return clean
    if PRINTABLE_ASCII.fullmatch(clean) and "=?" not in clean:
        return '"' + clean.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return encode_words(clean)


def encode_words(text: str) -> str:
    """Return RFC 2047 words of at most 75 characters, folded; base64 unless most characters are ASCII."""
    if sum(map(str.isascii, text)) > len(text) / 2:
        words = [f"=?utf-8?q?{word}?=" for word in _pack_words(map(_encode_q, text), 75 - 12)]
    else:
        words = [f"=?utf-8?b?{b64encode(word.encode()).decode()}?=" for word in _pack_words(text, 45)]
    return "\r\n ".join(words)


def _pack_words(chars: Iterable[str], max_bytes: int) -> Iterator[str]:
    """Yield words of at most *max_bytes*, never cutting a character."""
    word: list[str] = []
    used = 0
    for char in chars:
        size = len(char.encode())
        if used + size > max_bytes:
            yield "".join(word)
            word, used = [], 0
        word.append(char)
        used += size
    yield "".join(word)


def _encode_q(char: str) -> str:
    if char.isascii() and char.isalnum():
        return char
    return "_" if char == " " else "".join(f"={byte:02X}" for byte in char.encode(errors="replace"))
