"""Wrapping of text at 72 terminal columns: wide characters count as two, URLs are never broken."""

import re
from collections.abc import Iterator
from unicodedata import combining, east_asian_width

MAX_COLUMNS = 72
WIDE_CHARS = r"\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef"
CLOSING_MARKS = "，。、；：！？）》」』”’)"  # never at the beginning of a line
PIECE = re.compile(rf"https?://\S+|(?:[{WIDE_CHARS}]|[^\s{WIDE_CHARS}]+)[{CLOSING_MARKS}]*|\s+", re.ASCII)
BLANKS = re.compile(r"[ \t\n]+")  # not no-break spaces
UNUSUAL = re.compile(r"[^\x20-\u02ff\u2010-\u2027]")  # may take two columns or none


def display_width(text: str) -> int:
    """Return how many columns a terminal needs for a text."""
    if not UNUSUAL.search(text):
        return len(text)
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def wrap_text(text: str, indent: int = 0, *, first: str = "") -> str:
    """Return a paragraph in lines of at most 72 columns; `first` replaces the indent of the first line."""
    if display_width(text) <= MAX_COLUMNS - indent and "\n" not in text:
        return (first.ljust(indent) + BLANKS.sub(" ", text).strip()).rstrip()
    margin = " " * indent
    lines = list(_split_lines(text, MAX_COLUMNS - indent)) or [""]
    return first.ljust(indent) + ("\n" + margin).join(lines)


def _split_lines(text: str, max_width: int) -> Iterator[str]:
    """Yield lines as full as possible; plain text is cut at blanks, which is faster than by pieces."""
    if not UNUSUAL.search(text):
        while len(text) > max_width and (end := text.rfind(" ", 1, max_width + 1)) > 0:
            yield text[:end].rstrip()
            text = text[end:].lstrip()
        if len(text) <= max_width:
            yield text.rstrip()
            return
    yield from _wrap_pieces(text, max_width)


def _wrap_pieces(text: str, max_width: int) -> Iterator[str]:
    line = ""
    for piece in _split_pieces(text, max_width):
        if display_width(line) + display_width(piece.rstrip()) > max_width and line.strip():
            yield line.rstrip()
            line = ""
        line += piece if line else piece.strip()
    if line.strip():
        yield line.rstrip()


def _split_pieces(text: str, max_width: int) -> Iterator[str]:
    """Yield words, single spaces and wide characters; a long word in parts, a URL whole."""
    for piece in PIECE.findall(text):
        if BLANKS.fullmatch(piece):
            yield " "
        elif len(piece) <= max_width // 2 or piece.startswith(("http://", "https://")):
            yield piece
        else:
            yield from _break_word(piece, max_width)


def _break_word(word: str, max_width: int) -> Iterator[str]:
    part = ""
    for char in word:
        if display_width(part + char) > max_width:
            yield part
            part = ""
        part += char
    yield part
