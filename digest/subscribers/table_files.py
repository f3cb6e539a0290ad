"""Rows of an uploaded file: CSV of any dialect or JSON lines, read one at a time, or one JSON document."""

import codecs
import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import BinaryIO, TextIO

from digest.models.errors import InvalidChange
from digest.models.text import strip_unseen
from digest.subscribers.foreign_consent import normalize_name
from digest.subscribers.importing import Row, UnreadableRow, find_address_column

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Where a spreadsheet would begin a formula: at the start of a cell, and after what another one splits at. The
# apostrophes are those of text that looks as if it were escaped already.
_CELL_START = r"(?:^|(?<=[;|\t\r\n]))"
_FORMULA = r"(?='*[\" ]*[=+\-@\uff1d\uff0b\uff0d\uff20])"
_BLANK = r"(?='*[\t\r])"
_UNESCAPED = re.compile(f"{_CELL_START}{_FORMULA}|^{_BLANK}")
_ESCAPED = re.compile(f"{_CELL_START}'{_FORMULA}|^'{_BLANK}")
DELIMITERS = ",;\t|"
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)  # Excel's first line
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]+")
QUOTE_HINT = "put quotes around a cell that holds the delimiter"
ONE_LINE_HINT = "close or remove it"
MAX_CELL_CHARS = 1_000_000
MAX_CHARS_AT_ONCE = 8_000_000  # of a line, and of a JSON document, which is read as a whole
MAX_SHOWN_CHARS = 80  # of a line that is no JSON object: the report shows them with the invalid row
LISTMONK_COLUMNS = ("attributes", "attribs")  # in which listmonk puts custom fields as JSON


def read_rows(file: BinaryIO) -> Iterator[Row]:
    """Yield each row with its line number, or of a JSON array with its place in it.

    A row that cannot be told apart into fields comes as `UnreadableRow`.

    Raises:
        InvalidChange: the file is neither CSV with a header nor JSON, or a quote in it is never closed.
    """
    wrapper = io.TextIOWrapper(file, encoding=_detect_encoding(file), errors="strict", newline="")
    text = _BoundedText(wrapper)
    try:
        first, number = "", 0
        while not strip_unseen(first):
            first, number = text.readline(), number + 1
            if not first:
                raise InvalidChange("The file is empty; the import needs CSV with a header, or JSON.")
        if strip_unseen(first).startswith("["):
            yield from _read_document(first + text.read())
        elif strip_unseen(first).startswith("{"):
            yield from _read_json(strip_unseen(first) + "\n", text)
        else:
            yield from _read_csv(first, text, number)
    except UnicodeDecodeError as error:
        raise InvalidChange("The file is neither UTF-8 nor UTF-16; save it as UTF-8 first.") from error
    finally:
        if not file.closed:  # as it is when a failure ends the import
            wrapper.detach()


class _BoundedText:
    """A text file of which no more than `MAX_CHARS_AT_ONCE` is ever in memory at once."""

    def __init__(self, text: TextIO) -> None:
        self._text = text

    def __iter__(self) -> Iterator[str]:
        """Yield the lines."""
        return iter(self.readline, "")

    def readline(self) -> str:
        """Return the next line, or an empty string at the end."""
        return self._check(self._text.readline(MAX_CHARS_AT_ONCE + 1), "A line")

    def read(self) -> str:
        """Return all that is left."""
        return self._check(self._text.read(MAX_CHARS_AT_ONCE + 1), "The JSON document")

    @staticmethod
    def _check(text: str, what: str) -> str:
        if len(text) > MAX_CHARS_AT_ONCE:
            raise InvalidChange(
                f"{what} has over {MAX_CHARS_AT_ONCE:,} characters; write CSV, or one JSON object per line."
            )
        return text


def _detect_encoding(file: BinaryIO) -> str:
    head = file.read(4)
    file.seek(0)
    marked = next((name for mark, name in BYTE_ORDER_MARKS if head.startswith(mark)), None)
    if marked or 0 not in head:
        return marked or "utf-8"
    return "utf-16-le" if head.index(0) % 2 else "utf-16-be"  # without a mark: ASCII has one byte of zero


def _read_csv(header: str, text: _BoundedText, number: int) -> Iterator[Row]:
    """Read CSV whose *header* is line *number* of the file."""
    delimiter = max(DELIMITERS, key=header.count)
    if separator := _SEPARATOR_LINE.fullmatch(header.strip("\r\n \ufeff")):
        delimiter, header, number = separator[1], text.readline(), number + 1
    csv.field_size_limit(MAX_CELL_CHARS)
    try:
        names = [strip_unseen(name) for name in next(csv.reader([header], delimiter=delimiter), [])]
    except csv.Error as error:
        raise InvalidChange(f"The first line cannot be read: {error}.") from error
    address_column = find_address_column(tuple(map(normalize_name, names)))
    if address_column is None:
        raise InvalidChange(
            f"The first line names no column `email`; it has {', '.join(names)[:MAX_SHOWN_CHARS]}. "
            "The file needs a header, in which the column of addresses is called email."
        )
    place = list(map(normalize_name, names)).index(address_column)
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    start = number + 1
    try:
        for cells in reader:
            if any(cells):
                _check_quotes(cells, start=start, delimiter=delimiter, place=place)
                yield start, _to_fields(names, cells)
            start = number + reader.line_num + 1
    except csv.Error as error:
        raise InvalidChange(
            f"Line {start} cannot be read: {error}. If a quote there is not closed, close it or remove it."
        ) from error


