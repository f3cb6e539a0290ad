"""How do many subscribers come in and go out as one file? CSV or JSON lines in, CSV out."""

import codecs
import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from digest.errors import InvalidChange
from digest.imports import Outcome, Result, Row, take_in
from digest.model import Subscriber
from digest.store import Store
from digest.subscriptions import By

COLUMNS = (
    "email", "status", "keywords", "muted", "authors", "categories", "text", "frequency", "timezone",
    "send_at",
)  # fmt: skip
TOGETHER = 1000  # rows in one transaction
MOST_TOLD = 200  # rows that a report names
BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


class _Rehearsed(Exception):
    """Ends a dry run's transaction, so that nothing of it is kept."""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of the rows: how many of each, and those that need a look."""

    counts: Counter[str] = field(default_factory=Counter)
    noted: list[Outcome] = field(default_factory=list)

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Count these too."""
        self.counts.update(str(outcome.result) for outcome in outcomes)
        telling = (each for each in outcomes if each.note or each.result is Result.SUPPRESSED)
        self.noted.extend(list(telling)[: MOST_TOLD - len(self.noted)])


def take_in_file(  # noqa: PLR0913  what an import is told
    store: Store, body: bytes, *, by: By, confirmed: bool, dry_run: bool, defaults: Mapping[str, object]
) -> Report:
    """Take in a file, a thousand rows at a time; a dry run reports the same and keeps nothing."""
    report, rows = Report(), rows_of(body)
    for start in range(0, len(rows), TOGETHER):
        some = rows[start : start + TOGETHER]
        with suppress(_Rehearsed), store.begin() as tx:
            report.add(take_in(tx, some, by=by, confirmed=confirmed, defaults=defaults))
            if dry_run:
                raise _Rehearsed
    return report


def rows_of(body: bytes) -> list[Row]:
    """The rows of a CSV with a header, or of JSON lines; numbered as an editor numbers their lines."""
    text = _decoded(body)
    return _json_lines(text) if text.lstrip().startswith("{") else _csv(text)


def csv_of(store: Store) -> Iterator[str]:
    """All subscribers, line by line, in the names of the import."""
    yield _line(COLUMNS)
    last = 0
    while True:
        with store.begin(write=False) as tx:
            some = tx.subscribers.after(last)
        if not some:
            return
        yield "".join(_line(_cells(reader)) for reader in some)
        last = some[-1].id


def _decoded(body: bytes) -> str:
    encoding = next((name for bom, name in BOMS.items() if body.startswith(bom)), "utf-8")
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        raise InvalidChange("The file is neither UTF-8 nor UTF-16; save it as UTF-8.") from error


def _csv(text: str) -> list[Row]:
    header = text.partition("\n")[0]
    parted_by = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=parted_by)
    try:
        return [
            (reader.line_num, {name: value for name, value in row.items() if name and isinstance(value, str)})
            for row in reader
        ]
    except csv.Error as error:
        raise InvalidChange(f"The file cannot be read as CSV: {error}.") from error


def _json_lines(text: str) -> list[Row]:
    rows: list[Row] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise InvalidChange(f"Line {number} is not JSON.") from error
            rows.append((number, row if isinstance(row, dict) else {}))
    return rows


def _cells(reader: Subscriber) -> Sequence[str]:
    profile, schedule = reader.profile, reader.schedule
    return (
        reader.address,
        str(reader.status),
        ", ".join(profile.keywords),
        ", ".join(profile.muted),
        ", ".join(profile.authors),
        ", ".join(profile.categories),
        profile.text,
        str(schedule.frequency),
        schedule.timezone,
        f"{schedule.send_at:%H:%M}",
    )


def _line(cells: Sequence[str]) -> str:
    """One line of CSV in which no spreadsheet sees a formula."""
    out = io.StringIO()
    csv.writer(out).writerow([f"'{cell}" if cell.startswith(FORMULAS) else cell for cell in cells])
    return out.getvalue()
