"""How do many subscribers come in and go out as one file? CSV or JSON lines in, CSV out."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from digest.db import Database
from digest.models import Subscriber
from digest.subscribers import Actor
from digest.subscribers.importing import ImportResult, Result, take_in
from digest.subscribers.table_files import guarded, rows_of

COLUMNS = (
    "email", "status", "keywords", "muted", "authors", "categories", "text", "frequency", "timezone",
    "send_at",
)  # fmt: skip
TOGETHER = 1000  # rows in one transaction
MOST_TOLD = 200  # rows that a report names


class _Rehearsed(Exception):
    """Ends a dry run's transaction, so that nothing of it is kept."""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of the rows: how many of each, and those that need a look."""

    counts: Counter[str] = field(default_factory=Counter)
    noted: list[ImportResult] = field(default_factory=list)

    def add(self, outcomes: Sequence[ImportResult]) -> None:
        """Count these too."""
        self.counts.update(str(outcome.result) for outcome in outcomes)
        telling = (each for each in outcomes if each.note or each.result is Result.SUPPRESSED)
        self.noted.extend(list(telling)[: MOST_TOLD - len(self.noted)])


def take_in_file(  # noqa: PLR0913  what an import is told
    store: Database, body: bytes, *, by: Actor, confirmed: bool, dry_run: bool, defaults: Mapping[str, object]
) -> Report:
    """Take in a file, a thousand rows at a time; a dry run reports the same and keeps nothing."""
    report = Report()
    rows = [*rows_of(io.BytesIO(body))]  # all of it is read before any of it is kept
    for start in range(0, len(rows), TOGETHER):
        some = rows[start : start + TOGETHER]
        with suppress(_Rehearsed), store.begin() as tx:
            report.add(take_in(tx, some, by=by, confirmed=confirmed, defaults=defaults))
            if dry_run:
                raise _Rehearsed
    return report


def csv_of(store: Database) -> Iterator[str]:
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
    csv.writer(out).writerow(map(guarded, cells))
    return out.getvalue()