def _check_quotes(cells: Sequence[str], *, start: int, delimiter: str, place: int) -> None:
    """Raise InvalidChange if a cell seems to hold further rows, after a quote that is closed too late."""
    for cell in cells:
        for line in cell.splitlines()[1:]:
            parts = line.split(delimiter, place + 1)
            if len(parts) > max(place, 1) and _ADDRESS.fullmatch(parts[place].strip(' "')):
                raise InvalidChange(
                    f"Line {start} has a quote that is closed in a later row: {ONE_LINE_HINT}."
                )


def _to_fields(names: Sequence[str], cells: Sequence[str]) -> Mapping[str, object] | UnreadableRow:
    if any(cell.strip() for cell in cells[len(names) :]):
        shown = next((cell for cell in cells if "@" in cell), cells[0])[:MAX_SHOWN_CHARS]
        return UnreadableRow(
            shown, f"The row has {len(cells)} cells, but the header has {len(names)}: {QUOTE_HINT}."
        )
    return _flatten({name: _ESCAPED.sub("", cell) for name, cell in zip(names, cells, strict=False)})


def escape_formula(cell: str) -> str:
    """Put an apostrophe before whatever a spreadsheet would run as a formula; an import removes it.

    A spreadsheet may split the cell at a semicolon, tab, bar or line break, so these places count too.
    """
    return _UNESCAPED.sub("'", cell)


def format_csv_row(cells: Iterable[str]) -> str:
    """Return a line of CSV in which no cell is a formula."""
    out = io.StringIO()
    csv.writer(out).writerow(map(escape_formula, cells))
    return out.getvalue()


def _read_json(first: str, text: _BoundedText) -> Iterator[Row]:
    """Read one object per line, or one object over the whole file that holds a list of them."""
    try:
        fields = json.loads(first)
    except (ValueError, RecursionError):
        yield from _read_document(first + text.read())
        return
    if _find_list(fields) is not None:
        yield from _read_document(first + text.read())
        return
    for number, line in enumerate(chain((first,), text), 1):
        if line.strip():
            yield number, _parse_line(line)


def _parse_line(line: str) -> Mapping[str, object] | UnreadableRow:
    try:
        return _to_row(json.loads(line))
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
        return UnreadableRow(line.strip()[:MAX_SHOWN_CHARS], f"This line is not a JSON object: {reason}.")


def _read_document(content: str) -> Iterator[Row]:
    """Read a JSON document: a list of objects or addresses, or an object that holds such a list."""
    try:
        document = json.loads(strip_unseen(content))
    except (ValueError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        raise InvalidChange(f"The file is not valid JSON: line {line} cannot be read.") from error
    rows = _find_list(document)
    if rows is None:
        raise InvalidChange('The JSON holds no list of people; write [{"email": "ada@example.com"}, …].')
    yield from ((number, _to_row(row)) for number, row in enumerate(rows, 1))


def _find_list(document: object) -> list[object] | None:
    """Return the list itself, or the only list of objects in an object, at most two levels down."""
    if isinstance(document, list):
        return document
    if not isinstance(document, dict) or find_address_column(tuple(map(normalize_name, document))):
        return None
    for _ in range(2):
        inner = [value for value in document.values() if isinstance(value, list) and value]
        if len(inner) == 1 and isinstance(inner[0][0], dict):
            return list(inner[0])
        nested = [value for value in document.values() if isinstance(value, dict)]
        if len(nested) != 1:
            return None
        document = nested[0]
    return None


def _to_row(row: object) -> Mapping[str, object] | UnreadableRow:
    if isinstance(row, dict):
        return _flatten(row)
    if isinstance(row, str):
        return {"email": row}
    return UnreadableRow(json.dumps(row)[:MAX_SHOWN_CHARS], "This is not a JSON object.")


def _flatten(fields: dict[str, object]) -> dict[str, object]:
    """Return the fields together with those that listmonk puts into one JSON column."""
    for name in LISTMONK_COLUMNS:
        inner = fields.get(name)
        if isinstance(inner, str) and inner.lstrip().startswith("{"):
            try:
                inner = json.loads(inner)
            except (ValueError, RecursionError):
                continue  # an unrelated column of that name
        if isinstance(inner, dict):
            fields = {**inner, **fields}
    return fields
