"""Suppressed addresses, which are never mailed; stored only as keyed hashes."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from digest.db.base import Repository, from_row
from digest.db.tables import SUPPRESSION
from digest.models import Status, Suppression, SuppressionReason

BOUNCE_SOURCE = "delivery"  # begins the source of a suppression that bounces caused
_BOUNCED = (SUPPRESSION.c.reason == SuppressionReason.HARD) & SUPPRESSION.c.source.startswith(BOUNCE_SOURCE)


class Suppressions(Repository):
    """Repository of suppressions. They outlive the subscriber."""

    def add(  # noqa: PLR0913  the columns of a suppression
        self,
        key: str,
        reason: SuppressionReason,
        *,
        now: datetime,
        source: str = "",
        evidence: str = "",
        prior_status: Status | None = None,
    ) -> bool:
        """Suppress an address; return True if it is new.

        An existing suppression keeps its reason, unless that is HARD: what a person wants outlives a
        judgement about bounces, which may be taken back.
        """
        row = {
            "key": key,
            "reason": reason,
            "at": now,
            "source": source,
            "evidence": evidence,
            "prior_status": prior_status or "",
        }
        if self._insert_new(SUPPRESSION, [row]) == 1:
            return True
        if reason is not SuppressionReason.HARD:
            was_hard = SUPPRESSION.c.reason == SuppressionReason.HARD
            self._update(SUPPRESSION, SUPPRESSION.c.key == key, was_hard, reason=reason, source=source)
        return False

    def find(self, key: str) -> Suppression | None:
        """Return the suppression with this key, or None."""
        row = self._connection.execute(sa.select(SUPPRESSION).where(SUPPRESSION.c.key == key)).first()
        return _to_suppression(row) if row else None

    def list_latest(
        self,
        *,
        reason: SuppressionReason | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> tuple[Suppression, ...]:
        """Return suppressions, newest first, of one reason or any and of a period (*until* not included)."""
        query = sa.select(SUPPRESSION).where(*_build_conditions(reason, since, until))
        query = query.order_by(SUPPRESSION.c.at.desc(), SUPPRESSION.c.key).limit(limit).offset(offset)
        return tuple(map(_to_suppression, self._connection.execute(query)))

    def count(
        self,
        *,
        reason: SuppressionReason | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> int:
        """Return how many suppressions `list_latest` would list without a limit."""
        return self._count(SUPPRESSION, *_build_conditions(reason, since, until))

    def list_bounced(self, since: datetime) -> tuple[Suppression, ...]:
        """Return the suppressions that bounces caused since a moment, oldest first."""
        query = sa.select(SUPPRESSION).where(_BOUNCED, SUPPRESSION.c.at >= since).order_by(SUPPRESSION.c.at)
        return tuple(map(_to_suppression, self._connection.execute(query)))

    def count_readers_lost(self, since: datetime) -> int:
        """Return how many confirmed subscriptions bounces have ended since a moment."""
        was_reading = SUPPRESSION.c.prior_status.in_((Status.CONFIRMED, Status.PAUSED))
        return self._count(SUPPRESSION, _BOUNCED, was_reading, SUPPRESSION.c.at >= since)

    def is_suppressed(self, key: str) -> bool:
        """Return whether the address with this key must not be mailed."""
        return bool(self.filter_suppressed([key]))

    def filter_suppressed(self, keys: Collection[str]) -> frozenset[str]:
        """Return those of the keys that are suppressed."""
        query = sa.select(SUPPRESSION.c.key).where(self._in(SUPPRESSION.c.key, keys))
        return frozenset(self._connection.scalars(query)) if keys else frozenset()

    def remove(self, key: str) -> bool:
        """Remove a suppression; return whether there was one."""
        return self._delete(SUPPRESSION, SUPPRESSION.c.key == key) == 1

    def count_by_reason(self) -> dict[SuppressionReason, int]:
        """Return the number of suppressions by reason."""
        counts = self._count_by(SUPPRESSION.c.reason)
        return {SuppressionReason(reason): count for reason, count in counts.items()}


def _build_conditions(
    reason: SuppressionReason | None, since: datetime | None, until: datetime | None
) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if reason is not None:
        conditions.append(SUPPRESSION.c.reason == str(reason))
    if since is not None:
        conditions.append(SUPPRESSION.c.at >= since)
    if until is not None:
        conditions.append(SUPPRESSION.c.at < until)
    return conditions


def _to_suppression(row: sa.Row[Any]) -> Suppression:
    prior = Status(row.prior_status) if row.prior_status else None
    return from_row(Suppression, row, reason=SuppressionReason(row.reason), prior_status=prior)
