"""What does a sender do to the ledger? Claim, state the intent, settle; and recover what the dead left."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from digest.model import Claimed, Delivery, DeliveryKind, DeliveryState, Settlement, Status
from digest.store.deliveries import FINAL, RELEASING, delivery_of, release_papers
from digest.store.dialects import is_postgres
from digest.store.records import DELIVERY, SUBSCRIBER
from digest.store.suppressions import Suppressions, key_of
from digest.store.throttles import Throttles

MOST_COPIES = 2
REPLY_KEPT = 200
_HELD = (DeliveryState.LEASED, DeliveryState.SENDING)
_D = DELIVERY.c

MAY_GET: dict[DeliveryKind, tuple[Status, ...]] = {
    DeliveryKind.DIGEST: (Status.CONFIRMED,),
    DeliveryKind.CONFIRM: tuple(Status),  # who left may sign up again: only a request of theirs queues it
    DeliveryKind.NOTICE: tuple(Status),
}


class Queue:
    """The sender's side of the ledger, in one transaction. `owner` names the sending process."""

    def __init__(self, connection: sa.Connection, *, owner: str, pepper: bytes) -> None:
        self._connection = connection
        self._owner = owner
        self._pepper = pepper

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
        keys = {row["id"]: self._key(row["mailbox"]) for row in rows if row["mailbox"]}
        held = Suppressions(self._connection).among(set(keys.values()))
        return {row["id"] for row in rows if not _may_get(row) or keys.get(row["id"]) in held}

    def _lease(self, rows: Sequence[sa.RowMapping]) -> tuple[Delivery, ...]:
        if not rows:
            return ()
        self._connection.execute(_LEASE, {"owner_": self._owner, "ids": [row["id"] for row in rows]})
        return tuple(
            replace(
                delivery_of(row),
                state=DeliveryState.LEASED,
                generation=row["generation"] + 1,
                address=row["current"] if row["kind"] == DeliveryKind.DIGEST else row["address"],
            )
            for row in rows
        )

    def _end(self, rows: Sequence[sa.RowMapping], state: DeliveryState, now: datetime) -> None:
        if rows:
            ids = [row["id"] for row in rows]
            self._connection.execute(_END, {"state_": state, "now": now, "ids": ids})
            release_papers(self._connection, map(delivery_of, rows))

    # ---- intent: T3, durable before DATA

    def intend(self, deliveries: Sequence[Delivery], now: datetime) -> frozenset[int]:
        """From leased to sending, if it is still ours, in time, wanted and not suppressed: one statement.

        Gives the ids that may go on the wire once this is committed. The others end here.
        """
        if not deliveries:
            return frozenset()
        free = self._not_suppressed(deliveries)
        pairs = [(each.id, each.generation) for each in deliveries if each.id in free]
        intent = {"owner_": self._owner, "now": now, "pairs": pairs}
        granted = frozenset(self._connection.scalars(_INTEND, intent)) if pairs else frozenset()
        self._stop([each for each in deliveries if each.id not in granted], now)
        return granted

    def _not_suppressed(self, deliveries: Sequence[Delivery]) -> set[int]:
        mailboxes = self._connection.execute(
            _MAILBOXES, {"readers": [each.subscriber_id for each in deliveries if each.subscriber_id]}
        )
        keys = {reader: self._key(mailbox) for reader, mailbox in mailboxes}
        held = Suppressions(self._connection).among(set(keys.values()))
        return {each.id for each in deliveries if keys.get(each.subscriber_id or 0) not in held}

    def _stop(self, deliveries: Sequence[Delivery], now: datetime) -> None:
        for state, which in (
            (DeliveryState.EXPIRED, [each for each in deliveries if each.not_after <= now]),
            (DeliveryState.CANCELLED, [each for each in deliveries if each.not_after > now]),
        ):
            if which:
                pairs = [(each.id, each.generation) for each in which]
                stopped = {"state_": state, "now": now, "owner_": self._owner, "pairs": pairs}
                gone = set(self._connection.scalars(_STOP, stopped))
                release_papers(self._connection, [each for each in which if each.id in gone])

    def let_out(self, deliveries: Sequence[Delivery]) -> None:
        """From the next commit on their bodies may be on the wire."""
        if deliveries:
            pairs = [(each.id, each.generation) for each in deliveries]
            self._connection.execute(_LET_OUT, {"owner_": self._owner, "pairs": pairs})

    # ---- result: T5

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Write down what became of mail in our hands; a row that another worker took over is left alone."""
        if not settlements:
            return
        self._connection.execute(_SETTLE, [self._result(each) for each in settlements])
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
        if deliveries:
            pairs = [(each.id, each.generation) for each in deliveries]
            self._connection.execute(_RELEASE, {"owner_": self._owner, "pairs": pairs})

    # ---- recovery

    def recover(self, orphaned: sa.ColumnElement[bool], now: datetime, *, resend: bool) -> int:
        """Mail the dead had in their hands: the leased is free again, what was on the wire is in doubt.

        In doubt it goes out once more (the second copy is the last), or with resend=False never again.
        What was announced without a body is in no doubt.
        """
        held = sa.and_(_D.state.in_(_HELD), orphaned)
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

    def _key(self, mailbox: str) -> str:
        return key_of(mailbox, pepper=self._pepper)


def _may_get(row: sa.RowMapping) -> bool:
    return row["kind"] == DeliveryKind.ADMIN or row["status"] in MAY_GET[DeliveryKind(row["kind"])]


def _allowed() -> sa.ColumnElement[bool]:
    """The same rule as `_may_get`, for the database to hold at the moment of the intent."""
    reader = sa.select(sa.literal(1)).where(SUBSCRIBER.c.id == _D.subscriber_id).correlate(DELIVERY)
    of_kind = (
        sa.and_(_D.kind == kind, sa.exists(reader.where(SUBSCRIBER.c.status.in_(statuses))))
        for kind, statuses in MAY_GET.items()
    )
    return sa.or_(_D.kind == DeliveryKind.ADMIN, *of_kind)


def _ours(*states: DeliveryState) -> tuple[sa.ColumnElement[bool], ...]:
    pairs = sa.tuple_(_D.id, _D.generation).in_(sa.bindparam("pairs", expanding=True))
    return pairs, _D.owner == sa.bindparam("owner_"), _D.state.in_(states)


# Built once: composing a statement costs more than running it.
_S = SUBSCRIBER.c
_IDS = _D.id.in_(sa.bindparam("ids", expanding=True))
_MAILBOXES = sa.select(_S.id, _S.mailbox).where(_S.id.in_(sa.bindparam("readers", expanding=True)))
_LEASE = (
    sa.update(DELIVERY)
    .where(_IDS)
    .values(state=DeliveryState.LEASED, owner=sa.bindparam("owner_"), generation=_D.generation + 1)
)
_END = (
    sa.update(DELIVERY)
    .where(_IDS)
    .values(state=sa.bindparam("state_"), finished_at=sa.bindparam("now"), owner=None)
)
_INTEND = (
    sa.update(DELIVERY)
    .where(*_ours(*_HELD), _D.not_after > sa.bindparam("now", type_=_D.not_after.type), _allowed())
    .values(state=DeliveryState.SENDING)
    .returning(_D.id)
)
_LET_OUT = sa.update(DELIVERY).where(*_ours(DeliveryState.SENDING)).values(body_out=True)
_STOP = (
    sa.update(DELIVERY)
    .where(*_ours(DeliveryState.LEASED))
    .values(state=sa.bindparam("state_"), finished_at=sa.bindparam("now"), owner=None)
    .returning(_D.id)
)
_RELEASE = (
    sa.update(DELIVERY).where(*_ours(DeliveryState.LEASED)).values(state=DeliveryState.QUEUED, owner=None)
)
_SETTLE = (
    sa.update(DELIVERY)
    .where(
        _D.id == sa.bindparam("id_"),
        _D.generation == sa.bindparam("generation_"),
        _D.owner == sa.bindparam("owner_"),
        sa.or_(*(_D.state == state for state in _HELD)),  # IN would not run for many rows at once
    )
    .values(
        state=sa.bindparam("state_"),
        not_before=sa.bindparam("not_before_"),
        attempt=_D.attempt + sa.bindparam("spends"),
        uncertain=_D.uncertain + sa.bindparam("doubtful"),
        render_failures=_D.render_failures + sa.bindparam("misprint"),
        owner=None,
        body_out=False,
        last_code=sa.bindparam("code_"),
        last_enhanced=sa.bindparam("enhanced_"),
        # an erased reader's row must not learn the address again from a server's reply
        last_reply=sa.case((_D.address == "", ""), else_=sa.bindparam("text_")),
        remote_id=sa.bindparam("remote_"),
        route=sa.bindparam("route_"),
        accepted_at=sa.bindparam("accepted_"),
        finished_at=sa.bindparam("finished_"),
    )
)
