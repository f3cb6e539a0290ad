"""Bounces and complaints: recording them, and the rules by which an address is suppressed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from digest.db.audit import Audit
from digest.db.dialects import insert
from digest.db.subscribers.suppressions import Suppressions
from digest.db.tables import DELIVERY, DELIVERY_EVENT, SUBSCRIBER
from digest.models import AttemptResult, BounceKind, Status, SuppressionReason
from digest.models.addresses import hash_mailbox, parse_address

EVENT_WINDOW = timedelta(days=30)  # events older than this no longer count
MAX_REPORT_AGE = timedelta(days=14)  # a report that comes later is taken for a replay
MIN_UNSURE = 2  # deliveries refused without a clear reason
MIN_SOFT_DELIVERIES, MIN_SOFT_DAYS = 3, 3
LAST_DELIVERIES = 5  # soft bounces count only among so many of the last deliveries


@dataclass(frozen=True, slots=True)
class BounceEvent:
    """One recorded event of a delivery."""

    delivery_id: int
    kind: BounceKind
    at: datetime


def decide_suppression(
    events: Sequence[BounceEvent], last_deliveries: Sequence[int]
) -> SuppressionReason | None:
    """Return why an address with these events of the last month is suppressed; None to keep sending.

    One hard bounce or complaint is enough; an unexplained refusal counts the second time; a full mailbox
    counts when 3 of the last 5 deliveries met one, on 3 different days. *last_deliveries* are their ids,
    newest first.
    """
    kinds = {event.kind for event in events}
    if BounceKind.COMPLAINT in kinds:
        return SuppressionReason.COMPLAINT
    unsure = {event.delivery_id for event in events if event.kind is BounceKind.UNSURE}
    if BounceKind.HARD in kinds or len(unsure) >= MIN_UNSURE:
        return SuppressionReason.HARD
    recent = set(last_deliveries[:LAST_DELIVERIES])
    soft = [event for event in events if event.kind is BounceKind.SOFT and event.delivery_id in recent]
    deliveries, days = {event.delivery_id for event in soft}, {event.at.date() for event in soft}
    is_full = len(deliveries) >= MIN_SOFT_DELIVERIES and len(days) >= MIN_SOFT_DAYS
    return SuppressionReason.HARD if is_full else None


class BouncePolicy:
    """Records bounces and complaints, and suppresses addresses that are gone or complained."""

    def __init__(self, connection: sa.Connection, *, suppression_key: bytes) -> None:
        self._connection = connection
        self._suppression_key = suppression_key

    def record_results(self, results: Iterable[AttemptResult]) -> None:
        """Record those of these results in which the server refused the mail for good."""
        for result in results:
            if result.bounce:
                raw_hash = f"reply/{result.delivery.id}/{result.delivery.generation}"
                code = result.enhanced or str(result.code)
                self._record(result.delivery.id, result.bounce, result.at, code=code, raw_hash=raw_hash)

    def record_report(
        self, public_id: str, kind: BounceKind, *, now: datetime, code: str, raw_hash: str
    ) -> bool:
        """Record a bounce or complaint that came back later.

        Returns False if the delivery is unknown or too old, or if the report was recorded before.
        """
        row = self._connection.execute(
            sa.select(DELIVERY.c.id, DELIVERY.c.slot).where(DELIVERY.c.pid == public_id)
        ).first()
        if row is None or now - row.slot > MAX_REPORT_AGE:
            return False
        return self._record(row.id, kind, now, code=code, raw_hash=raw_hash)

    def _record(self, delivery_id: int, kind: BounceKind, at: datetime, *, code: str, raw_hash: str) -> bool:
        """Record one event and suppress if the rules say so; False if it was recorded before."""
        row = {"delivery_id": delivery_id, "at": at, "type": kind, "code": code, "raw_hash": raw_hash}
        new = insert(self._connection, DELIVERY_EVENT).values(row).on_conflict_do_nothing()
        if self._connection.execute(new).rowcount == 0:
            return False
        if kind is BounceKind.OTHER:
            return True
        delivery = self._connection.execute(
            sa.select(DELIVERY.c.subscriber_id, DELIVERY.c.address).where(DELIVERY.c.id == delivery_id)
        ).one()
        if delivery.subscriber_id is not None:
            reason = decide_suppression(*self._list_recent(*delivery, at))
            if reason:
                self._suppress(*delivery, reason, at, code)
        return True

    def _list_recent(
        self, subscriber_id: int, address: str, at: datetime
    ) -> tuple[list[BounceEvent], list[int]]:
        """Return the recent events and delivery ids (newest first) of one address of a subscriber.

        By address: bounces of a subscriber's former address say nothing about the present one.
        """
        same_address = sa.and_(DELIVERY.c.subscriber_id == subscriber_id, DELIVERY.c.address == address)
        delivery_ids = list(
            self._connection.scalars(
                sa.select(DELIVERY.c.id)
                .where(same_address, DELIVERY.c.slot >= at - 2 * EVENT_WINDOW)
                .order_by(DELIVERY.c.slot.desc(), DELIVERY.c.id.desc())
            )
        )
        rows = self._connection.execute(
            sa.select(DELIVERY_EVENT.c.delivery_id, DELIVERY_EVENT.c.type, DELIVERY_EVENT.c.at).where(
                DELIVERY_EVENT.c.delivery_id.in_(delivery_ids), DELIVERY_EVENT.c.at >= at - EVENT_WINDOW
            )
        )
        return [BounceEvent(row.delivery_id, BounceKind(row.type), row.at) for row in rows], delivery_ids

    def _suppress(
        self, subscriber_id: int, address: str, reason: SuppressionReason, at: datetime, code: str
    ) -> None:
        """Suppress the address a mail went to, and unsubscribe its subscriber if it is still theirs."""
        subscriber = self._connection.execute(
            sa.select(SUBSCRIBER.c.pid, SUBSCRIBER.c.mailbox).where(SUBSCRIBER.c.id == subscriber_id)
        ).one()
        mailbox = parse_address(address).mailbox
        key = hash_mailbox(mailbox, suppression_key=self._suppression_key)
        if Suppressions(self._connection).add(key, reason, now=at, source=f"delivery {code}"):
            self._connection.execute(
                sa.update(SUBSCRIBER)
                .where(SUBSCRIBER.c.id == subscriber_id, SUBSCRIBER.c.mailbox == mailbox)
                .values(status=Status.UNSUBSCRIBED, status_since=at, asked_at=None, next_due=None)
            )
            Audit(self._connection).write(
                "delivery", "suppressed", subscriber.pid, {"reason": reason, "code": code}, at=at
            )
