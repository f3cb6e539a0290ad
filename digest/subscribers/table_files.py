"""Rows of an uploaded file: CSV of any dialect, or JSON lines, read one at a time."""

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import BinaryIO, TextIO

from digest.models.errors import InvalidChange
from digest.subscribers.importing import Row

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
MAX_CELL_CHARS = 1_000_000
MAX_SHOWN_CHARS = 80  # of a line that is no JSON object: the report shows them with the invalid row
LISTMONK_COLUMNS = (
    "attributes",
    "attribs",
)  # in which listmonk puts custom fields as JSON


def read_rows(file: BinaryIO) -> Iterator[Row]:
    """Yield each row with its line number.

    Raises:
        InvalidChange: the file is neither CSV with a header nor JSON lines.

    """
    text = io.TextIOWrapper(file, encoding=_detect_encoding(file), errors="strict", newline="")
    try:
        first = text.readline()
        if first.lstrip().startswith("{"):
            yield from _read_json(first, text)
        else:
            yield from _read_csv(first, text)
    except UnicodeDecodeError as error:
        raise InvalidChange("The file is neither UTF-8 nor UTF-16; save it as UTF-8 first.") from error
    finally:
        if not file.closed:  # as it is when a failure ends the import
            text.detach()


def _detect_encoding(file: BinaryIO) -> str:
    head = file.read(4)
    file.seek(0)
    return next((name for mark, name in BYTE_ORDER_MARKS if head.startswith(mark)), "utf-8")


def _read_csv(header: str, text: TextIO) -> Iterator[Row]:
    delimiter = max(DELIMITERS, key=header.count)
    csv.field_size_limit(MAX_CELL_CHARS)
    names = next(csv.reader([header], delimiter=delimiter), [])
    if not any("mail" in name.casefold() or name.casefold() == "address" for name in names):
        raise InvalidChange("The first line names no column `email`; the file needs a header.")
    reader = csv.reader(text, delimiter=delimiter)
    try:
        for cells in reader:
            if any(cells):
                fields: dict[str, object] = dict(zip(names, map(_unescape_formula, cells), strict=False))
                yield reader.line_num + 1, _flatten(fields)
    except csv.Error as error:
        raise InvalidChange(f"Line {reader.line_num + 1} cannot be read: {error}.") from error


def escape_formula(cell: str) -> str:
    """Put an apostrophe before whatever a spreadsheet would run as a formula; an import removes it.

    A spreadsheet may split the cell at a semicolon, tab, bar or line break, so these places count too.
    """
    return _UNESCAPED.sub("'", cell)


def _unescape_formula(cell: str) -> str:
    return _ESCAPED.sub("", cell)


def _read_json(first: str, text: TextIO) -> Iterator[Row]:
    for number, line in enumerate(chain((first,), text), 1):
        if line.strip():
            yield number, _parse_object(number, line)


def _parse_object(number: int, line: str) -> Mapping[str, object]:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        if number == 1:
            raise InvalidChange(f"Line {number} is not a JSON object.") from error
        fields = None
    return _flatten(fields) if isinstance(fields, dict) else {"email": line.strip()[:MAX_SHOWN_CHARS]}


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
