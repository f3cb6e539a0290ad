"""Reports of imports. They hold no address: a row is named by its number in the file."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from digest.db.base import Repository, from_row
from digest.db.tables import IMPORT_REPORT
from digest.models.errors import require


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredImportReport:
    """What an import did, so far if it is not finished."""

    id: str
    at: datetime
    actor: str
    kind: str  # subscribers, suppressions
    file_name: str
    counts: Mapping[str, int] = field(default_factory=dict)
    noted: Sequence[Sequence[Any]] = ()  # number, result and note of the rows to look at
    finished_at: datetime | None = None


class ImportReports(Repository):
    """Repository of reports of imports."""

    def save(self, report: StoredImportReport) -> None:
        """Add a report, or write what it says now."""
        row = {name: getattr(report, name) for name in StoredImportReport.__dataclass_fields__}
        row |= {"counts": dict(report.counts), "noted": [[*item] for item in report.noted]}
        self._upsert(IMPORT_REPORT, [row])

    def get(self, report_id: str) -> StoredImportReport:
        """Return a report. Raises NotFound if there is none, or none any more."""
        query = sa.select(IMPORT_REPORT).where(IMPORT_REPORT.c.id == report_id)
        row = self._connection.execute(query).first()
        missing = "There is no such report; they are kept for a year."
        return from_row(StoredImportReport, require(row, missing))

    def list_latest(self, *, kind: str = "", limit: int = 10) -> tuple[StoredImportReport, ...]:
        """Return the newest reports first, of one kind or all."""
        query = sa.select(IMPORT_REPORT).order_by(IMPORT_REPORT.c.at.desc()).limit(limit)
        if kind:
            query = query.where(IMPORT_REPORT.c.kind == kind)
        return tuple(from_row(StoredImportReport, row) for row in self._connection.execute(query))

    def list_at(self, times: Collection[datetime]) -> tuple[StoredImportReport, ...]:
        """Return the imports of subscribers that began at one of *times*, which is what their rows carry."""
        here = IMPORT_REPORT.c.at.in_(times) & (IMPORT_REPORT.c.kind == "subscribers")
        rows = self._connection.execute(sa.select(IMPORT_REPORT).where(here))
        return tuple(from_row(StoredImportReport, row) for row in rows)

    def delete_before(self, before: datetime) -> int:
        """Delete older reports; the audit log keeps a line with the counts of each."""
        return self._delete(IMPORT_REPORT, IMPORT_REPORT.c.at < before)
