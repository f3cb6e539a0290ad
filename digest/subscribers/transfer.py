"""Import and export of subscribers as one file: CSV or JSON lines in, CSV out."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO

from digest.db import Database
from digest.models import Subscriber
from digest.subscribers import Actor
from digest.subscribers.importing import ImportResult, Row, RowResult, import_rows
from digest.subscribers.table_files import escape_formula, read_rows

COLUMNS = (
    "email", "status", "keywords", "muted", "authors", "categories", "text", "frequency", "timezone",
    "send_at",
)  # fmt: skip
ROWS_PER_TRANSACTION = 1000
BYTES_PER_TRANSACTION = 256 * 1024  # fewer rows of a file whose rows are long, so that memory stays flat
MAX_REPORTED_ROWS = 200


class _DryRunEnd(Exception):
    """Rolls the transaction of a dry run back."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """How many rows had which result, and the rows to look at."""

    counts: Counter[str] = field(default_factory=Counter)
    noted: list[ImportResult] = field(default_factory=list)

    def add(self, results: Sequence[ImportResult]) -> None:
        """Add the results of a batch."""
        self.counts.update(str(item.result) for item in results)
        notable = [item for item in results if item.note or item.result is RowResult.SUPPRESSED]
        self.noted.extend(notable[: MAX_REPORTED_ROWS - len(self.noted)])


def import_file(  # noqa: PLR0913  the options of an import
    store: Database,
    file: BinaryIO,
    *,
    actor: Actor,
    confirmed: bool,
    dry_run: bool,
    defaults: Mapping[str, object],
) -> ImportReport:
    """Import a file in several transactions; a dry run reports the same and changes nothing.

    It is read twice, first to see that it can be read, and only a batch of its rows is in memory at a time.
    For *confirmed* and *defaults* see `importing.import_rows`.

    Raises:
        InvalidChange: the file cannot be read; nothing of it was imported.

    """
    report = ImportReport()
    for _ in read_rows(file):
        pass
    file.seek(0)
    for batch in _read_batches(file):
        with suppress(_DryRunEnd), store.begin() as tx:
            report.add(import_rows(tx, batch, actor=actor, confirmed=confirmed, defaults=defaults))
            if dry_run:
                raise _DryRunEnd
    return report


def _read_batches(file: BinaryIO) -> Iterator[list[Row]]:
    batch: list[Row] = []
    start = 0
    for row in read_rows(file):
        batch.append(row)
        if len(batch) == ROWS_PER_TRANSACTION or file.tell() - start >= BYTES_PER_TRANSACTION:
            yield batch
            batch, start = [], file.tell()
    if batch:
        yield batch


def export_csv(store: Database) -> Iterator[str]:
    """Yield all subscribers as CSV, under the column names that the import understands."""
    yield _to_line(COLUMNS)
    last_id = 0
    while True:
        with store.begin(write=False) as tx:
            readers = tx.subscribers.list_after(last_id)
        if not readers:
            return
        yield "".join(_to_line(_to_cells(reader)) for reader in readers)
        last_id = readers[-1].id


def _to_cells(reader: Subscriber) -> Sequence[str]:
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


def _to_line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(map(escape_formula, cells))
    return out.getvalue()
