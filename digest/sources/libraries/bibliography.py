"""Which papers does a library name? Ids, links, BibTeX and RIS; what is not understood is told."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from digest.models import LikedPaper
from digest.models.paper_ids import canonical

MOST = 2_000  # papers of one library
_BIBTEX_ENTRY = re.compile(r"@(\w+)\s*+\{\s*+([^,\s{}]*+)\s*+,", re.ASCII)
_BIBTEX_FIELD = re.compile(r"(?<![\w-])([\w-]++)\s*+=\s*+", re.ASCII)
_BARE_VALUE = re.compile(r"[^,\n}]*")
_RIS_LINE = re.compile(r"^([A-Z][A-Z0-9])\s{1,2}-\s?(.*)$")
_NOT_PAPERS = frozenset({"comment", "string", "preamble"})
_ACCENT = re.compile(r"\\[\"'`^~=.uvHc]\s*\{?(\w)\}?")


@dataclass(frozen=True, slots=True)
class Seeds:
    """What a library holds; nothing of it is lost."""

    likings: tuple[LikedPaper, ...] = ()  # papers with a title, and their canonical id where one was given
    ids: tuple[str, ...] = ()  # canonical ids without a title: the store may know them
    unknown: tuple[str, ...] = ()  # what was given but names no paper, word for word


def read(text: str) -> Seeds:
    """The papers a pasted text or an exported file names, in its order, each once."""
    if _BIBTEX_ENTRY.search(text):
        return _seeds(_bibtex(text))
    if any(match and match[1] == "TY" for match in map(_RIS_LINE.match, text.splitlines())):
        return _seeds(_ris(text))
    return _listed(text)


def _listed(text: str) -> Seeds:
    ids, unknown = dict[str, None](), dict[str, None]()
    for word in filter(None, re.split(r"[\s,;]+", text)):
        try:
            ids[canonical(word.strip("()[]<>\"'"))] = None
        except ValueError:
            unknown[word] = None
    return Seeds(ids=tuple(ids)[:MOST], unknown=tuple(unknown))


def _seeds(entries: Iterator[tuple[str, Mapping[str, str]]]) -> Seeds:
    likings, ids, unknown = dict[str, LikedPaper](), dict[str, None](), dict[str, None]()
    for name, fields in entries:
        paper_id, title = _id_of(fields), _readable(fields.get("title", ""))
        if title:
            key = paper_id or title.casefold()
            likings.setdefault(key, LikedPaper(title, _readable(fields.get("abstract", "")), paper_id))
        elif paper_id:
            ids[paper_id] = None
        else:
            unknown[name] = None
    return Seeds(tuple(likings.values())[:MOST], tuple(ids), tuple(unknown))


def _id_of(fields: Mapping[str, str]) -> str:
    for name in ("eprint", "doi", "url", "journal", "note"):
        for word in filter(None, re.split(r"[\s{},;]+", fields.get(name, ""))):
            try:
                return canonical(word)
            except ValueError:
                continue
    return ""


def _bibtex(text: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    entries = [*_BIBTEX_ENTRY.finditer(text)]
    ends = [*(entry.start() for entry in entries[1:]), len(text)]
    for entry, end in zip(entries, ends, strict=True):
        if entry[1].lower() not in _NOT_PAPERS:
            # Not past the next entry: a brace that is never closed costs one paper, not the library.
            body = _braced(text[entry.start() : end], entry[0].index("{"))
            yield entry[2] or entry[0], dict(_fields(body))


def _fields(body: str) -> Iterator[tuple[str, str]]:
    place = 0
    while field := _BIBTEX_FIELD.search(body, place):
        start = field.end()
        if body[start : start + 1] == "{":
            value = _braced(body, start)
            place = start + len(value) + 2
        elif body[start : start + 1] == '"':
            value = _quoted(body, start)
            place = start + len(value) + 2
        else:
            value = _BARE_VALUE.match(body, start)[0]  # type: ignore[index]  # it matches everywhere
            place = start + len(value)
        yield field[1].lower(), value.strip()


def _braced(text: str, start: int) -> str:
    """What stands between the brace at `start` and its partner; to the end if it has none."""
    depth = 0
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start + 1 : place]
    return text[start + 1 :]


def _quoted(text: str, start: int) -> str:
    depth = 0
    for place in range(start + 1, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth <= 0 and text[place] == '"':
            return text[start + 1 : place]
    return text[start + 1 :]


def _ris(text: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    names = {"TI": "title", "T1": "title", "AB": "abstract", "N2": "abstract", "DO": "doi", "UR": "url"}
    fields: dict[str, str] = {}
    for line in text.splitlines():
        match = _RIS_LINE.match(line.strip("\ufeff"))
        if match and match[1] == "ER":
            yield " ".join(fields.values()) or "an empty record", fields
            fields = {}
        elif match and match[1] in names and match[2].strip():
            fields.setdefault(names[match[1]], match[2].strip())
    if fields:
        yield " ".join(fields.values()), fields


def _readable(text: str) -> str:
    """A field without TeX's braces and accents, on one line."""
    return " ".join(_ACCENT.sub(r"\1", text).replace("{", "").replace("}", "").split())
