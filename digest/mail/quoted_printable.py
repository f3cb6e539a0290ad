"""How does text travel as seven-bit lines? Quoted-printable and encoded words, the same bytes every time."""

import binascii
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import lru_cache

LINE = 76
DOTTED = re.compile(rb"\n\..*")
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
PLAIN = re.compile(r"[ -~]*")
PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")


def quoted(text: str) -> bytes:
    """Text as quoted-printable with CRLF line ends.

    Lines are encoded one by one: the encoding of two lines is the encodings of each, joined. No line starts
    with a dot, so that nothing has to be stuffed on the wire.
    """
    encoded = binascii.b2a_qp(text.replace("\r", "").encode(errors="replace"))
    if encoded.startswith(b".") or b"\n." in encoded:
        encoded = DOTTED.sub(_undotted, b"\n" + encoded)[1:]
    return encoded.replace(b"\n", b"\r\n")


def _undotted(line: re.Match[bytes]) -> bytes:
    """A leading dot becomes =2E; a line that grows too long by it is broken once more."""
    written = b"\n=2E" + line[0][2:]
    if len(written) <= LINE + 1:
        return written
    at = LINE
    while b"=" in written[at - 2 : at]:  # never inside an =XX
        at -= 1
    return written[:at] + b"=" + DOTTED.sub(_undotted, b"\n" + written[at:])


def one_line(text: str) -> str:
    """Text that cannot end a header: control characters and line separators become one space."""
    return CONTROLS.sub(" ", text).strip()


@lru_cache(maxsize=1024)  # many readers of a day share their subject
def header_text(text: str) -> str:
    """Unstructured header text; encoded words only when it is not plain ASCII."""
    clean = one_line(text)
    return clean if PLAIN.fullmatch(clean) and "=?" not in clean else encoded_words(clean)


def phrase(text: str) -> str:
    """A display name: bare, in quotes or as encoded words, whichever it needs."""
    clean = one_line(text)
    if PHRASE.fullmatch(clean) and "=?" not in clean:
        return clean
    if PLAIN.fullmatch(clean) and "=?" not in clean:
        return '"' + clean.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return encoded_words(clean)


def encoded_words(text: str) -> str:
    """RFC 2047 words of at most 75 characters, folded; base64 where most letters are not ASCII."""
    if sum(map(str.isascii, text)) > len(text) / 2:
        words = [f"=?utf-8?q?{word}?=" for word in _filled(map(_q, text), 75 - 12)]
    else:
        words = [f"=?utf-8?b?{b64encode(word.encode()).decode()}?=" for word in _filled(text, 45)]
    return "\r\n ".join(words)


def _filled(letters: Iterable[str], room: int) -> Iterator[str]:
    """Join letters, never cutting one, to words of at most `room` bytes."""
    word: list[str] = []
    taken = 0
    for letter in letters:
        size = len(letter.encode())
        if taken + size > room:
            yield "".join(word)
            word, taken = [], 0
        word.append(letter)
        taken += size
    yield "".join(word)


def _q(letter: str) -> str:
    if letter.isascii() and letter.isalnum():
        return letter
    return "_" if letter == " " else "".join(f"={octet:02X}" for octet in letter.encode(errors="replace"))
