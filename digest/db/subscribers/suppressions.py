"""Suppressed addresses, which are never mailed; stored only as keyed hashes."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from digest.db.base import Repository, from_row
from digest.db.tables import SUPPRESSION
from digest.models import Status, Suppression, SuppressionReason

# Reasons that others gave, the weaker first; the remaining ones are what the person wants.
JUDGEMENTS = (SuppressionReason.HARD, SuppressionReason.ADMIN)
BOUNCE_SOURCE = "delivery"  # begins the source of a suppression that bounces caused
_BOUNCED = (SUPPRESSION.c.reason == SuppressionReason.HARD) & SUPPRESSION.c.source.startswith(BOUNCE_SOURCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionCriteria:
    """Conditions that all must hold; None always holds."""

    reason: SuppressionReason | None = None
    since: datetime | None = None
    until: datetime | None = None  # not included


ALL = SuppressionCriteria()


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

        An existing suppression keeps its reason, unless that is a judgement, which may be taken back: an
        administrator's outlives that about bounces, and what the person wants outlives both.
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
        weaker = JUDGEMENTS[: JUDGEMENTS.index(reason)] if reason in JUDGEMENTS else JUDGEMENTS
        if weaker:
            is_weaker = SUPPRESSION.c.reason.in_(weaker)
            self._update(SUPPRESSION, SUPPRESSION.c.key == key, is_weaker, reason=reason, source=source)
        return False

    def find(self, key: str) -> Suppression | None:
        """Return the suppression with this key, or None."""
        row = self._connection.execute(sa.select(SUPPRESSION).where(SUPPRESSION.c.key == key)).first()
        return _to_suppression(row) if row else None

    def list_latest(
        self, criteria: SuppressionCriteria, *, limit: int, offset: int
    ) -> tuple[Suppression, ...]:
        """Return the suppressions that match, newest first."""
        query = sa.select(SUPPRESSION).where(*_build_conditions(criteria))
        query = query.order_by(SUPPRESSION.c.at.desc(), SUPPRESSION.c.key).limit(limit).offset(offset)
        return tuple(map(_to_suppression, self._connection.execute(query)))

    def count(self, criteria: SuppressionCriteria = ALL) -> int:
        """Return how many match."""
        return self._count(SUPPRESSION, *_build_conditions(criteria))

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


def _build_conditions(criteria: SuppressionCriteria) -> Iterator[sa.ColumnElement[bool]]:
    if criteria.reason is not None:
        yield SUPPRESSION.c.reason == str(criteria.reason)
    if criteria.since is not None:
        yield SUPPRESSION.c.at >= criteria.since
    if criteria.until is not None:
        yield SUPPRESSION.c.at < criteria.until


def _to_suppression(row: sa.Row[Any]) -> Suppression:
    prior = Status(row.prior_status) if row.prior_status else None
    return from_row(Suppression, row, reason=SuppressionReason(row.reason), prior_status=prior)
