"""Where does each mail stand? The ledger: planning and history."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from digest.db.deliveries.bounce_policy import Standing
from digest.db.dialects import among, chunks, insert
from digest.db.prepared import PreparedStatement
from digest.db.subscribers.sent_papers import SentPapers
from digest.db.tables import DELIVERY, DELIVERY_EVENT
from digest.models import BounceKind, Delivery, DeliveryKind, DeliveryState, NewDelivery, Subscriber

PRIORITY = {
    DeliveryKind.CONFIRM: 10,  # a person is waiting for it
    DeliveryKind.NOTICE: 20,
    DeliveryKind.ADMIN: 30,
    DeliveryKind.DIGEST: 100,
}
FINAL = frozenset(DeliveryState) - {DeliveryState.QUEUED, DeliveryState.LEASED, DeliveryState.SENDING}
RELEASING = frozenset({DeliveryState.REJECTED, DeliveryState.EXPIRED, DeliveryState.CANCELLED})
NOTICE_LASTS = timedelta(hours=24)
_CHUNK = 1000


class Deliveries:
    """The ledger of mail, for everyone but the sender (who claims and settles: queue.py)."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._sent = SentPapers(connection)

    def plan(self, planned: Sequence[NewDelivery], *, now: datetime) -> int:
        """Queue mails; those whose key is known already change nothing. Gives the number of new ones."""
        return sum(self._plan(chunk, now) for chunk in chunks(planned, _CHUNK))

    def plan_notice(  # noqa: PLR0913  a mail is described by its facts
        self,
        kind: DeliveryKind,
        subscriber: Subscriber,
        key: str,
        payload: Mapping[str, object],
        *,
        now: datetime,
        address: str = "",
        lasts: timedelta = NOTICE_LASTS,
    ) -> bool:
        """Put one mail into the queue at once, to another address than the subscriber's own if one is given.

        True when it is new: a key is used once for ever.
        """
        notice = NewDelivery(
            kind=kind,
            key=key,
            subscriber_id=subscriber.id,
            address=address or subscriber.address,
            slot=now,
            not_before=now,
            not_after=now + lasts,
            payload=payload,
        )
        return self.plan([notice], now=now) == 1

    def find(self, pid: str) -> Delivery | None:
        """The delivery with this public id."""
        row = self._connection.execute(sa.select(DELIVERY).where(DELIVERY.c.pid == pid)).first()
        return delivery_of(row) if row else None

    def by_key(self, key: str) -> Delivery | None:
        """The delivery planned under this key."""
        row = self._connection.execute(sa.select(DELIVERY).where(DELIVERY.c.key == key)).first()
        return delivery_of(row) if row else None

    def history(self, subscriber_id: int, *, limit: int = 30) -> tuple[Delivery, ...]:
        """A reader's mails, the newest first."""
        query = (
            sa.select(DELIVERY)
            .where(DELIVERY.c.subscriber_id == subscriber_id)
            .order_by(DELIVERY.c.slot.desc(), DELIVERY.c.id.desc())
            .limit(limit)
        )
        return tuple(map(delivery_of, self._connection.execute(query)))

    def in_state(self, state: DeliveryState, *, limit: int = 50) -> tuple[Delivery, ...]:
        """Mails that stand there now, the newest first: what an operator wants to see of the uncertain."""
        query = (
            sa.select(DELIVERY).where(DELIVERY.c.state == state).order_by(DELIVERY.c.id.desc()).limit(limit)
        )
        return tuple(map(delivery_of, self._connection.execute(query)))

    def waiting(self) -> dict[DeliveryState, int]:
        """How many mails are on their way, by state."""
        open_states = [state for state in DeliveryState if state not in FINAL]
        counted = (
            sa.select(DELIVERY.c.state, sa.func.count())
            .where(DELIVERY.c.state.in_(open_states))
            .group_by(DELIVERY.c.state)
        )
        found = {DeliveryState(state): number for state, number in self._connection.execute(counted)}
        return {state: found.get(state, 0) for state in open_states}

    def ended(self, since: datetime) -> dict[DeliveryState, int]:
        """How many mails came to their end since then, by state."""
        counted = (
            sa.select(DELIVERY.c.state, sa.func.count())
            .where(DELIVERY.c.finished_at >= since)
            .group_by(DELIVERY.c.state)
        )
        return {DeliveryState(state): number for state, number in self._connection.execute(counted)}

    def heard(self, since: datetime) -> dict[BounceKind, int]:
        """About how many mails something was heard since then, by what it was."""
        kind, mails = DELIVERY_EVENT.c.type, sa.func.count(DELIVERY_EVENT.c.delivery_id.distinct())
        counted = sa.select(kind, mails).where(DELIVERY_EVENT.c.at >= since).group_by(kind)
        return {BounceKind(said): number for said, number in self._connection.execute(counted)}

    def resolve(
        self, delivery_id: int, *, resend: bool, now: datetime, lasts: timedelta = NOTICE_LASTS
    ) -> bool:
        """The operator's word on an uncertain mail: send it again after all, or count it as accepted."""
        again = {
            "state": DeliveryState.QUEUED,
            "not_before": now,
            "not_after": now + lasts,
            "finished_at": None,
        }
        over = {"state": DeliveryState.ACCEPTED, "accepted_at": now, "finished_at": now}
        change = (
            sa.update(DELIVERY)
            .where(DELIVERY.c.id == delivery_id, DELIVERY.c.state == DeliveryState.UNCERTAIN)
            .values(again if resend else over)
        )
        return self._connection.execute(change).rowcount == 1

    def report(  # noqa: PLR0913  an event is described by its facts
        self, pid: str, kind: BounceKind, *, now: datetime, code: str, raw_hash: str, suppression_key: bytes
    ) -> bool:
        """A bounce or complaint about a mail, with its consequences; False when it is no news."""
        standing = Standing(self._connection, suppression_key=suppression_key)
        return standing.report(pid, kind, now=now, code=code, raw_hash=raw_hash)

    def compact(self, since: datetime, before: datetime, *, limit: int = 5000) -> int:
        """Empty the rows of mails that ended between two moments: that they went stays, to whom is gone."""
        ended = DELIVERY.c.finished_at.between(since, before) & (DELIVERY.c.address != "")
        some = sa.select(DELIVERY.c.id).where(ended).limit(limit)
        blank = dict.fromkeys(("address", "domain", "last_reply", "remote_id"), "")
        change = sa.update(DELIVERY).where(DELIVERY.c.id.in_(some)).values(payload={}, **blank)
        return self._connection.execute(change).rowcount

    # ---- inside

    def _plan(self, planned: Sequence[NewDelivery], now: datetime) -> int:
        rows = {plan.key: _row(plan, now) for plan in planned}
        _queueing(self._connection.dialect).each(self._connection, rows.values())
        ours = [row["pid_"] for row in rows.values()]
        found = self._connection.execute(
            sa.select(DELIVERY.c.key, DELIVERY.c.id).where(among(self._connection, DELIVERY.c.pid, ours))
        )
        ids = {row.key: row.id for row in found}
        self._sent.remember([plan for plan in planned if plan.key in ids], ids)
        return len(ids)


