"""Templates that are rendered and encoded once, and then filled with values for each mail.

A template is rendered once with placeholders. Lines without a placeholder are encoded at once; a line with
placeholders is encoded when its values are known. Quoted-printable works line by line, so the filled template
equals the encoding of the filled text.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import escape

from digest.mail.quoted_printable import encode_quoted_printable

OPEN, CLOSE = "\ue000", "\ue001"  # private use: cleaned text never contains them
PLACEHOLDER = re.compile(f"{OPEN}([a-z_]+){CLOSE}")
LINE = re.compile(r"[^\n]*\n|[^\n]+")  # as quoted-printable splits lines
EQUALS_SIGN = ord("=")
WHOLE_VALUE = slice(None)

Values = Mapping[str, str | bytes | Sequence[bytes]]


def placeholder(name: str) -> str:
    """Return the text that stands for a value in a template."""
    return f"{OPEN}{name}{CLOSE}"


@dataclass(frozen=True, slots=True)
class Gap:
    """A position between the encoded pieces, and how it is filled."""

    index: int
    name: str
    part: slice | None = None  # for a value of known width: the part of it that belongs here
    line: tuple[str, ...] = ()  # otherwise the line that needs it: text and names of placeholders in turn


class EncodedTemplate:
    """A text with placeholders whose other parts are encoded already.

    Placeholders with a width take bytes of exactly that length, in characters that need no encoding.
    """

    def __init__(self, text: str, *, html: bool, widths: Mapping[str, int] | None = None) -> None:
        self._html = html
        self._pieces: list[bytes] = []  # encoded text and gaps in turn
        self._gaps: list[Gap] = []
        self._pending = b""  # encoded text after the last gap
        for line in LINE.findall(text):
            self._add_line(tuple(PLACEHOLDER.split(line)), widths or {})
        self._pieces.append(self._pending)
        self._names = [gap.name for gap in self._gaps]
        self._partial_gaps = [gap for gap in self._gaps if gap.part != WHOLE_VALUE]

    def fill(self, values: Values, output: list[bytes]) -> None:
        """Append the encoded and filled text to *output*. A list of bytes as a value fills a whole line."""
        if not self._names:
            output += self._pieces
            return
        pieces: list[Any] = self._pieces.copy()
        pieces[1::2] = [values[name] for name in self._names]
        for gap in self._partial_gaps:
            value = pieces[gap.index]
            if gap.part is not None:
                pieces[gap.index] = value[gap.part]
            elif isinstance(value, (str, bytes)):
                pieces[gap.index] = encode_quoted_printable(self._fill_line(gap.line, values))
            else:
                pieces[gap.index] = b"".join(value)
        output += pieces

    def _add_line(self, line: tuple[str, ...], widths: Mapping[str, int]) -> None:
        names = line[1::2]
        if not names:
            self._pending += encode_quoted_printable(line[0])
        elif all(name in widths for name in names):
            self._add_fixed_width_line(line, widths)
        else:
            self._add_gap(names[0], line=line)

    def _add_gap(self, name: str, part: slice | None = None, *, line: tuple[str, ...] = ()) -> None:
        self._pieces += [self._pending, b""]
        self._gaps.append(Gap(len(self._pieces) - 1, name, part, line))
        self._pending = b""

    def _add_fixed_width_line(self, line: tuple[str, ...], widths: Mapping[str, int]) -> None:
        """Encode a line of known length, and add gaps where the bytes of its values end up.

        A soft line break may fall into a value, which then fills several gaps.
        """
        filled = [piece if index % 2 == 0 else "x" * widths[piece] for index, piece in enumerate(line)]
        encoded, offsets = _encode_with_offsets("".join(filled))
        done = start = 0
        for index, piece in enumerate(filled):
            if index % 2:
                for first, stop in _find_runs(offsets[start : start + len(piece)]):
                    offset = offsets.index(first, start) - start
                    part = slice(offset, offset + stop - first)
                    self._pending += encoded[done:first]
                    self._add_gap(line[index], WHOLE_VALUE if stop - first == len(piece) else part)
                    done = stop
            start += len(piece.encode())
        self._pending = encoded[done:]

    def _fill_line(self, line: tuple[str, ...], values: Values) -> str:
        pieces = list(line)
        for index in range(1, len(line), 2):
            value = values[line[index]]
            text = value.decode() if isinstance(value, bytes) else str(value)
            pieces[index] = escape(text) if self._html else text
        return "".join(pieces)


def _encode_with_offsets(line: str) -> tuple[bytes, list[int]]:
    """Return an encoded line and the offset in it of each byte of the line."""
    encoded, offsets, offset = encode_quoted_printable(line), [], 0
    for _ in line.encode():
        while encoded.startswith(b"=\r\n", offset):
            offset += 3
        offsets.append(offset)
        offset += 3 if encoded[offset] == EQUALS_SIGN else 1
    return encoded, offsets


def _find_runs(offsets: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first offset and the end of each run of consecutive offsets."""
    first = last = offsets[0]
    for offset in offsets[1:]:
        if offset != last + 1:
            yield first, last + 1
            first = offset
        last = offset
    yield first, last + 1
