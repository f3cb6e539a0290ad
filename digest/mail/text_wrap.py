"""How does text stand in a terminal? At 72 columns, wide letters counted as two, URLs never broken."""

import re
from collections.abc import Iterator
from functools import lru_cache
from unicodedata import combining, east_asian_width

COLUMNS = 72
WIDE = r"\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef"
CLOSING = "，。、；：！？）》」』”’)"  # never begins a line
PIECE = re.compile(rf"https?://\S+|(?:[{WIDE}]|[^\s{WIDE}]+)[{CLOSING}]*|\s+", re.ASCII)
BLANKS = re.compile(r"[ \t\n]+")  # a no-break space is none
UNUSUAL = re.compile(r"[^\x20-\u02ff\u2010-\u2027]")  # what may take two columns or none


def width(text: str) -> int:
    """Columns a terminal gives to a text."""
    if not UNUSUAL.search(text):
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


@lru_cache(maxsize=4096)
def wrapped(text: str, indent: int = 0, *, first: str = "") -> str:
    """A paragraph in lines of at most 72 columns; `first` stands in the first line's indent."""
    if width(text) <= COLUMNS - indent and "\n" not in text:
        return (first.ljust(indent) + BLANKS.sub(" ", text).strip()).rstrip()
    margin = " " * indent
    lines = list(_lines(text, COLUMNS - indent)) or [""]
    return first.ljust(indent) + ("\n" + margin).join(lines)


def _lines(text: str, room: int) -> Iterator[str]:
    """Filled greedily: at blanks where letters are plain, else piece by piece."""
    if not UNUSUAL.search(text):
        while len(text) > room and (at := text.rfind(" ", 1, room + 1)) > 0:
            yield text[:at].rstrip()
            text = text[at:].lstrip()
        if len(text) <= room:
            yield text.rstrip()
            return
    yield from _piecewise(text, room)


def _piecewise(text: str, room: int) -> Iterator[str]:
    line = ""
    for piece in _pieces(text, room):
        if width(line) + width(piece.rstrip()) > room and line.strip():
            yield line.rstrip()
            line = ""
        line += piece if line else piece.strip()
    if line.strip():
        yield line.rstrip()


def _pieces(text: str, room: int) -> Iterator[str]:
    """Words, spaces and wide letters; a word longer than a line in parts, a URL whole."""
    for piece in PIECE.findall(text):
        if BLANKS.fullmatch(piece):
            yield " "
        elif len(piece) <= room // 2 or piece.startswith(("http://", "https://")):
            yield piece
        else:
            yield from _parts(piece, room)


def _parts(word: str, room: int) -> Iterator[str]:
    part = ""
    for letter in word:
        if width(part + letter) > room:
            yield part
            part = ""
        part += letter
    yield part
