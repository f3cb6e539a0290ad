"""How is a mail printed ten thousand times and written once? As lines that stand, and lines with holes.

A template is rendered once with holes for values. Lines without a hole are encoded there and then; a line
with holes waits. Quoted-printable works line by line, so a filled stencil is exactly the filled text,
encoded.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import escape

from digest.mail.quoted_printable import quoted

OPEN, CLOSE = "\ue000", "\ue001"  # private use: cleaned text never holds them
LINE = re.compile(r"[^\n]*\n|[^\n]+")  # as quoted-printable sees lines
EQUALS = ord("=")
WHOLE = slice(None)
HOLE = re.compile(f"{OPEN}([a-z_]+){CLOSE}")

Values = Mapping[str, str | bytes | Sequence[bytes]]


def hole(name: str) -> str:
    """Stands where a value will be."""
    return f"{OPEN}{name}{CLOSE}"


@dataclass(frozen=True, slots=True)
class Gap:
    """Where a hole is among the pieces, and how it is filled."""

    place: int
    name: str
    takes: slice | None = None  # of a value with a known width: the part that fills this gap
    line: tuple[str, ...] = ()  # else the line that waits for it: text and names of holes by turns


class EncodedTemplate:
    """A text with holes; everything around them is encoded already.

    Holes with a known width are filled with bytes of just that width, in letters that need no encoding.
    """

    def __init__(self, text: str, *, html: bool, widths: Mapping[str, int] | None = None) -> None:
        self._html = html
        self._pieces: list[bytes] = []  # what stands, and gaps: by turns
        self._gaps: list[Gap] = []
        self._rest = b""
        for line in LINE.findall(text):
            self._add(tuple(HOLE.split(line)), widths or {})
        self._pieces.append(self._rest)
        self._names = [gap.name for gap in self._gaps]
        self._partial = [gap for gap in self._gaps if gap.takes != WHOLE]

    def pour(self, values: Values, into: list[bytes]) -> None:
        """Add the encoded text, its holes filled. A value that is a list of bytes fills a whole line."""
        if not self._names:
            into += self._pieces
            return
        pieces: list[Any] = self._pieces.copy()
        pieces[1::2] = [values[name] for name in self._names]
        for gap in self._partial:
            value = pieces[gap.place]
            if gap.takes is not None:
                pieces[gap.place] = value[gap.takes]
            elif isinstance(value, (str, bytes)):
                pieces[gap.place] = quoted(self._filled(gap.line, values))
            else:
                pieces[gap.place] = b"".join(value)
        into += pieces

    def _add(self, line: tuple[str, ...], widths: Mapping[str, int]) -> None:
        names = line[1::2]
        if not names:
            self._rest += quoted(line[0])
        elif all(name in widths for name in names):
            self._cut(line, widths)
        else:
            self._wait(names[0], line=line)

    def _wait(self, name: str, takes: slice | None = None, *, line: tuple[str, ...] = ()) -> None:
        self._pieces += [self._rest, b""]
        self._gaps.append(Gap(len(self._pieces) - 1, name, takes, line))
        self._rest = b""

    def _cut(self, line: tuple[str, ...], widths: Mapping[str, int]) -> None:
        """Encode a line whose lengths are known, and find where in it the values come to stand."""
        filled = [piece if at % 2 == 0 else "x" * widths[piece] for at, piece in enumerate(line)]
        encoded, places = traced("".join(filled))
        done = start = 0
        for at, piece in enumerate(filled):
            if at % 2:
                for first, stop in _runs(places[start : start + len(piece)]):
                    offset = places.index(first, start) - start
                    takes = slice(offset, offset + stop - first)
                    self._rest += encoded[done:first]
                    self._wait(line[at], WHOLE if stop - first == len(piece) else takes)
                    done = stop
            start += len(piece.encode())
        self._rest = encoded[done:]

    def _filled(self, line: tuple[str, ...], values: Values) -> str:
        pieces = list(line)
        for at in range(1, len(line), 2):
            given = values[line[at]]
            value = given.decode() if isinstance(given, bytes) else str(given)
            pieces[at] = escape(value) if self._html else value
        return "".join(pieces)


def traced(line: str) -> tuple[bytes, list[int]]:
    """A line as it is encoded, and where each of its bytes came to stand."""
    encoded, places, at = quoted(line), [], 0
    for _ in line.encode():
        while encoded.startswith(b"=\r\n", at):
            at += 3
        places.append(at)
        at += 3 if encoded[at] == EQUALS else 1
    return encoded, places


def _runs(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Neighbouring places as stretches from first to behind the last."""
    first = last = places[0]
    for place in places[1:]:
        if place != last + 1:
            yield first, last + 1
            first = place
        last = place
    yield first, last + 1