def delivery_of(row: sa.Row[Any]) -> Delivery:
    """A ledger row as the noun of the house."""
    return Delivery(
        id=row.id,
        pid=row.pid,
        kind=DeliveryKind(row.kind),
        key=row.key,
        subscriber_id=row.subscriber_id,
        address=row.address,
        state=DeliveryState(row.state),
        payload=row.payload,
        slot=row.slot,
        not_before=row.not_before,
        not_after=row.not_after,
        message_id=row.message_id,
        day=row.day,
        attempt=row.attempt,
        uncertain=row.uncertain,
        generation=row.generation,
        render_failures=row.render_failures,
        last_reply=row.last_reply,
        accepted_at=row.accepted_at,
    )


@lru_cache(maxsize=8)
def _queueing(dialect: sa.Dialect) -> PreparedStatement:
    """Adds a row to the ledger, unless its key is known."""
    values = {column: sa.bindparam(f"{column.name}_", type_=column.type) for column in DELIVERY.c}
    del values[DELIVERY.c.id]
    new = insert(dialect, DELIVERY).values(values).on_conflict_do_nothing(index_elements=["key"])
    return PreparedStatement.of(new, dialect)


def _row(plan: NewDelivery, now: datetime) -> dict[str, Any]:
    pid = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return {
        "pid_": pid,
        "kind_": plan.kind,
        "key_": plan.key,
        "subscriber_id_": plan.subscriber_id,
        "address_": plan.address,
        "domain_": plan.address.rpartition("@")[2].lower(),
        "route_": "",
        "state_": DeliveryState.QUEUED,
        "priority_": PRIORITY[plan.kind],
        "payload_": plan.payload,
        "day_": plan.day,
        "slot_": plan.slot,
        "not_before_": min(plan.not_before, plan.not_after),
        "not_after_": plan.not_after,
        "message_id_": f"{plan.kind[0]}.{plan.day or plan.slot.date()}.{pid}",
        "attempt_": 0,
        "uncertain_": 0,
        "generation_": 0,
        "render_failures_": 0,
        "body_out_": False,
        "owner_": None,
        "last_code_": 0,
        "last_enhanced_": "",
        "last_reply_": "",
        "remote_id_": "",
        "created_at_": now,
        "accepted_at_": None,
        "finished_at_": None,
    }
