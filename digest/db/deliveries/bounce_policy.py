"""When has an address bounced for good? The rules, and what follows from them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from digest.db.audit import Audit
from digest.db.dialects import insert
from digest.db.subscribers.suppressions import Suppressions
from digest.db.tables import DELIVERY, DELIVERY_EVENT, SUBSCRIBER
from digest.models import AttemptResult, BounceKind, Status, SuppressionReason
from digest.models.addresses import key_of, parse_address

MEMORY = timedelta(days=30)
BELIEVED_FOR = timedelta(days=14)  # a bounce that comes later is somebody's replay
UNSURE_TWICE = 2
SOFT_MAILS, SOFT_DAYS, OF_LAST = 3, 3, 5


@dataclass(frozen=True, slots=True)
class Event:
    """What was heard about one mail."""

    delivery_id: int
    kind: BounceKind
    at: datetime


def verdict(events: Sequence[Event], last_deliveries: Sequence[int]) -> SuppressionReason | None:
    """Whether these events of the last month end our writing to an address, and why.

    A hard bounce or a complaint does at once; an unexplained refusal the second time; full mailboxes
    when 3 of the last 5 mails met one on 3 different days.
    """
    kinds = {event.kind for event in events}
    if BounceKind.COMPLAINT in kinds:
        return SuppressionReason.COMPLAINT
    unsure = {event.delivery_id for event in events if event.kind is BounceKind.UNSURE}
    if BounceKind.HARD in kinds or len(unsure) >= UNSURE_TWICE:
        return SuppressionReason.HARD
    recent = set(last_deliveries[:OF_LAST])
    soft = [event for event in events if event.kind is BounceKind.SOFT and event.delivery_id in recent]
    mails, days = {event.delivery_id for event in soft}, {event.at.date() for event in soft}
    return SuppressionReason.HARD if len(mails) >= SOFT_MAILS and len(days) >= SOFT_DAYS else None


class Standing:
    """Writes down what was heard about mails, and stops writing to those who are gone or complained."""

    def __init__(self, connection: sa.Connection, *, suppression_key: bytes) -> None:
        self._connection = connection
        self._pepper = suppression_key

    def note(self, settlements: Iterable[AttemptResult]) -> None:
        """Take the refusals among these settlements to heart."""
        for each in settlements:
            if each.bounce:
                heard = f"reply/{each.delivery.id}/{each.delivery.generation}"
                code = each.enhanced or str(each.code)
                self.hear(each.delivery.id, each.bounce, each.at, code=code, raw_hash=heard)

    def hear(self, delivery_id: int, kind: BounceKind, at: datetime, *, code: str, raw_hash: str) -> bool:
        """Write one event down and draw the consequences. False when this very event was heard before."""
        row = {"delivery_id": delivery_id, "at": at, "type": kind, "code": code, "raw_hash": raw_hash}
        new = insert(self._connection, DELIVERY_EVENT).values(row).on_conflict_do_nothing()
        if self._connection.execute(new).rowcount == 0:
            return False
        if kind is BounceKind.OTHER:
            return True
        mail = self._connection.execute(
            sa.select(DELIVERY.c.subscriber_id, DELIVERY.c.address).where(DELIVERY.c.id == delivery_id)
        ).one()
        if mail.subscriber_id is not None and (reason := verdict(*self._record(*mail, at))):
            self._stop(*mail, reason, at, code)
        return True

    def report(self, pid: str, kind: BounceKind, *, now: datetime, code: str, raw_hash: str) -> bool:
        """What came back about a mail later on. False for an unknown or old mail, and for old news."""
        row = self._connection.execute(
            sa.select(DELIVERY.c.id, DELIVERY.c.slot).where(DELIVERY.c.pid == pid)
        ).first()
        if row is None or now - row.slot > BELIEVED_FOR:
            return False
        return self.hear(row.id, kind, now, code=code, raw_hash=raw_hash)

    def _record(self, subscriber_id: int, address: str, at: datetime) -> tuple[list[Event], list[int]]:
        """What was heard of late about this address of a reader; what another one did is not its fault."""
        theirs = sa.and_(DELIVERY.c.subscriber_id == subscriber_id, DELIVERY.c.address == address)
        mails = list(
            self._connection.scalars(
                sa.select(DELIVERY.c.id)
                .where(theirs, DELIVERY.c.slot >= at - 2 * MEMORY)
                .order_by(DELIVERY.c.slot.desc(), DELIVERY.c.id.desc())
            )
        )
        heard = self._connection.execute(
            sa.select(DELIVERY_EVENT.c.delivery_id, DELIVERY_EVENT.c.type, DELIVERY_EVENT.c.at).where(
                DELIVERY_EVENT.c.delivery_id.in_(mails), DELIVERY_EVENT.c.at >= at - MEMORY
            )
        )
        return [Event(mail, BounceKind(kind), when) for mail, kind, when in heard], mails

    def _stop(
        self, subscriber_id: int, address: str, reason: SuppressionReason, at: datetime, code: str
    ) -> None:
        """Suppress where the mail went; its reader stays where they are if they read at another address."""
        reader = self._connection.execute(
            sa.select(SUBSCRIBER.c.pid, SUBSCRIBER.c.mailbox).where(SUBSCRIBER.c.id == subscriber_id)
        ).one()
        mailbox = parse_address(address).mailbox
        key = key_of(mailbox, suppression_key=self._pepper)
        if Suppressions(self._connection).add(key, reason, now=at, source=f"delivery {code}"):
            self._connection.execute(
                sa.update(SUBSCRIBER)
                .where(SUBSCRIBER.c.id == subscriber_id, SUBSCRIBER.c.mailbox == mailbox)
                .values(status=Status.UNSUBSCRIBED, status_since=at, asked_at=None, next_due=None)
            )
            Audit(self._connection).write(
                "delivery", "suppressed", reader.pid, {"reason": reason, "code": code}, at=at
            )
