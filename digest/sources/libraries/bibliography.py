"""Bibliographies that subscribers paste or export: ids and links, BibTeX and RIS."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from digest.models import LikedPaper
from digest.models.paper_ids import canonicalize

MAX_PAPERS = 2_000  # of one library
# Possessive quantifiers (*+, ++) keep the time linear on hostile text.
_BIBTEX_ENTRY = re.compile(r"@(\w+)\s*+\{\s*+([^,\s{}]*+)\s*+,", re.ASCII)
_BIBTEX_FIELD = re.compile(r"(?<![\w-])([\w-]++)\s*+=\s*+", re.ASCII)
_BARE_VALUE = re.compile(r"[^,\n}]*")
_RIS_LINE = re.compile(r"^([A-Z][A-Z0-9])\s{1,2}-\s?(.*)$")
_RIS_FIELDS = {"TI": "title", "T1": "title", "AB": "abstract", "N2": "abstract", "DO": "doi", "UR": "url"}
_NOT_PAPERS = frozenset({"comment", "string", "preamble"})
_ID_FIELDS = ("eprint", "doi", "url", "journal", "note")
_ACCENT = re.compile(r"\\[\"'`^~=.uvHc]\s*\{?(\w)\}?")


@dataclass(frozen=True, slots=True)
class SeedPapers:
    """The content of a library: every entry is in one of the fields."""

    papers: tuple[LikedPaper, ...] = ()  # with a title, and a canonical id if the entry has one
    ids: tuple[str, ...] = ()  # canonical ids without a title: the papers may be stored
    unknown: tuple[str, ...] = ()  # entries that name no paper, verbatim


def parse_bibliography(text: str) -> SeedPapers:
    """Return the papers that a pasted text or an exported file names, in its order, each once."""
    if _BIBTEX_ENTRY.search(text):
        return _collect(_parse_bibtex(text))
    if any(match and match[1] == "TY" for match in map(_RIS_LINE.match, text.splitlines())):
        return _collect(_parse_ris(text))
    return _parse_ids(text)


def _parse_ids(text: str) -> SeedPapers:
    ids, unknown = dict[str, None](), dict[str, None]()
    for word in filter(None, re.split(r"[\s,;]+", text)):
        try:
            ids[canonicalize(word.strip("()[]<>\"'"))] = None
        except ValueError:
            unknown[word] = None
    return SeedPapers(ids=tuple(ids)[:MAX_PAPERS], unknown=tuple(unknown))


def _collect(entries: Iterator[tuple[str, Mapping[str, str]]]) -> SeedPapers:
    papers, ids, unknown = dict[str, LikedPaper](), dict[str, None](), dict[str, None]()
    for entry_key, fields in entries:
        paper_id, title = _find_id(fields), _to_plain(fields.get("title", ""))
        if title:
            key = paper_id or title.casefold()
            papers.setdefault(key, LikedPaper(title, _to_plain(fields.get("abstract", "")), paper_id))
        elif paper_id:
            ids[paper_id] = None
        else:
            unknown[entry_key] = None
    return SeedPapers(tuple(papers.values())[:MAX_PAPERS], tuple(ids), tuple(unknown))


def _find_id(fields: Mapping[str, str]) -> str:
    for name in _ID_FIELDS:
        for word in filter(None, re.split(r"[\s{},;]+", fields.get(name, ""))):
            try:
                return canonicalize(word)
            except ValueError:
                continue
    return ""


def _parse_bibtex(text: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    entries = [*_BIBTEX_ENTRY.finditer(text)]
    ends = [*(entry.start() for entry in entries[1:]), len(text)]
    for entry, end in zip(entries, ends, strict=True):
        if entry[1].lower() not in _NOT_PAPERS:
            # Up to the next entry at most: a brace that is never closed costs one paper, not the library.
            body = _read_braced(text[entry.start() : end], entry[0].index("{"))
            yield entry[2] or entry[0], dict(_parse_fields(body))


def _parse_fields(body: str) -> Iterator[tuple[str, str]]:
    position = 0
    while field := _BIBTEX_FIELD.search(body, position):
        start = field.end()
        if body[start : start + 1] == "{":
            value = _read_braced(body, start)
            position = start + len(value) + 2
        elif body[start : start + 1] == '"':
            value = _read_quoted(body, start)
            position = start + len(value) + 2
        else:
            value = _BARE_VALUE.match(body, start)[0]  # type: ignore[index]  # it matches everywhere
            position = start + len(value)
        yield field[1].lower(), value.strip()


def _read_braced(text: str, start: int) -> str:
    """Return the text between the brace at *start* and its partner, or to the end if it has none."""
    depth = 0
    for position in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return text[start + 1 : position]
    return text[start + 1 :]


def _read_quoted(text: str, start: int) -> str:
    """Return the text between the quote at *start* and the next one outside braces."""
    depth = 0
    for position in range(start + 1, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth <= 0 and text[position] == '"':
            return text[start + 1 : position]
    return text[start + 1 :]


def _parse_ris(text: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    fields: dict[str, str] = {}
    for line in text.splitlines():
        match = _RIS_LINE.match(line.strip("\ufeff"))
        if match and match[1] == "ER":
            yield " ".join(fields.values()) or "an empty record", fields
            fields = {}
        elif match and match[1] in _RIS_FIELDS and match[2].strip():
            fields.setdefault(_RIS_FIELDS[match[1]], match[2].strip())
    if fields:
        yield " ".join(fields.values()), fields


def _to_plain(text: str) -> str:
    """Return a field on one line, without TeX's braces and accents."""
    return " ".join(_ACCENT.sub(r"\1", text).replace("{", "").replace("}", "").split())
