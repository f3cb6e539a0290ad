"""The sender's side of the delivery table: claim, intend to send, settle, and recover what dead senders left.

Two delivery guarantees rest on it: an intent is committed before the server gets DATA, and a result is
written only by the sender that still holds the row.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from digest.db.deliveries.repository import FINAL_STATES, select_deliveries, to_delivery
from digest.db.deliveries.statements import ALLOWED_STATUSES, CLAIMED_STATES, compile_statements, has_state
from digest.db.deliveries.token_buckets import TokenBuckets
from digest.db.dialects import dump_json, is_postgres
from digest.db.papers.news import News
from digest.db.prepared import PreparedStatement
from digest.db.subscribers.rows import ADDRESSEE_COLUMNS, to_addressee
from digest.db.subscribers.suppressions import Suppressions
from digest.db.tables import CHANNEL, DELIVERY, SUBSCRIBER
from digest.models import AttemptResult, ClaimedBatch, Delivery, DeliveryKind, DeliveryState
from digest.models.addresses import hash_mailbox, parse_address
from digest.models.channels import ChannelState
from digest.models.deliveries import UNDELIVERED_STATES

MAX_COPIES = 2
MAX_REPLY_CHARS = 200
_D, _S = DELIVERY.c, SUBSCRIBER.c
# A digest by mail goes to its subscriber's present address, anything else to the one it was queued for.
_IS_DIGEST_MAIL = sa.and_(_D.kind == DeliveryKind.DIGEST, _D.channel_id.is_(None))
_RECIPIENT = sa.case((_IS_DIGEST_MAIL, _S.address), else_=_D.address).label("recipient")
_DUE = (
    select_deliveries()
    .add_columns(*ADDRESSEE_COLUMNS, CHANNEL.c.state.label("channel_state"), _RECIPIENT)
    .outerjoin(SUBSCRIBER, _S.id == _D.subscriber_id)
    .outerjoin(CHANNEL, CHANNEL.c.id == _D.channel_id)
    .where(has_state(DeliveryState.QUEUED), _D.not_before <= sa.bindparam("now"))
    .order_by(_D.priority, _D.not_before, _D.id)
    .limit(sa.bindparam("limit"))
)
_DUE_BY_MAIL = _DUE.where(_D.channel_id.is_(None))
_DUE_TO_CHANNELS = _DUE.where(_D.channel_id.is_not(None))
Row = sa.Row[Any]
DueQuery = sa.Select[Any]


class SendQueue:
    """The delivery table as one sender uses it; *owner* identifies the sending process."""

    def __init__(
        self,
        connection: sa.Connection,
        *,
        owner: str,
        suppression_key: bytes,
        keys: dict[int, str] | None = None,
    ) -> None:
        self._connection = connection
        self._owner = owner
        self._suppression_key = suppression_key
        self._keys = {} if keys is None else keys  # suppression keys of the recipients, by delivery id
        self._statements = compile_statements(connection.dialect)
        self._news = News(connection)

    # ---- claim

    def claim(
        self, limit: int, now: datetime, *, buckets: TokenBuckets, channels: bool = False
    ) -> ClaimedBatch:
        """Lease up to *limit* due mails, or messages to channels, most urgent first.

        Those that may not go expire or are cancelled.
        """
        rows = self._select_due(limit, now, buckets, _DUE_TO_CHANNELS if channels else _DUE_BY_MAIL)
        if not rows:
            return ClaimedBatch(retry_in=buckets.get_wait(self._connection, now))
        barred = self._find_barred(rows)
        expired = [row for row in rows if row.not_after <= now]
        cancelled = [row for row in rows if row.not_after > now and row.id in barred]
        allowed = [row for row in rows if row.not_after > now and row.id not in barred]
        self._end(expired, DeliveryState.EXPIRED, now)
        self._end(cancelled, DeliveryState.CANCELLED, now)
        return ClaimedBatch(self._lease(allowed), expired=len(expired), cancelled=len(cancelled))

    def _select_due(self, limit: int, now: datetime, buckets: TokenBuckets, due: DueQuery) -> list[Row]:
        """Return rows in the order of the queue, of limited domains no more than their buckets allow."""
        allowances = buckets.load_allowances(self._connection)
        rows = self._select(due, limit, now, _D.domain.not_in(list(allowances)) if allowances else None)
        for domain, allowance in allowances.items():
            count = min(allowance, limit - len(rows))
            rows += self._select(due, count, now, _D.domain == domain) if count > 0 else []
        buckets.take_for_domains(self._connection, [row.domain for row in rows if row.domain in allowances])
        return rows

    def _select(
        self, due: DueQuery, limit: int, now: datetime, condition: sa.ColumnElement[bool] | None
    ) -> list[Row]:
        query = due if condition is None else due.where(condition)
        if is_postgres(self._connection):
            query = query.with_for_update(of=DELIVERY, skip_locked=True)
        return list(self._connection.execute(query, {"now": now, "limit": limit}).all())

    def _find_barred(self, rows: Sequence[Row]) -> set[int]:
        """Return the ids of deliveries that may not go: wrong status, or a suppressed address."""
        keys = {
            row.id: hash_mailbox(_get_mailbox(row), suppression_key=self._suppression_key)
            for row in rows
            if row.mailbox
        }
        suppressed = Suppressions(self._connection).filter_suppressed(set(keys.values()))
        self._keys.update(keys)
        return {row.id for row in rows if not _may_receive(row) or keys.get(row.id) in suppressed}

    def _lease(self, rows: Sequence[Row]) -> tuple[Delivery, ...]:
        self._run(self._statements.lease, rows)
        self._redirect([row for row in rows if row.recipient != row.address])
        return tuple(
            to_delivery(
                row,
                address=row.recipient,
                state=DeliveryState.LEASED,
                generation=row.generation + 1,
                reader=to_addressee(row),
            )
            for row in rows
        )

    def _redirect(self, rows: Sequence[Row]) -> None:
        """Write the present address of subscribers who changed it: a bounce must concern that address."""
        for row in rows:
            values = {"address": row.recipient, "domain": row.recipient.rpartition("@")[2].lower()}
            self._connection.execute(sa.update(DELIVERY).where(_D.id == row.id).values(values))

    def _end(self, rows: Sequence[Row], state: DeliveryState, now: datetime) -> None:
        self._run(self._statements.end, rows, state_=state.value, now=now)
        self._news.release([to_delivery(row) for row in rows])

    # ---- intent: must be durable before DATA

    def intend(self, deliveries: Sequence[Delivery], now: datetime) -> frozenset[int]:
        """Move deliveries from leased to sending if they are still ours, in time, allowed and not suppressed.

        Returns the ids that may be sent once this is committed. The others expire or are cancelled.
        """
        if not deliveries:
            return frozenset()
        if self._execute(self._statements.intend, deliveries, now=now).rowcount == len(deliveries):
            return frozenset([delivery.id for delivery in deliveries])
        granted = self._run(self._statements.intend_each, deliveries, now=now)
        refused = [delivery for delivery in deliveries if delivery.id not in granted]
        late = [delivery for delivery in refused if delivery.not_after <= now]
        self._stop(late, DeliveryState.EXPIRED, now)
        self._stop([delivery for delivery in refused if delivery not in late], DeliveryState.CANCELLED, now)
        return granted

    def _stop(self, deliveries: Sequence[Delivery], state: DeliveryState, now: datetime) -> None:
        stopped = self._run(self._statements.stop, deliveries, state_=state.value, now=now)
        self._news.release([delivery for delivery in deliveries if delivery.id in stopped])

    def mark_body_sent(self, deliveries: Sequence[Delivery]) -> None:
        """Record that from the next commit on the server may have these bodies."""
        self._run(self._statements.mark_body_sent, deliveries)

    # ---- result

    def settle(self, results: Sequence[AttemptResult]) -> None:
        """Write results of deliveries; rows that another sender took over are left unchanged."""
        if results:
            rows = dump_json([self._to_row(result) for result in results])
            self._statements.settle.execute(self._connection, rows=rows, owner_=self._owner)
        self._news.release([result.delivery for result in results if result.state in UNDELIVERED_STATES])

    def _to_row(self, result: AttemptResult) -> tuple[object, ...]:
        """Return the values of RESULT_COLUMNS."""
        delivery, not_before = result.delivery, result.not_before or result.delivery.not_before
        is_accepted, is_final = result.state is DeliveryState.ACCEPTED, result.state in FINAL_STATES
        to_time = _get_time_encoder(self._connection.dialect)
        return (
            delivery.id,
            delivery.generation,
            result.text[:MAX_REPLY_CHARS],
            result.state.value,
            to_time(min(not_before, delivery.not_after)),
            result.route,
            result.code,
            result.enhanced,
            result.remote_id,
            to_time(result.at) if is_accepted else None,
            to_time(result.at) if is_final else None,
            int(result.uses_attempt),
            int(result.is_uncertain),
            int(result.render_failed),
        )

    def release(self, deliveries: Sequence[Delivery]) -> None:
        """Put claimed deliveries back into the queue unchanged."""
        self._run(self._statements.release, deliveries)

    # ---- recovery

    def recover(self, orphaned: sa.ColumnElement[bool], now: datetime, *, resend: bool) -> None:
        """Take back the deliveries that senders held which are gone.

        Where no body was sent they are queued again. Where it may have been sent, nobody knows whether the
        server accepted it: they are queued once more (MAX_COPIES), or become uncertain with `resend=False`.
        """
        held = sa.and_(has_state(*CLAIMED_STATES), orphaned)
        if is_postgres(self._connection):  # always lock in the order of the ids, against deadlocks
            self._connection.execute(sa.select(_D.id).where(held).order_by(_D.id).with_for_update())
        may_resend = sa.and_(_D.uncertain < MAX_COPIES - 1, sa.literal(resend))
        in_doubt = sa.update(DELIVERY).where(held, _D.body_out)
        self._connection.execute(
            in_doubt.where(sa.not_(may_resend)).values(
                state=DeliveryState.UNCERTAIN, owner=None, body_out=False, finished_at=now
            )
        )
        self._connection.execute(
            in_doubt.where(may_resend).values(
                state=DeliveryState.QUEUED, owner=None, body_out=False, uncertain=_D.uncertain + 1
            )
        )
        self._connection.execute(
            sa.update(DELIVERY).where(held).values(state=DeliveryState.QUEUED, owner=None)
        )

    def _run(
        self, statement: PreparedStatement, rows: Sequence[Delivery | Row], **values: object
    ) -> frozenset[int]:
        """Execute a statement for these rows; return the ids it returns, if it returns any."""
        if not rows:
            return frozenset()
        result = self._execute(statement, rows, **values)
        return frozenset(result.scalars()) if result.returns_rows else frozenset()

    def _execute(
        self, statement: PreparedStatement, rows: Sequence[Delivery | Row], **values: object
    ) -> sa.CursorResult[Any]:
        encoded = dump_json([(row.id, row.generation, self._keys.get(row.id, "")) for row in rows])
        return statement.execute(self._connection, rows=encoded, owner_=self._owner, **values)


@lru_cache(maxsize=8)
def _get_time_encoder(dialect: sa.Dialect) -> Any:
    """Return what converts a moment to text as the database stores or reads it."""
    process: Any = _D.not_before.type.dialect_impl(dialect).bind_processor(dialect)
    return lambda moment: str(process(moment))


def _get_mailbox(row: Row) -> str:
    """Return the recipient's mailbox, whose suppression counts; it may be an unconfirmed new address."""
    is_own = row.channel_id is not None or row.recipient == row.current
    return str(row.mailbox) if is_own else parse_address(row.recipient).mailbox


def _may_receive(row: Row) -> bool:
    if row.channel_id is not None and row.channel_state != ChannelState.ACTIVE:
        return False
    return row.kind == DeliveryKind.ADMIN or row.status in ALLOWED_STATUSES[DeliveryKind(row.kind)]
