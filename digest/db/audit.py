"""The audit log: who changed what, and when. A trigger in the database refuses changes to its rows."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa

from digest.db.base import Repository, from_row
from digest.db.tables import AUDIT


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One change. `subject` is a public id or a key, never an address, so it may outlive erasure."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, object]
    id: int = 0  # given by the database


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Conditions that all must hold; an empty one always holds."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None  # not included


ALL = AuditFilter()


class Audit(Repository):
    """Repository of the audit log."""

    def write(
        self,
        actor: str,
        action: str,
        subject: str,
        detail: Mapping[str, object] | None = None,
        *,
        at: datetime,
    ) -> None:
        """Add a line; *detail* says what changed, without personal data."""
        self.write_all([AuditLine(at, actor, action, subject, detail or {})])

    def write_all(self, lines: list[AuditLine]) -> None:
        """Add many lines at once."""
        if lines:
            rows = [{name: value for name, value in asdict(line).items() if name != "id"} for line in lines]
            self._connection.execute(sa.insert(AUDIT), rows)

    def search(
        self, filter_: AuditFilter = ALL, *, limit: int = 50, before: int | None = None
    ) -> tuple[AuditLine, ...]:
        """Return the lines that match, newest first; *before* is the row id to continue from."""
        query = sa.select(AUDIT).where(*_build_conditions(filter_)).order_by(AUDIT.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(AUDIT.c.id < before)
        return tuple(from_row(AuditLine, row) for row in self._connection.execute(query))

    def count(self, filter_: AuditFilter) -> int:
        """Return how many lines match."""
        return self._count(AUDIT, *_build_conditions(filter_))

    def list_values(self, name: str) -> tuple[str, ...]:
        """Return all that an indexed column (actor, action) holds, in alphabetical order, each once.

        Each step looks up the next value, whatever lies between.
        """
        column = AUDIT.c[name]
        values = sa.select(sa.func.min(column).label("value")).cte("found", recursive=True)
        following = sa.select(sa.func.min(column)).where(column > values.c.value).scalar_subquery()
        values = values.union_all(sa.select(following).where(values.c.value.is_not(None)))
        query = sa.select(values.c.value).where(values.c.value.is_not(None))
        return tuple(self._connection.scalars(query))


def _build_conditions(filter_: AuditFilter) -> list[sa.ColumnElement[bool]]:
    line = AUDIT.c
    exact = {name: getattr(filter_, name) for name in ("actor", "action", "subject")}
    conditions: list[sa.ColumnElement[bool]] = [line[name] == text for name, text in exact.items() if text]
    if filter_.since is not None:
        conditions.append(line.at >= filter_.since)
    if filter_.until is not None:
        conditions.append(line.at < filter_.until)
    return conditions
