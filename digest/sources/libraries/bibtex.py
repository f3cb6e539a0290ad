"""BibTeX as it is exported and pasted: every entry is read, also a damaged one.

An entry stands in braces or parentheses, may lack its key, and joins values by `#`, some of which are
names that an @string defined. An entry that is never closed ends where the next one begins a line. The
time is linear in the text: each character belongs to one entry.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_VALUE_CHARS = 20_000  # of one field, so that values joined over and over stay small
MAX_STRING_CHARS = 300  # of an @string, for the same reason
NOT_PAPERS = frozenset({"comment", "string", "preamble"})
# Possessive quantifiers (*+, ++) keep the time linear on hostile text.
# A key may begin on the next line, and within braces it may hold parentheses, as DOIs do.
_ENTRY = re.compile(
    r"(?<![\w.@])@\s*+([A-Za-z]++)\s*+([{(])"
    r"(?:(?<=\{)(?=\s*+[^,{}=\"\n]{0,200}+[,=}])|(?<=\()(?=\s*+[^,{}()=\"\n]{0,200}+[,=)}]))"
)
_NEXT_ENTRY = re.compile(r"^[^\S\n]*+" + _ENTRY.pattern, re.MULTILINE)
_FIELD = re.compile(r"(?<![\w-])([\w-]++)\s*+=\s*+")
_BARE_VALUE = re.compile(r"[^,\n}#]*+")
_JOIN = re.compile(r"\s*+#\s*+")


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """A record of a library: what it is called, its first line, and its fields by name in lower case."""

    label: str
    line: int
    fields: dict[str, list[str]] = field(default_factory=dict)


def is_bibtex(text: str) -> bool:
    """Return whether the text has a BibTeX entry."""
    return _ENTRY.search(text) is not None


def parse_bibtex(text: str) -> tuple[list[LibraryEntry], list[str]]:
    """Return the entries, and the text between them."""
    parser = _Parser(text)
    return list(parser.parse()), parser.between


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._closing = _match_braces(text)
        self._starts = [match.start() for match in _NEXT_ENTRY.finditer(text)]  # entries that begin a line
        self._strings: dict[str, str] = {}
        self.between: list[str] = []

    def parse(self) -> Iterator[LibraryEntry]:
        position, line, counted = 0, 1, 0
        while match := _ENTRY.search(self._text, position):
            self.between.append(self._text[position : match.start()])
            line += self._text.count("\n", counted, match.start())
            counted = match.start()
            position = self._find_end(match.end() - 1)
            kind, body = match[1].lower(), self._text[match.end() : position]
            if kind == "string":
                for name, values in self._parse_fields(match.end(), position).items():
                    self._strings[name] = values[0][:MAX_STRING_CHARS]
            elif kind not in NOT_PAPERS:
                key, _, _ = body.partition(",")
                label = key.strip() if "=" not in key else ""
                yield LibraryEntry(label or f"@{match[1]}", line, self._parse_fields(match.end(), position))
            position += self._text[position : position + 1] in ("}", ")")
        self.between.append(self._text[position:])

    def _find_end(self, opening: int) -> int:
        """Return where the entry ends that opens here: before its partner, or before the next entry."""
        following = bisect_left(self._starts, opening)
        limit = self._starts[following] if following < len(self._starts) else len(self._text)
        if self._text[opening] == "{":
            return min(self._closing.get(opening, limit), limit)
        depth, position = 0, opening
        while position < limit:
            char = self._text[position]
            if char == "{":
                position = self._closing.get(position, position)
            elif char == '"':
                position = self._find_quote(position + 1, limit)
            depth += {"(": 1, ")": -1}.get(char, 0)
            if depth == 0:
                return position
            position += 1
        return limit

    def _parse_fields(self, start: int, end: int) -> dict[str, list[str]]:
        fields: dict[str, list[str]] = {}
        position = start
        while name := _FIELD.search(self._text, position, end):
            value, position = self._read_value(name.end(), end)
            fields.setdefault(name[1].lower(), []).append(value)
        return fields

    def _read_value(self, position: int, end: int) -> tuple[str, int]:
        """Return the pieces of a value joined, and where they end."""
        pieces: list[str] = []
        length = 0
        while True:
            piece, position = self._read_piece(position, end)
            if length < MAX_VALUE_CHARS:
                pieces.append(piece)
                length += len(piece)
            join = _JOIN.match(self._text, position, end)
            if join is None:
                return "".join(pieces)[:MAX_VALUE_CHARS], position
            position = join.end()

    def _read_piece(self, position: int, end: int) -> tuple[str, int]:
        char = self._text[position : position + 1] if position < end else ""
        if char == "{":
            closing = min(self._closing.get(position, end), end)
            return self._text[position + 1 : closing], closing + 1
        if char == '"':
            closing = self._find_quote(position + 1, end)
            return self._text[position + 1 : closing], closing + 1
        bare = _BARE_VALUE.match(self._text, position, max(position, end))
        value = bare[0].strip() if bare else ""
        return self._strings.get(value.lower(), value), bare.end() if bare else end

    def _find_quote(self, position: int, end: int) -> int:
        """Return where the next quote outside braces is, else the end."""
        while position < end and self._text[position] != '"':
            position = self._closing.get(position, position) + 1
        return min(position, end)


def _match_braces(text: str) -> dict[int, int]:
    """Map the position of each brace that is closed to its partner's."""
    partners: dict[int, int] = {}
    opened: list[int] = []
    for brace in re.finditer(r"[{}]", text):
        if brace[0] == "{":
            opened.append(brace.start())
        elif opened:
            partners[opened.pop()] = brace.start()
    return partners
