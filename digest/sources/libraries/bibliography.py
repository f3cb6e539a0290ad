"""Bibliographies that subscribers paste or export: ids, links, BibTeX, RIS, PubMed, EndNote, JSON, tables.

Nothing that is named is lost: an entry is a paper, an id, or listed as unknown with the line it stands on.
"""

import csv
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, NamedTuple, cast

from lxml import etree

from digest.models import LikedPaper
from digest.models.errors import SourceChanged
from digest.models.paper_ids import find_ids
from digest.sources.libraries.bibtex import LibraryEntry, is_bibtex, parse_bibtex
from digest.sources.text.normalize import normalize_text, normalize_title, strip_tags
from digest.sources.xml import local_name, parse_elements, text_of

MAX_PAPERS = 2_000  # of one library
MAX_UNKNOWN_CHARS = 200  # of an entry that is listed as unknown
_LINE_END = re.compile(r"\r\n?|\n")  # nothing else ends a line: a title may hold U+2028
_RIS_LINE = re.compile(r"^\s?([A-Z][A-Z0-9])(?:\s{1,2}-\s?|-\s)(.*)$", re.DOTALL)
_MEDLINE_LINE = re.compile(r"^([A-Z]{2,4}) {0,2}- ?(.*)$", re.DOTALL)  # PubMed's export, .nbib
# Its tags that are of the paper itself: others cite comments and errata with their ids.
_MEDLINE_TAGS = {
    "PMID": "pmid",
    "TI": "title",
    "BTI": "title",
    "TT": "ti",
    "AB": "abstract",
    "LID": "doi",
    "AID": "doi",
}
_WOS_LINE = re.compile(r"^([A-Z][A-Z0-9])(?: |$)(.*)$", re.DOTALL)  # Web of Science's plain text
_WOS_TAGS = {"TI": "title", "AB": "abstract", "DI": "doi", "PM": "pmid"}
_REFER_LINE = re.compile(r"^%([A-Z0-9!-?@\[-`~]) ?(.*)$", re.DOTALL)  # EndNote's export, .enw
_REFER_TAGS = {"T": "title", "B": "booktitle", "X": "abstract", "R": "doi", "U": "url", "M": "accession-num"}
_TAGGED_FORMATS = (
    ("PMID-", _MEDLINE_LINE, "PMID", _MEDLINE_TAGS),
    ("FN ", _WOS_LINE, "PT", _WOS_TAGS),
    ("%0 ", _REFER_LINE, "0", _REFER_TAGS),
)
_ParseLine = Callable[[str], tuple[str, str, str] | None]  # of one line: tag, name of the field, and value
_RIS_BREAKS = ("TY", "ER")
_RIS_TAGS = frozenset(
    "TY ER TI T1 T2 T3 TT ST BT CT AB N1 N2 DO UR L1 L2 L3 L4 LK AU A1 A2 A3 A4 PY Y1 Y2 DA JO JF JA "  # noqa: SIM905
    "J1 J2 VL IS SP EP SN KW ID PB CY ED M1 M2 M3 C1 C2 C3 C4 C5 C6 C7 C8 AN LA LB DB DP ET OP RI RN "
    "RP SE TA AD AV CA CN CP U1 U2 U3 U4 U5".split()
)
_TITLE_COLUMNS = ("title", "articletitle", "documenttitle", "ti")  # of tables
_TITLES = (*_TITLE_COLUMNS, "t1", "tt", "bt", "ct", "st", "booktitle")
_ABSTRACTS = ("abstract", "ab", "n2", "abstractnote")
# Where an id stands, surest first; then in any other field, but for those that may name other papers.
_ID_FIELDS = tuple(
    "arxivid arxiv_id arxiv eprint archiveid archive_location archivelocation externalids ids doi do "  # noqa: SIM905
    "electronic-resource-num paper_id url urls link ur lk l1 l2 howpublished note extra journal "
    "journaltitle container-title jo jf ja j2 t2 secondary-title full-title number volume an "
    "accession-num m3 m1 n1 notes id".split()
)
_OTHER_PAPERS = frozenset(
    "title articletitle documenttitle ti t1 tt bt ct st booktitle abstract ab n2 abstractnote annote "  # noqa: SIM905
    "annotation references reference citations cites cited related relations crossref xdata xref author "
    "authors editor au a1 keywords keyword kw pages year isbn issn sn sp ep vl is issue file".split()
)
_OLD_NUMBER = re.compile(r"\d{7}(?:v\d+)?")  # of arXiv, whose archive stands in a field of its own
_PMID = re.compile(r"[1-9][0-9]{0,8}")
_TEX_IN_ID = re.compile(r"\\(?:url|href)\b|[\\{}$]")
_TEX_SIGNS = (("\\textless", "<"), ("\\textgreater", ">"), ("\\textunderscore", "_"))
_ENDNOTE_FIELDS = frozenset(
    "title abstract electronic-resource-num url notes accession-num secondary-title full-title label "  # noqa: SIM905
    "number volume research-notes custom1 custom2 custom3 custom4 custom5 custom6 custom7".split()
)


