"""What does a sender do to the ledger? Claim, state the intent, settle; and recover what the dead left."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from digest.db.deliveries.history import FINAL, RELEASING, delivery_of
from digest.db.deliveries.statements import HELD, MAY_GET, moves, stands
from digest.db.deliveries.token_buckets import Throttles
from digest.db.dialects import is_postgres
from digest.db.prepared import PreparedStatement
from digest.db.subscribers.repository import Subscribers
from digest.db.subscribers.sent_papers import SentPapers
from digest.db.subscribers.suppressions import Suppressions
from digest.db.tables import DELIVERY, SUBSCRIBER
from digest.models import AttemptResult, ClaimedBatch, Delivery, DeliveryKind, DeliveryState, Subscriber
from digest.models.addresses import key_of, parse_address

MOST_COPIES = 2
REPLY_KEPT = 200
_D, _S = DELIVERY.c, SUBSCRIBER.c
Row = sa.Row[Any]


class Queue:
    """The sender's side of the ledger, in one transaction. `owner` names the sending process."""

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
        self._pepper = suppression_key
        self._keys = {} if keys is None else keys  # by delivery: what its reader would be suppressed under
        self._moves = moves(connection.dialect)
        self._sent = SentPapers(connection)

    # ---- claim: T2 in the design

    def claim(self, limit: int, now: datetime, *, throttles: Throttles) -> ClaimedBatch:
        """Lease due mail, most urgent first. What nobody may get, or came too late, ends here."""
        rows = self._due(limit, now, throttles)
        if not rows:
            return ClaimedBatch(again_in=throttles.wait(self._connection, now))
        barred = self._barred(rows)
        late = [row for row in rows if row.not_after <= now]
        cancelled = [row for row in rows if row.not_after > now and row.id in barred]
        good = [row for row in rows if row.not_after > now and row.id not in barred]
        self._end(late, DeliveryState.EXPIRED, now)
        self._end(cancelled, DeliveryState.CANCELLED, now)
        return ClaimedBatch(self._lease(good), expired=len(late), cancelled=len(cancelled))

    def _due(self, limit: int, now: datetime, throttles: Throttles) -> list[Row]:
        """Rows in the order of the queue; of braked domains no more than they take at the moment."""
        allowed = throttles.allowances(self._connection)
        rows = self._pick(limit, now, _D.domain.not_in(list(allowed)) if allowed else None)
        for domain, mails in allowed.items():
            some = min(mails, limit - len(rows))
            rows += self._pick(some, now, _D.domain == domain) if some > 0 else []
        throttles.take(self._connection, [row.domain for row in rows if row.domain in allowed])
        return rows

    def _pick(self, limit: int, now: datetime, which: sa.ColumnElement[bool] | None) -> list[Row]:
        query = _DUE if which is None else _DUE.where(which)
        if is_postgres(self._connection):
            query = query.with_for_update(of=DELIVERY, skip_locked=True)
        return list(self._connection.execute(query, {"now": now, "most": limit}))

    def _barred(self, rows: Sequence[Row]) -> set[int]:
        keys = {row.id: key_of(_mailbox(row), suppression_key=self._pepper) for row in rows if row.mailbox}
        held = Suppressions(self._connection).among(set(keys.values()))
        self._keys.update(keys)
        return {row.id for row in rows if not _may_get(row) or keys.get(row.id) in held}

    def _lease(self, rows: Sequence[Row]) -> tuple[Delivery, ...]:
        self._move(self._moves.lease, rows)
        self._redirect([row for row in rows if _goes_to(row) != row.address])
        people = {row.subscriber_id for row in rows if row.subscriber_id is not None}
        readers = Subscribers(self._connection).addressees(people) if people else {}
        return tuple(_leased(row, readers.get(row.subscriber_id)) for row in rows)

    def _redirect(self, rows: Sequence[Row]) -> None:
        """Note where mail of readers who moved since goes: what bounces concerns that address alone."""
        for row in rows:
            there = {"address": row.current, "domain": row.current.rpartition("@")[2].lower()}
            self._connection.execute(sa.update(DELIVERY).where(_D.id == row.id).values(there))

    def _end(self, rows: Sequence[Row], state: DeliveryState, now: datetime) -> None:
        self._move(self._moves.end, rows, state_=state.value, now=now)
        self._sent.release([delivery_of(row) for row in rows])

    # ---- intent: T3, durable before DATA

    def intend(self, deliveries: Sequence[Delivery], now: datetime) -> frozenset[int]:
        """From leased to sending, if it is still ours, in time, wanted and not suppressed: one statement.

        Gives the ids that may go on the wire once this is committed. The others end here.
        """
        granted = self._move(self._moves.intend, deliveries, now=now)
        if len(granted) < len(deliveries):
            refused = [each for each in deliveries if each.id not in granted]
            late = [each for each in refused if each.not_after <= now]
            self._stop(late, DeliveryState.EXPIRED, now)
            self._stop([each for each in refused if each not in late], DeliveryState.CANCELLED, now)
        return granted

    def _stop(self, deliveries: Sequence[Delivery], state: DeliveryState, now: datetime) -> None:
        gone = self._move(self._moves.stop, deliveries, state_=state.value, now=now)
        self._sent.release([each for each in deliveries if each.id in gone])

    def mark_body_sent(self, deliveries: Sequence[Delivery]) -> None:
        """From the next commit on their bodies may be on the wire."""
        self._move(self._moves.mark_body_sent, deliveries)

    # ---- result: T5

    def settle(self, settlements: Sequence[AttemptResult]) -> None:
        """Write down what became of mail in our hands; a row that another worker took over is left alone."""
        if settlements:
            self._moves.settle.each(self._connection, [self._result(each) for each in settlements])
        self._sent.release([each.delivery for each in settlements if each.state in RELEASING])

    def _result(self, told: AttemptResult) -> dict[str, object]:
        delivery, again = told.delivery, told.not_before or told.delivery.not_before
        return {
            "id_": delivery.id,
            "generation_": delivery.generation,
            "owner_": self._owner,
            "state_": told.state.value,
            "not_before_": min(again, delivery.not_after),
            "attempt_": int(told.spends),
            "uncertain_": int(told.doubtful),
            "render_failures_": int(told.render_failed),
            "last_code_": told.code,
            "last_enhanced_": told.enhanced,
            "last_reply_": told.text[:REPLY_KEPT],
            "remote_id_": told.remote_id,
            "route_": told.route,
            "accepted_at_": told.at if told.state is DeliveryState.ACCEPTED else None,
            "finished_at_": told.at if told.state in FINAL else None,
        }

    def release(self, deliveries: Sequence[Delivery]) -> None:
        """Back to the queue as if they had never been claimed."""
        self._move(self._moves.release, deliveries)

    # ---- recovery

    def recover(self, orphaned: sa.ColumnElement[bool], now: datetime, *, resend: bool) -> None:
        """Mail the dead had in their hands: the leased is free again, what was on the wire is in doubt.

        In doubt it goes out once more (the second copy is the last), or with resend=False never again.
        What was announced without a body is in no doubt.
        """
        held = sa.and_(stands(*HELD), orphaned)
        if is_postgres(self._connection):  # the same order everywhere, so that nobody waits in a circle
            self._connection.execute(sa.select(_D.id).where(held).order_by(_D.id).with_for_update())
        again = sa.and_(_D.uncertain < MOST_COPIES - 1, sa.literal(resend))
        doubt = sa.update(DELIVERY).where(held, _D.body_out)
        self._connection.execute(
            doubt.where(sa.not_(again)).values(
                state=DeliveryState.UNCERTAIN, owner=None, body_out=False, finished_at=now
            )
        )
        self._connection.execute(
            doubt.where(again).values(
                state=DeliveryState.QUEUED, owner=None, body_out=False, uncertain=_D.uncertain + 1
            )
        )
        self._connection.execute(
            sa.update(DELIVERY).where(held).values(state=DeliveryState.QUEUED, owner=None)
        )

    def _move(
        self, move: PreparedStatement, rows: Sequence[Delivery | Row], **facts: object
    ) -> frozenset[int]:
        """Give the order for these rows; the ids it gives back, if it does."""
        if not rows:
            return frozenset()
        listed = json.dumps([(each.id, each.generation, self._keys.get(each.id, "")) for each in rows])
        moved = move.run(self._connection, rows=listed, owner_=self._owner, **facts)
        return frozenset(moved.scalars()) if moved.returns_rows else frozenset()


