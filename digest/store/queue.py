"""What does a sender do to the ledger? Claim, state the intent, settle; and recover what the dead left."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from digest.model import Claimed, Delivery, DeliveryKind, DeliveryState, Settlement
from digest.store.deliveries import FINAL, RELEASING, delivery_of, release_papers
from digest.store.dialects import is_postgres
from digest.store.moves import HELD, MAY_GET, SETTLE, moves
from digest.store.records import DELIVERY, SUBSCRIBER
from digest.store.suppressions import Suppressions, key_of
from digest.store.throttles import Throttles

MOST_COPIES = 2
REPLY_KEPT = 200
_D, _S = DELIVERY.c, SUBSCRIBER.c


class Queue:
    """The sender's side of the ledger, in one transaction. `owner` names the sending process."""

    def __init__(
        self, connection: sa.Connection, *, owner: str, pepper: bytes, keys: dict[int, str] | None = None
    ) -> None:
        self._connection = connection
        self._owner = owner
        self._pepper = pepper
        self._keys = {} if keys is None else keys  # by delivery: what its reader would be suppressed under
        self._moves = moves(connection.dialect.name)

    # ---- claim: T2 in the design

    def claim(self, limit: int, now: datetime, *, throttles: Throttles) -> Claimed:
        """Lease due mail, most urgent first. What nobody may get, or came too late, ends here."""
        rows = self._due(limit, now, throttles)
        if not rows:
            return Claimed(again_in=throttles.wait(self._connection, now))
        barred = self._barred(rows)
        late = [row for row in rows if row["not_after"] <= now]
        cancelled = [row for row in rows if row["not_after"] > now and row["id"] in barred]
        good = [row for row in rows if row["not_after"] > now and row["id"] not in barred]
        self._end(late, DeliveryState.EXPIRED, now)
        self._end(cancelled, DeliveryState.CANCELLED, now)
        return Claimed(self._lease(good), expired=len(late), cancelled=len(cancelled))

    def _due(self, limit: int, now: datetime, throttles: Throttles) -> list[sa.RowMapping]:
        """Rows in the order of the queue; of braked domains no more than they take at the moment."""
        allowed = throttles.allowances(self._connection)
        rows = self._pick(limit, now, _D.domain.not_in(list(allowed)) if allowed else sa.true())
        for domain, mails in allowed.items():
            some = min(mails, limit - len(rows))
            rows += self._pick(some, now, _D.domain == domain) if some > 0 else []
        throttles.take(self._connection, [row["domain"] for row in rows if row["domain"] in allowed])
        return rows

    def _pick(self, limit: int, now: datetime, which: sa.ColumnElement[bool]) -> list[sa.RowMapping]:
        query = (
            sa.select(DELIVERY, _S.address.label("current"), _S.mailbox, _S.status)
            .select_from(DELIVERY.outerjoin(SUBSCRIBER, SUBSCRIBER.c.id == _D.subscriber_id))
            .where(_D.state == DeliveryState.QUEUED, _D.not_before <= now, which)
            .order_by(_D.priority, _D.not_before, _D.id)
            .limit(limit)
        )
        if is_postgres(self._connection):
            query = query.with_for_update(of=DELIVERY, skip_locked=True)
        return list(self._connection.execute(query).mappings())

    def _barred(self, rows: Sequence[sa.RowMapping]) -> set[int]:
        keys = {row["id"]: key_of(row["mailbox"], pepper=self._pepper) for row in rows if row["mailbox"]}
        held = Suppressions(self._connection).among(set(keys.values()))
        self._keys.update(keys)
        return {row["id"] for row in rows if not _may_get(row) or keys.get(row["id"]) in held}

    def _lease(self, rows: Sequence[sa.RowMapping]) -> tuple[Delivery, ...]:
        leased = tuple(map(_delivery, rows))
        self._move(self._moves.lease, leased)
        return tuple(
            replace(each, state=DeliveryState.LEASED, generation=each.generation + 1) for each in leased
        )

    def _end(self, rows: Sequence[sa.RowMapping], state: DeliveryState, now: datetime) -> None:
        ended = [delivery_of(row) for row in rows]
        self._move(self._moves.end, ended, state_=state, now=now)
        release_papers(self._connection, ended)

    # ---- intent: T3, durable before DATA

    def intend(self, deliveries: Sequence[Delivery], now: datetime) -> frozenset[int]:
        """From leased to sending, if it is still ours, in time, wanted and not suppressed: one statement.

        Gives the ids that may go on the wire once this is committed. The others end here.
        """
        granted = self._move(self._moves.intend, deliveries, now=now)
        for state, which in (
            (DeliveryState.EXPIRED, [each for each in deliveries if each.not_after <= now]),
            (DeliveryState.CANCELLED, [each for each in deliveries if each.not_after > now]),
        ):
            refused = [each for each in which if each.id not in granted]
            gone = self._move(self._moves.stop, refused, state_=state, now=now)
            release_papers(self._connection, [each for each in refused if each.id in gone])
        return granted

    def let_out(self, deliveries: Sequence[Delivery]) -> None:
        """From the next commit on their bodies may be on the wire."""
        self._move(self._moves.let_out, deliveries)

    # ---- result: T5

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Write down what became of mail in our hands; a row that another worker took over is left alone."""
        if not settlements:
            return
        self._connection.execute(SETTLE, [self._result(each) for each in settlements])
        release_papers(self._connection, [each.delivery for each in settlements if each.state in RELEASING])

    def _result(self, settlement: Settlement) -> dict[str, Any]:
        delivery = settlement.delivery
        again = settlement.not_before or delivery.not_before
        return {
            "id_": delivery.id,
            "generation_": delivery.generation,
            "owner_": self._owner,
            "state_": settlement.state,
            "not_before_": min(again, delivery.not_after),
            "spends": int(settlement.spends),
            "doubtful": int(settlement.doubtful),
            "misprint": int(settlement.misprint),
            "code_": settlement.code,
            "enhanced_": settlement.enhanced,
            "text_": settlement.text[:REPLY_KEPT],
            "remote_": settlement.remote_id,
            "route_": settlement.route,
            "accepted_": settlement.at if settlement.state is DeliveryState.ACCEPTED else None,
            "finished_": settlement.at if settlement.state in FINAL else None,
        }

    def release(self, deliveries: Sequence[Delivery]) -> None:
        """Back to the queue as if they had never been claimed."""
        self._move(self._moves.release, deliveries)

    # ---- recovery

    def recover(self, orphaned: sa.ColumnElement[bool], now: datetime, *, resend: bool) -> int:
        """Mail the dead had in their hands: the leased is free again, what was on the wire is in doubt.

        In doubt it goes out once more (the second copy is the last), or with resend=False never again.
        What was announced without a body is in no doubt.
        """
        held = sa.and_(_D.state.in_(HELD), orphaned)
        if is_postgres(self._connection):  # the same order everywhere, so that nobody waits in a circle
            self._connection.execute(sa.select(_D.id).where(held).order_by(_D.id).with_for_update())
        again = sa.and_(_D.uncertain < MOST_COPIES - 1, sa.literal(resend))
        doubt = sa.update(DELIVERY).where(held, _D.body_out)
        lost = self._connection.execute(
            doubt.where(sa.not_(again)).values(
                state=DeliveryState.UNCERTAIN, owner=None, body_out=False, finished_at=now
            )
        )
        resent = self._connection.execute(
            doubt.where(again).values(
                state=DeliveryState.QUEUED, owner=None, body_out=False, uncertain=_D.uncertain + 1
            )
        )
        freed = self._connection.execute(
            sa.update(DELIVERY).where(held).values(state=DeliveryState.QUEUED, owner=None)
        )
        return lost.rowcount + resent.rowcount + freed.rowcount

    def _move(self, move: sa.Update, deliveries: Sequence[Delivery], **facts: object) -> frozenset[int]:
        """Run a statement over these rows; the ids it gives back, if it does."""
        if not deliveries:
            return frozenset()
        rows = [(each.id, each.generation, self._keys.get(each.id, "")) for each in deliveries]
        moved = self._connection.execute(
            move, {"rows": json.dumps(rows), "owner_": self._owner, "now": None, **facts}
        )
        return frozenset(moved.scalars()) if moved.returns_rows else frozenset()


def _delivery(row: sa.RowMapping) -> Delivery:
    """A digest goes to where its reader is now, a notice to where it was addressed."""
    delivery = delivery_of(row)
    return replace(delivery, address=row["current"]) if row["kind"] == DeliveryKind.DIGEST else delivery


def _may_get(row: sa.RowMapping) -> bool:
    return row["kind"] == DeliveryKind.ADMIN or row["status"] in MAY_GET[DeliveryKind(row["kind"])]
