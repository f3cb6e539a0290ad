"""How is a mail printed ten thousand times and written once? As lines that stand, and lines with holes.

A template is rendered once with holes for values. Lines without a hole are encoded there and then; a line
with holes waits. Quoted-printable works line by line, so a filled stencil is exactly the filled text,
encoded.
"""

import re
from collections.abc import Mapping

from markupsafe import escape

from digest.compose.quoted import quoted

OPEN, CLOSE = "\ue000", "\ue001"  # private use: cleaned text never holds them
LINE = re.compile(r"[^\n]*\n|[^\n]+")  # as quoted-printable sees lines
HOLE = re.compile(f"{OPEN}([a-z_]+){CLOSE}")

Values = Mapping[str, str | bytes]


def hole(name: str) -> str:
    """Stands where a value will be."""
    return f"{OPEN}{name}{CLOSE}"


class Stencil:
    """A text with holes; everything around them is encoded already."""

    def __init__(self, text: str, *, html: bool) -> None:
        self._parts: list[bytes] = []
        self._waiting: list[tuple[int, tuple[str, ...]]] = []  # place, and text and names by turns
        self._html = html
        for line in LINE.findall(text):
            pieces = tuple(HOLE.split(line))
            if len(pieces) == 1 and self._parts and not self._waits(len(self._parts) - 1):
                self._parts[-1] += quoted(line)
                continue
            if len(pieces) > 1:
                self._waiting.append((len(self._parts), pieces))
            self._parts.append(quoted(line) if len(pieces) == 1 else b"")

    def fill(self, values: Values) -> bytes:
        """The encoded text, its holes filled. A value of bytes is encoded already and fills a whole line."""
        parts = self._parts.copy()
        for place, pieces in self._waiting:
            value = values[pieces[1]]
            parts[place] = value if isinstance(value, bytes) else quoted(self._line(pieces, values))
        return b"".join(parts)

    def _line(self, pieces: tuple[str, ...], values: Values) -> str:
        filled = list(pieces)
        for at in range(1, len(pieces), 2):
            value = str(values[pieces[at]])
            filled[at] = escape(value) if self._html else value
        return "".join(filled)

    def _waits(self, place: int) -> bool:
        return bool(self._waiting) and self._waiting[-1][0] == place
