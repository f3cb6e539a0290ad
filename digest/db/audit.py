"""The audit log: who changed what, and when. A trigger in the database refuses changes to its rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from digest.db.tables import AUDIT


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One change. `subject` is a public id or a key, never an address, so it may outlive erasure."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, object]


class Audit:
    """Repository of the audit log."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

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
            rows = [
                {"at": line.at, "actor": line.actor, "action": line.action, "subject": line.subject,
                 "detail": dict(line.detail)}
                for line in lines
            ]  # fmt: skip
            self._connection.execute(sa.insert(AUDIT), rows)

    def list_latest(
        self, *, subject: str | None = None, limit: int = 50, before: int | None = None
    ) -> tuple[AuditLine, ...]:
        """Return the newest lines first, of one subject or all; *before* is the row id to continue from."""
        query = sa.select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
        if subject is not None:
            query = query.where(AUDIT.c.subject == subject)
        if before is not None:
            query = query.where(AUDIT.c.id < before)
        return tuple(
            AuditLine(row.at, row.actor, row.action, row.subject, row.detail)
            for row in self._connection.execute(query)
        )