class UnknownEntry(NamedTuple):
    """An entry that names no paper: the line it begins on, and what it says."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class SeedPapers:
    """The content of a library: every entry is in one of the fields."""

    papers: tuple[LikedPaper, ...] = ()  # with a title, and a canonical id if the entry has one
    ids: tuple[str, ...] = ()  # canonical ids without a title: the papers may be stored
    unknown: tuple[UnknownEntry, ...] = ()


def parse_bibliography(text: str) -> SeedPapers:
    """Return the papers that a pasted text or an exported file names, in its order, each once."""
    text = text.removeprefix("\ufeff")
    start = text.lstrip()[:1]
    if start in ("{", "[") and (records := _parse_json(text)):
        return _collect(records)
    if start == "<":
        if "<record" in text and (records := _parse_endnote(text)):
            return _collect(records)
        text = text.replace("<", " <")  # a tag ends a DOI, which elsewhere may hold this sign
    if is_bibtex(text):
        entries, between = parse_bibtex(text)
        return _collect(entries, find_ids(" ".join(between)))
    lines = _LINE_END.split(text)
    for start, pattern, first_tag, names in _TAGGED_FORMATS:
        if any(line.startswith(start) for line in lines):
            return _parse_tagged(lines, partial(_parse_line, pattern, names), breaks={first_tag})
    if any((parsed := _parse_ris_line(line)) and parsed[0] == "TY" for line in lines):
        return _parse_tagged(lines, _parse_ris_line, breaks=_RIS_BREAKS)
    rows = _parse_table(lines)
    return _collect(rows) if rows else _parse_ids(lines)


def _parse_ids(lines: Iterable[str]) -> SeedPapers:
    """Parse a text with ids and links; a line without any is unknown, and so are single words beside ids."""
    ids, unknown = dict[str, None](), dict[UnknownEntry, None]()
    for number, line in enumerate(lines, 1):
        found = list(find_ids(line))
        ids.update(dict.fromkeys(found))
        rest = _list_other_words(line, len(found)) if found else [line.strip()]
        unknown.update(
            dict.fromkeys(UnknownEntry(number, words[:MAX_UNKNOWN_CHARS]) for words in rest if words)
        )
    return SeedPapers(ids=tuple(ids)[:MAX_PAPERS], unknown=tuple(unknown))


def _list_other_words(line: str, id_count: int) -> list[str]:
    """Return the words beside the ids of a line; of prose, which has more words, those that look like ids."""
    words = (word.strip("()[]<>\"'*`-,;.") for word in re.split(r"[\s,;]+", line))
    others = [word for word in words if word and not any(True for _ in find_ids(word))]
    return others if len(others) < id_count else [*filter(_looks_like_id, others)]


def _looks_like_id(word: str) -> bool:
    """Return whether a word beside ids may be meant as one: it has a digit, and a mark of ids or links."""
    return any(char.isdigit() for char in word) and any(mark in word[:-1] for mark in "/:.")


def _collect(entries: Iterable[LibraryEntry], between: Iterable[str] = ()) -> SeedPapers:
    papers, ids = dict[str, LikedPaper](), dict[str, None]()
    unknown: dict[UnknownEntry, None] = {}
    for entry in entries:
        paper_id, title = _find_id(entry.fields), _get_first(entry.fields, _TITLES, normalize_title)
        if title:
            key = paper_id or title.casefold()
            abstract = _get_first(entry.fields, _ABSTRACTS, normalize_text)
            papers.setdefault(key, LikedPaper(title, abstract, paper_id))
        elif paper_id:
            ids[paper_id] = None
        else:
            unknown[UnknownEntry(entry.line, entry.label[:MAX_UNKNOWN_CHARS])] = None
    ids.update(dict.fromkeys(between))
    kept = tuple(paper_id for paper_id in ids if paper_id not in papers)
    return SeedPapers(tuple(papers.values())[:MAX_PAPERS], kept[:MAX_PAPERS], tuple(unknown))


def _get_first(fields: Mapping[str, list[str]], names: Iterable[str], normalize: Callable[[str], str]) -> str:
    """Return the first of these fields that says anything, normalized."""
    texts = (normalize(strip_tags(_drop_braces(text))) for text in _get_values(fields, names))
    return next(filter(None, texts), "")


def _drop_braces(text: str) -> str:
    """Return *text* without braces that only protect capitals: those of TeX are read with it."""
    return text if "\\" in text or "$" in text else text.replace("{", "").replace("}", "")


def _get_values(fields: Mapping[str, list[str]], names: Iterable[str]) -> Iterator[str]:
    return (value for name in names for value in fields.get(name, ()))


def _find_id(fields: Mapping[str, list[str]]) -> str:
    """Return the surest id of an entry, whatever field it stands in."""
    numbers = (value.strip() for value in _get_values(fields, ("eprint", "arxivid")))
    if number := next(filter(_OLD_NUMBER.fullmatch, numbers), ""):
        archives = _get_values(fields, ("primaryclass", "eprintclass"))
        if found := find_first_id(f"{archive.strip()}/{number}" for archive in archives):
            return found
    others = (name for name in fields if name not in _OTHER_PAPERS and name not in _ID_FIELDS)
    if found := find_first_id(map(_strip_tex, _get_values(fields, (*_ID_FIELDS, *others)))):
        return found
    numbers = (value.strip() for value in _get_values(fields, ("pmid", "pubmedid", "pm")))
    return next((f"pmid:{number}" for number in numbers if _PMID.fullmatch(number)), "")


def find_first_id(texts: Iterable[str]) -> str:
    """Return the first canonical id in these texts, also one that stands among other words."""
    return next(chain.from_iterable(map(find_ids, texts)), "")


def _strip_tex(text: str) -> str:
    if "\\" not in text and "{" not in text and "$" not in text:
        return text
    for command, sign in _TEX_SIGNS:
        text = text.replace(command, sign)
    return _TEX_IN_ID.sub(" " if "\\href" in text else "", text)


def _parse_tagged(lines: Iterable[str], parse_line: _ParseLine, *, breaks: Collection[str]) -> SeedPapers:
    """Parse records of tagged lines: a tag in *breaks* begins one, a line without a tag continues a field.

    Tags without a name are left out; of lines that belong to no field, the ids are read.
    """
    entries, between = [LibraryEntry("", 0)], list[str]()
    values: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        parsed = parse_line(line)
        if parsed is None and values:
            values[-1] += f" {line.strip()}"
        elif parsed is None:
            between.append(line)
        else:
            tag, name, value = parsed
            if tag in breaks:
                entries.append(LibraryEntry("", number))
            values = entries[-1].fields.setdefault(name, []) if name else []
            if name or tag not in breaks:  # a field that is left out may have further lines too
                values.append(value)
    return _collect([_finish(entry) for entry in entries if entry.fields], find_ids(" ".join(between)))


def _parse_line(pattern: re.Pattern[str], names: Mapping[str, str], line: str) -> tuple[str, str, str] | None:
    match = pattern.match(line)
    if match is None:
        return None
    name, value = names.get(match[1], ""), match[2].strip()
    return match[1], name, f"pmid:{value}" if name == "pmid" else value


def _parse_ris_line(line: str) -> tuple[str, str, str] | None:
    match = _RIS_LINE.match(line)
    if match is None or not (match[1] in _RIS_TAGS or line[2:6] == "  - "):
        return None
    return match[1], "" if match[1] in _RIS_BREAKS else match[1].lower(), match[2].strip()


def _finish(entry: LibraryEntry) -> LibraryEntry:
    """Return a record with all that it says as its label."""
    said = " ".join(value for values in entry.fields.values() for value in values if value)
    return LibraryEntry(said or "an empty record", entry.line, entry.fields)


def _parse_json(text: str) -> list[LibraryEntry]:
    """Parse CSL-JSON, a JSON array or object of papers, or JSON lines; empty if it is none of them."""
    try:
        document = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        entries = [*_parse_json_lines(text)]
        return entries if any(entry.fields for entry in entries) else []
    if isinstance(document, dict):
        lists = (document.get(name) for name in ("items", "references", "data", "papers"))
        document = next((value for value in lists if isinstance(value, list)), [document])
    is_known = any(isinstance(item, dict) for item in document)  # and not numbers: [2611.00001] is an id
    return [_make_entry(item, number) for number, item in enumerate(document, 1)] if is_known else []


def _parse_json_lines(text: str) -> Iterator[LibraryEntry]:
    for number, line in enumerate(_LINE_END.split(text), 1):
        if line.strip():
            try:
                yield _make_entry(json.loads(line, strict=False), number)
            except (ValueError, RecursionError):
                yield LibraryEntry(line.strip(), number)


def _make_entry(item: Any, line: int) -> LibraryEntry:
    if not isinstance(item, dict):
        return LibraryEntry(str(item), line)
    item = item["data"] if isinstance(item.get("data"), dict) else item
    fields = {str(name).lower(): [*_flatten(value)] for name, value in item.items()}
    said = next((value for value in _get_values(fields, ("id", "key")) if value), "") or str(item)
    return LibraryEntry(said, line, fields)


def _flatten(value: Any, *, depth: int = 0) -> Iterator[str]:
    """Yield the texts in a JSON value and in the lists and objects within it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict) and depth < 3:
        for item in value.values() if isinstance(value, dict) else value:
            yield from _flatten(item, depth=depth + 1)


