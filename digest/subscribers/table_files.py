"""How are the rows of somebody's file read? CSV of any dialect, or JSON lines, a row at a time."""

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

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FORMULA = re.compile(r"'*[=+\-@\t\r]")  # also what looks as if it were guarded already
_GUARDED = re.compile(r"'+[=+\-@\t\r]")
DELIMITERS = ",;\t|"
LONGEST_CELL = 1_000_000
SHOWN = 80  # characters of a line that is no JSON object: the report shows them and calls the row invalid
LISTED = ("attributes", "attribs")  # listmonk keeps a subscriber's own fields as JSON in this column


def rows_of(file: BinaryIO) -> Iterator[Row]:
    """Each row with its line number; InvalidChange when it is neither CSV with a header nor JSON lines."""
    text = io.TextIOWrapper(file, encoding=_encoding(file), errors="strict", newline="")
    try:
        first = text.readline()
        if first.lstrip().startswith("{"):
            yield from _json_rows(first, text)
        else:
            yield from _csv_rows(first, text)
    except UnicodeDecodeError as error:
        raise InvalidChange("The file is neither UTF-8 nor UTF-16; save it as UTF-8 first.") from error
    finally:
        text.detach()


def _encoding(file: BinaryIO) -> str:
    head = file.read(4)
    file.seek(0)
    return next((name for mark, name in MARKS if head.startswith(mark)), "utf-8")


def _csv_rows(header: str, text: TextIO) -> Iterator[Row]:
    delimiter = max(DELIMITERS, key=header.count)
    csv.field_size_limit(LONGEST_CELL)
    names = next(csv.reader([header], delimiter=delimiter), [])
    if not any("mail" in name.casefold() or name.casefold() == "address" for name in names):
        raise InvalidChange("The first line names no column `email`; the file needs a header.")
    reader = csv.reader(text, delimiter=delimiter)
    try:
        for cells in reader:
            if any(cells):
                yield reader.line_num + 1, _unfolded(dict(zip(names, map(_unguarded, cells), strict=False)))
    except csv.Error as error:
        raise InvalidChange(f"Line {reader.line_num + 1} cannot be read: {error}.") from error


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; an import takes the apostrophe away again."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _unguarded(cell: str) -> str:
    """A cell without the apostrophe that keeps a spreadsheet from taking it for a formula."""
    return cell[1:] if _GUARDED.match(cell) else cell


def _json_rows(first: str, text: TextIO) -> Iterator[Row]:
    for number, line in enumerate(chain((first,), text), 1):
        if line.strip():
            yield number, _object(number, line)


def _object(number: int, line: str) -> Mapping[str, object]:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        if number == 1:
            raise InvalidChange(f"Line {number} is not a JSON object.") from error
        fields = None
    return _unfolded(fields) if isinstance(fields, dict) else {"email": line.strip()[:SHOWN]}


def _unfolded(fields: dict[str, object]) -> dict[str, object]:
    """What listmonk folds into one JSON column stands beside the other fields."""
    for name in LISTED:
        inner = fields.get(name)
        if isinstance(inner, str) and inner.lstrip().startswith("{"):
            try:
                inner = json.loads(inner)
            except (ValueError, RecursionError):
                continue  # somebody's own column of that name
        if isinstance(inner, dict):
            fields = {**inner, **fields}
    return fields
