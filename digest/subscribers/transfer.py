"""Import and export of subscribers as one file of CSV or JSON lines."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import BinaryIO, TypeVar

from digest.db import Database, Transaction
from digest.db.import_reports import StoredImportReport
from digest.db.subscribers.rows import create_public_id
from digest.db.subscribers.search import EVERYBODY, SubscriberCriteria
from digest.models import Subscriber
from digest.subscribers import Actor
from digest.subscribers.importing import (
    ImportResult,
    Row,
    RowResult,
    UnreadableRow,
    find_unused_columns,
    import_rows,
)
from digest.subscribers.table_files import format_csv_row, read_rows
from digest.subscribers.validation import FIELD_NAMES, dump_settings

COLUMNS = ("email", "status", *FIELD_NAMES, "tags")  # of an export, as an import knows them
_LIST_SEPARATOR = re.compile(r"[,;\n]")  # where an import splits the items of a list
ROWS_PER_TRANSACTION = 1000
BYTES_PER_TRANSACTION = 256 * 1024  # fewer rows of a file whose rows are long, so that memory stays flat
MAX_REPORTED_ROWS = 200
MAX_FILE_NAME_CHARS = 200
MAX_REPORTED_COLUMNS = 50
MAX_COLUMN_CHARS = 50
Batch = TypeVar("Batch")


@dataclass(frozen=True, slots=True)
class ImportReport:
    """How many rows had which result, and the rows to look at."""

    counts: Counter[str] = field(default_factory=Counter)
    noted: list[ImportResult] = field(default_factory=list)
    id: str = ""  # of the stored report; empty for a dry run
    unused_columns: Sequence[str] = ()  # whose cells were left alone

    def add(self, results: Sequence[ImportResult]) -> None:
        """Add the results of a batch."""
        self.counts.update(str(item.result) for item in results)
        notable = [item for item in results if item.note or item.result is RowResult.SUPPRESSED]
        self.noted.extend(notable[: MAX_REPORTED_ROWS - len(self.noted)])

    def list_noted(self) -> list[tuple[int, str, str]]:
        """Return number, result and note of the rows to look at, without their addresses."""
        return [
            (item.number, str(item.result), item.note.replace(item.address or "…", "…"))
            for item in self.noted
        ]


def import_batches(  # noqa: PLR0913  what an import consists of
    store: Database,
    batches: Iterable[Batch],
    import_batch: Callable[[Transaction, Batch], Sequence[ImportResult]],
    *,
    kind: str,
    actor: Actor,
    dry_run: bool,
    file_name: str,
    consent: str = "",
    on_results: Callable[[Sequence[ImportResult]], object] | None = None,
) -> ImportReport:
    """Import batch by batch; store the report with each, and one line in the audit log at the end.

    The line is also written for an import that stops half-way. A dry run stores nothing. The stored report
    names rows by their number: it outlives the people in the file. *on_results* is called with the results of
    each batch that was imported.
    """
    report = ImportReport()
    name = "".join(char for char in file_name if char.isprintable())[:MAX_FILE_NAME_CHARS]
    stored = StoredImportReport(
        id=create_public_id(), at=actor.now, actor=actor.name, kind=kind, file_name=name
    )
    try:
        for batch in batches:
            with store.begin(commit=not dry_run) as tx:
                results = import_batch(tx, batch)
                report.add(results)
                stored = replace(stored, counts=dict(report.counts), noted=report.list_noted())
                tx.import_reports.save(stored)
            if on_results:
                on_results(results)
    finally:
        if not dry_run:
            with store.begin() as tx:
                tx.import_reports.save(replace(stored, finished_at=actor.now))
                detail = {"file": name, **stored.counts, **({"consent": consent} if consent else {})}
                action = "import" if kind == "subscribers" else f"import-{kind}"
                actor.write_audit(tx, action, f"import/{stored.id}", detail)
    return replace(report, id="" if dry_run else stored.id)


def check_file(file: BinaryIO) -> list[str]:
    """Read a file to its end and rewind it; return the names of columns that an import leaves alone.

    Raises:
        InvalidChange: the file cannot be read.
    """
    unused: dict[str, None] = {}
    for _, fields in read_rows(file):
        if not isinstance(fields, UnreadableRow) and len(unused) < MAX_REPORTED_COLUMNS:
            unused.update(dict.fromkeys(find_unused_columns(tuple(fields))))
    file.seek(0)
    return [name[:MAX_COLUMN_CHARS] for name in unused][:MAX_REPORTED_COLUMNS]


def import_file(  # noqa: PLR0913  the options of an import
    store: Database,
    file: BinaryIO,
    *,
    actor: Actor,
    confirmed: bool,
    dry_run: bool,
    defaults: Mapping[str, object],
    file_name: str = "",
) -> ImportReport:
    """Import a file in several transactions; a dry run reports the same and changes nothing.

    It is read twice, first to see that it can be read, and only a batch of its rows is in memory at a time.
    For *confirmed* and *defaults* see `importing.import_rows`.

    Raises:
        InvalidChange: the file cannot be read; nothing of it was imported.
    """
    unused = check_file(file)
    report = import_batches(
        store,
        _read_batches(file),
        partial(import_rows, actor=actor, confirmed=confirmed, defaults=defaults),
        kind="subscribers",
        actor=actor,
        dry_run=dry_run,
        file_name=file_name,
        consent="asserted" if confirmed else "asked",
    )
    return replace(report, unused_columns=unused)


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


def export_csv(store: Database, criteria: SubscriberCriteria = EVERYBODY) -> Iterator[str]:
    """Yield the subscribers that match as CSV, which `import_file` reads again; no cell is a formula."""
    yield format_csv_row(COLUMNS)
    for rows in _list_rows(store, criteria):
        yield "".join(format_csv_row(map(_format_cell, row.values())) for row in rows)


def export_json_lines(store: Database, criteria: SubscriberCriteria = EVERYBODY) -> Iterator[str]:
    """Yield the subscribers that match as JSON, one object a line, which `import_file` reads again."""
    for rows in _list_rows(store, criteria):
        yield "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _list_rows(store: Database, criteria: SubscriberCriteria) -> Iterator[list[dict[str, object]]]:
    """Yield batches of all that subscribers chose and their tags, keyed by `COLUMNS`."""
    last_id = 0
    while True:
        with store.begin(write=False) as tx:
            readers = tx.subscribers.search(criteria).list_after(last_id)
            tags = tx.tags.get_by_subscriber([reader.id for reader in readers])
        if not readers:
            return
        yield [_to_row(reader, tags.get(reader.id, ())) for reader in readers]
        last_id = readers[-1].id


def _to_row(reader: Subscriber, tags: Sequence[str]) -> dict[str, object]:
    named = {
        "email": reader.address,
        "status": str(reader.status),
        **dump_settings(reader),
        "send_at": f"{reader.schedule.send_at:%H:%M}",
        "tags": list(tags),
    }
    return {name: "" if named[name] is None else named[name] for name in COLUMNS}


def _format_cell(value: object) -> str:
    """Return a value as text: lists comma-separated, or as JSON if an import would split them differently."""
    if isinstance(value, list):
        is_plain = all(isinstance(item, str) and not _LIST_SEPARATOR.search(item) for item in value)
        text = ", ".join(map(str, value))
        return text if is_plain and not text.startswith("[") else json.dumps(value, ensure_ascii=False)
    return json.dumps(value) if isinstance(value, bool) else str(value)
