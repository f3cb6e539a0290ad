"""Bounces and complaints: recording them, and the rules by which an address is suppressed.

Two brakes keep a fault of ours from costing readers: an unexplained refusal that several readers got in the
same words counts for none of them, and only a few per cent of the readers are suppressed for bounces a day.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from digest.db.audit import Audit
from digest.db.dialects import insert
from digest.db.subscribers.suppressions import BOUNCE_SOURCE, Suppressions
from digest.db.tables import DELIVERY, DELIVERY_EVENT, SUBSCRIBER
from digest.models import SUBSCRIBED, AttemptResult, BounceKind, BounceReport, Status, SuppressionReason
from digest.models.addresses import hash_mailbox, parse_address
from digest.models.replies import compute_answer_key, remove_names

EVENT_WINDOW = timedelta(days=30)  # events older than this no longer count
MAX_REPORT_AGE = timedelta(days=14)  # a report that comes later is taken for a replay
MIN_UNSURE = 2  # deliveries refused without a clear reason
MIN_SOFT_DELIVERIES, MIN_SOFT_DAYS = 3, 3
LAST_DELIVERIES = 5  # soft bounces count only among so many of the last deliveries
ONE_DAY = timedelta(days=1)
UNEXPLAINED = ("refused", "later")  # reasons of reply_codes.py that say nothing about the mailbox
MIN_ALIKE = 3  # readers with the same unexplained answer within a day: it is about us
MAX_SUPPRESSED_PERCENT = 3  # of the readers, for bounces in 24 hours; the others wait for their next bounce
MAX_EVIDENCE = 5  # events kept with a suppression
MIN_SUPPRESSED = 4  # that are allowed however few readers there are
_LOCAL_PART = re.compile(r"([^\s<>;:,\"@]+)@")


@dataclass(frozen=True, slots=True)
class BounceEvent:
    """One recorded event of a delivery."""

    delivery_id: int
    kind: BounceKind
    at: datetime
    code: str = ""
    reason: str = ""
    reply: str = ""
    answer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlikeAnswer:
    """An unexplained refusal that several readers got in the same words."""

    reply: str
    readers: int
    domains: int


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
                report = BounceReport(
                    result.delivery.public_id,
                    result.bounce,
                    result.enhanced or str(result.code),
                    f"reply/{result.delivery.id}/{result.delivery.generation}",
                    reason=result.reason,
                    reply=f"{result.code} {result.text.removeprefix(f'{result.reason}: ')}",
                )
                self._record(result.delivery.id, report, result.at)

    def record_report(self, report: BounceReport, now: datetime) -> bool:
        """Record a bounce or complaint that came back later.

        A bounce of another mailbox behind the reader's address has no consequences: others behind that
        address may have got the mail.
        Returns False if the delivery is unknown or too old, or if the report was recorded before.
        """
        row = self._connection.execute(
            sa.select(DELIVERY.c.id, DELIVERY.c.slot, DELIVERY.c.address).where(
                DELIVERY.c.pid == report.public_id
            )
        ).first()
        if row is None or now - row.slot > MAX_REPORT_AGE:
            return False
        if report.kind is not BounceKind.COMPLAINT and not _is_same_mailbox(report.recipient, row.address):
            report = replace(report, kind=BounceKind.OTHER, reason="")
        return self._record(row.id, report, now)

    def _record(self, delivery_id: int, report: BounceReport, at: datetime) -> bool:
        """Record one event and suppress if the rules say so; False if it was recorded before."""
        delivery = self._connection.execute(
            sa.select(DELIVERY.c.subscriber_id, DELIVERY.c.address).where(DELIVERY.c.id == delivery_id)
        ).one()
        shown = remove_names(report.reply, delivery.address)
        row = {
            "delivery_id": delivery_id,
            "at": at,
            "type": report.kind,
            "code": report.code,
            "raw_hash": report.raw_hash,
            "reason": report.reason,
            "reply": shown,
            "answer": compute_answer_key(report.code, shown) if report.reason in UNEXPLAINED else "",
            "held": False,
        }
        new = insert(self._connection, DELIVERY_EVENT).values(row).on_conflict_do_nothing()
        if self._connection.execute(new).rowcount == 0:
            return False
        if report.kind is not BounceKind.OTHER and delivery.subscriber_id is not None:
            events, last_deliveries = self._list_recent(*delivery, at)
            counted = [event for event in events if not self._is_alike(event)]
            if why := decide_suppression(counted, last_deliveries):
                self._suppress(*delivery, why, at, events=counted, raw_hash=report.raw_hash)
        return True

    def _is_alike(self, event: BounceEvent) -> bool:
        """Return whether too many readers got this unexplained answer for it to be about any of them."""
        if not event.answer:
            return False
        told = DELIVERY_EVENT.c
        same = told.answer == event.answer
        query = (
            sa.select(DELIVERY.c.address)
            .distinct()
            .join(DELIVERY_EVENT, told.delivery_id == DELIVERY.c.id)
            .where(same, told.at.between(event.at - ONE_DAY, event.at + ONE_DAY))
            .limit(MIN_ALIKE)
        )
        return len(self._connection.execute(query).all()) == MIN_ALIKE

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
            sa.select(DELIVERY_EVENT)
            .where(DELIVERY_EVENT.c.delivery_id.in_(delivery_ids), DELIVERY_EVENT.c.at >= at - EVENT_WINDOW)
            .order_by(DELIVERY_EVENT.c.at, DELIVERY_EVENT.c.id)
        )
        events = [
            BounceEvent(
                row.delivery_id, BounceKind(row.type), row.at, row.code, row.reason, row.reply, row.answer
            )
            for row in rows
        ]
        return events, delivery_ids

    def _suppress(  # noqa: PLR0913  who, why and on what evidence
        self,
        subscriber_id: int,
        address: str,
        reason: SuppressionReason,
        at: datetime,
        *,
        events: Sequence[BounceEvent],
        raw_hash: str,
    ) -> None:
        """Suppress the address a mail went to, and unsubscribe its subscriber if it is still theirs.

        Does nothing but say so in the event while too many were suppressed for bounces lately.
        """
        subscriber = self._connection.execute(
            sa.select(SUBSCRIBER.c.pid, SUBSCRIBER.c.mailbox, SUBSCRIBER.c.status).where(
                SUBSCRIBER.c.id == subscriber_id
            )
        ).one()
        mailbox, suppressions = parse_address(address).mailbox, Suppressions(self._connection)
        key = hash_mailbox(mailbox, suppression_key=self._suppression_key)
        is_theirs = subscriber.mailbox == mailbox
        costs_a_reader = is_theirs and subscriber.status in SUBSCRIBED and reason is SuppressionReason.HARD
        if costs_a_reader and self._are_too_many_suppressed(at):
            held = sa.update(DELIVERY_EVENT).where(DELIVERY_EVENT.c.raw_hash == raw_hash)
            self._connection.execute(held.values(held=True))
            return
        code = events[-1].code
        is_new = suppressions.add(
            key,
            reason,
            now=at,
            source=f"{BOUNCE_SOURCE} {code}",
            evidence=describe_evidence(events),
            prior_status=Status(subscriber.status) if is_theirs else None,
        )
        if is_new:
            self._connection.execute(
                sa.update(SUBSCRIBER)
                .where(SUBSCRIBER.c.id == subscriber_id, SUBSCRIBER.c.mailbox == mailbox)
                .values(status=Status.UNSUBSCRIBED, status_since=at, asked_at=None, next_due=None)
            )
            Audit(self._connection).write(
                "delivery", "suppressed", subscriber.pid, {"reason": reason, "code": code}, at=at
            )

    def _are_too_many_suppressed(self, at: datetime) -> bool:
        """Return whether one more suppression would exceed the share of readers allowed in a day."""
        suppressed = Suppressions(self._connection).count_readers_lost(at - ONE_DAY)
        if suppressed < MIN_SUPPRESSED:
            return False
        needed = (suppressed + 1) * 100 // MAX_SUPPRESSED_PERCENT  # no more rows than that are counted
        some = sa.select(SUBSCRIBER.c.id).where(SUBSCRIBER.c.status.in_(SUBSCRIBED)).limit(needed)
        readers = self._connection.scalar(sa.select(sa.func.count()).select_from(some.subquery())) or 0
        return (suppressed + 1) * 100 > MAX_SUPPRESSED_PERCENT * (readers + suppressed)


def _is_same_mailbox(recipient: str, address: str) -> bool:
    """Return whether *recipient* is this address, perhaps in another domain, or no address at all."""
    match = _LOCAL_PART.search(recipient)
    own = address.partition("@")[0].partition("+")[0]
    return match is None or match[1].partition("+")[0].casefold() == own.casefold()


def describe_evidence(events: Sequence[BounceEvent]) -> str:
    """Return the last few events that counted, as sentences for the administrator; they name nobody."""
    counted = [event for event in events if event.kind is not BounceKind.OTHER][-MAX_EVIDENCE:]
    return "; ".join(
        f"{event.at:%Y-%m-%d %H:%M} {event.kind} ({event.reason or event.code}): {event.reply or event.code}"
        for event in counted
    )


def list_alike_answers(
    connection: sa.Connection, since: datetime, until: datetime
) -> tuple[AlikeAnswer, ...]:
    """Return the unexplained refusals between two moments that several readers got, most readers first."""
    event, readers = DELIVERY_EVENT.c, sa.func.count(DELIVERY.c.address.distinct())
    query = (
        sa.select(sa.func.max(event.reply), readers, sa.func.count(DELIVERY.c.domain.distinct()))
        .join(DELIVERY, DELIVERY.c.id == event.delivery_id)
        .where(event.at.between(since, until), event.answer != "")
        .group_by(event.answer)
        .having(readers >= MIN_ALIKE)
        .order_by(readers.desc())
    )
    return tuple(
        AlikeAnswer(reply=reply, readers=count, domains=domains)
        for reply, count, domains in connection.execute(query)
    )