def _parse_table(lines: Sequence[str]) -> list[LibraryEntry]:
    """Parse a table with a column of titles, as Zotero, Scopus and others export it; empty if it is none."""
    delimiter = max(",;\t", key=lines[0].count)
    rows = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter)
    try:
        names = [re.sub(r"\W+", "", name).lower() for name in next(rows, [])]
        if len(names) < 2 or {*_TITLE_COLUMNS}.isdisjoint(names):
            return []
        return [_make_entry(dict(zip(names, row, strict=False)), rows.line_num) for row in rows if any(row)]
    except csv.Error:  # a field of more than 128 KiB
        return []


def _parse_endnote(text: str) -> list[LibraryEntry]:
    declared = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)  # the text is decoded, whatever encoding it names
    try:
        return [*parse_elements(declared.encode("utf-8", "replace"), ("record",), _parse_record).items]
    except SourceChanged:
        return []


def _parse_record(record: etree._Element) -> LibraryEntry:
    fields: dict[str, list[str]] = {}
    for element in record.iter("*"):
        name = local_name(element)
        if name in _ENDNOTE_FIELDS and (value := text_of(element)):
            fields.setdefault(name, []).append(value)
    return _finish(LibraryEntry("", cast("int | None", record.sourceline) or 0, fields))