_DUE = (
    sa.select(DELIVERY, _S.address.label("current"), _S.mailbox, _S.status)
    .select_from(DELIVERY.outerjoin(SUBSCRIBER, _S.id == _D.subscriber_id))
    .where(stands(DeliveryState.QUEUED), _D.not_before <= sa.bindparam("now"))
    .order_by(_D.priority, _D.not_before, _D.id)
    .limit(sa.bindparam("most"))
)


def _goes_to(row: Row) -> str:
    """A digest goes to where its reader is now, a notice to where it was addressed."""
    return str(row.current if row.kind == DeliveryKind.DIGEST else row.address)


def _mailbox(row: Row) -> str:
    """The mailbox that must not be suppressed; a new address is asked before it is its reader's own."""
    goes_to = _goes_to(row)
    return str(row.mailbox) if goes_to == row.current else parse_address(goes_to).mailbox


def _leased(row: Row, reader: Subscriber | None) -> Delivery:
    return replace(
        delivery_of(row),
        address=_goes_to(row),
        state=DeliveryState.LEASED,
        generation=row.generation + 1,
        reader=reader,
    )


def _may_get(row: Row) -> bool:
    return row.kind == DeliveryKind.ADMIN or row.status in MAY_GET[DeliveryKind(row.kind)]
