"""The delivery table for everyone but the sender: queueing, lookups, counts and clean-up."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from digest.db.deliveries.bounce_policy import AlikeAnswer, BouncePolicy, list_alike_answers
from digest.db.dialects import dump_json, in_values, insert, insert_many, split_chunks
from digest.db.papers.news import News
from digest.db.prepared import PreparedStatement
from digest.db.subscribers.sent_papers import SentPapers
from digest.db.tables import DELIVERY, DELIVERY_CONTENT, DELIVERY_EVENT
from digest.models import (
    BounceKind,
    BounceReport,
    Delivery,
    DeliveryKind,
    DeliveryState,
    NewDelivery,
    Subscriber,
)

PRIORITY = {
    DeliveryKind.CONFIRM: 10,  # somebody is waiting for it
    DeliveryKind.NOTICE: 20,
    DeliveryKind.ADMIN: 30,
    DeliveryKind.DIGEST: 100,
}
FINAL_STATES = frozenset(DeliveryState) - {DeliveryState.QUEUED, DeliveryState.LEASED, DeliveryState.SENDING}
_UNSENT = (str(DeliveryState.QUEUED), str(DeliveryState.LEASED))
NOTICE_LIFETIME = timedelta(hours=24)
_CHUNK_ROWS = 1000
_UNREAD = {"papers", "route", "priority", "body_out", "owner", "last_code", "last_enhanced", "created_at"}
_COLUMNS = [column for column in DELIVERY.c if column.name not in _UNREAD]
_INITIAL: dict[str, sa.ColumnElement[Any]] = {  # in the text of the statement: each bound value costs time
    "state": sa.literal_column(f"'{DeliveryState.QUEUED}'"),
    "body_out": sa.false(),
    **dict.fromkeys(
        ("attempt", "uncertain", "generation", "render_failures", "last_code"), sa.literal_column("0")
    ),
    **dict.fromkeys(("route", "last_enhanced", "last_reply", "remote_id"), sa.literal_column("''")),
    **dict.fromkeys(("owner", "accepted_at", "finished_at"), sa.null()),
}


def erase_deliveries(connection: sa.Connection, which: sa.ColumnElement[bool], *, now: datetime) -> None:
    """Delete address and content of some deliveries, and cancel those not yet being sent."""
    update = sa.update(DELIVERY).where(which)
    cancelled = {"state": str(DeliveryState.CANCELLED), "finished_at": now, "owner": None}
    blank = {"address": "", "domain": "", "papers": None, "last_reply": ""}
    content = DELIVERY_CONTENT.c.delivery_id.in_(sa.select(DELIVERY.c.id).where(which))
    connection.execute(sa.delete(DELIVERY_CONTENT).where(content))
    connection.execute(update.where(DELIVERY.c.state.in_(_UNSENT)).values(cancelled))
    connection.execute(update.values(blank))


def select_deliveries() -> sa.Select[Any]:
    """Return a query of the columns that `to_delivery` converts; the content may be deleted."""
    return sa.select(*_COLUMNS, DELIVERY_CONTENT.c.payload).outerjoin_from(DELIVERY, DELIVERY_CONTENT)


class Deliveries:
    """Repository of deliveries. The sender, which claims and settles them, uses send_queue.py."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._sent_papers = SentPapers(connection)

    def enqueue(self, deliveries: Sequence[NewDelivery], *, now: datetime) -> int:
        """Queue deliveries, except those whose key was used before; return how many are new."""
        return sum(self._enqueue_chunk(chunk, now) for chunk in split_chunks(deliveries, _CHUNK_ROWS))

    def enqueue_notice(  # noqa: PLR0913  the fields of a delivery
        self,
        kind: DeliveryKind,
        subscriber: Subscriber,
        key: str,
        payload: Mapping[str, object],
        *,
        now: datetime,
        address: str = "",
        channel_id: int | None = None,
        lifetime: timedelta = NOTICE_LIFETIME,
    ) -> bool:
        """Queue one message to be sent now, to *address* if given, else to the subscriber's own address.

        With *channel_id* it goes to that channel, and *address* is the channel's destination.

        Returns False if the key was used before: a key can be used only once, ever.
        """
        notice = NewDelivery(
            kind=kind,
            key=key,
            subscriber_id=subscriber.id,
            address=address or subscriber.address,
            slot=now,
            not_before=now,
            not_after=now + lifetime,
            payload=payload,
            channel_id=channel_id,
        )
        return self.enqueue([notice], now=now) == 1

    def find_by_public_id(self, public_id: str) -> Delivery | None:
        """Return the delivery with this public id, or None."""
        row = self._connection.execute(select_deliveries().where(DELIVERY.c.pid == public_id)).first()
        return to_delivery(row) if row else None

    def find_by_key(self, key: str) -> Delivery | None:
        """Return the delivery with this key, or None."""
        row = self._connection.execute(select_deliveries().where(DELIVERY.c.key == key)).first()
        return to_delivery(row) if row else None

    def list_by_subscriber(self, subscriber_id: int, *, limit: int = 30) -> tuple[Delivery, ...]:
        """Return a subscriber's deliveries, newest first."""
        query = (
            select_deliveries()
            .where(DELIVERY.c.subscriber_id == subscriber_id)
            .order_by(DELIVERY.c.slot.desc(), DELIVERY.c.id.desc())
            .limit(limit)
        )
        return tuple(map(to_delivery, self._connection.execute(query)))

    def list_by_state(self, state: DeliveryState, *, limit: int = 50) -> tuple[Delivery, ...]:
        """Return the deliveries in a state, newest first."""
        query = (
            select_deliveries().where(DELIVERY.c.state == state).order_by(DELIVERY.c.id.desc()).limit(limit)
        )
        return tuple(map(to_delivery, self._connection.execute(query)))

    def count_open(self) -> dict[DeliveryState, int]:
        """Return how many deliveries are not yet final, by state; every open state is listed."""
        open_states = [state for state in DeliveryState if state not in FINAL_STATES]
        query = (
            sa.select(DELIVERY.c.state, sa.func.count())
            .where(DELIVERY.c.state.in_(open_states))
            .group_by(DELIVERY.c.state)
        )
        counts = {DeliveryState(state): count for state, count in self._connection.execute(query)}
        return {state: counts.get(state, 0) for state in open_states}

    def count_finished(self, since: datetime) -> dict[DeliveryState, int]:
        """Return how many deliveries became final since a moment, by state."""
        query = (
            sa.select(DELIVERY.c.state, sa.func.count())
            .where(DELIVERY.c.finished_at >= since)
            .group_by(DELIVERY.c.state)
        )
        return {DeliveryState(state): count for state, count in self._connection.execute(query)}

    def count_bounces(self, since: datetime) -> dict[BounceKind, int]:
        """Return for how many deliveries a bounce or complaint was recorded since a moment, by kind."""
        type_, deliveries = DELIVERY_EVENT.c.type, sa.func.count(DELIVERY_EVENT.c.delivery_id.distinct())
        query = sa.select(type_, deliveries).where(DELIVERY_EVENT.c.at >= since).group_by(type_)
        return {BounceKind(kind): count for kind, count in self._connection.execute(query)}

    def resolve(
        self, delivery_id: int, *, resend: bool, now: datetime, lifetime: timedelta = NOTICE_LIFETIME
    ) -> bool:
        """Decide about an uncertain delivery: queue it again, or count it as accepted.

        Returns False if it is not uncertain.
        """
        queued = {
            "state": DeliveryState.QUEUED,
            "not_before": now,
            "not_after": now + lifetime,
            "finished_at": None,
        }
        accepted = {"state": DeliveryState.ACCEPTED, "accepted_at": now, "finished_at": now}
        update = (
            sa.update(DELIVERY)
            .where(DELIVERY.c.id == delivery_id, DELIVERY.c.state == DeliveryState.UNCERTAIN)
            .values(queued if resend else accepted)
        )
        return self._connection.execute(update).rowcount == 1

    def record_bounce(self, report: BounceReport, *, now: datetime, suppression_key: bytes) -> bool:
        """Record a bounce or complaint and suppress the address if the rules say so.

        Returns False if the delivery is unknown or too old, or if the report was recorded before.
        """
        policy = BouncePolicy(self._connection, suppression_key=suppression_key)
        return policy.record_report(report, now)

    def list_alike_answers(self, since: datetime, until: datetime) -> tuple[AlikeAnswer, ...]:
        """Return the unexplained refusals that several readers got in the same words; they count for none."""
        return list_alike_answers(self._connection, since, until)

    def count_held(self, since: datetime) -> int:
        """Return how many addresses were not suppressed since a moment because too many were."""
        event = DELIVERY_EVENT.c
        joined = sa.join(DELIVERY, DELIVERY_EVENT, event.delivery_id == DELIVERY.c.id)
        held = sa.select(DELIVERY.c.address).distinct().select_from(joined)
        held = held.where(event.at >= since, event.held)
        return int(self._connection.scalar(sa.select(sa.func.count()).select_from(held.subquery())) or 0)

    def count_reported_faults(self, since: datetime) -> dict[str, int]:
        """Return for how many deliveries reports since a moment blamed us, by reason."""
        event = DELIVERY_EVENT.c
        query = sa.select(event.reason, sa.func.count(event.delivery_id.distinct())).group_by(event.reason)
        query = query.where(event.at >= since, event.type == BounceKind.OTHER, event.reason != "")
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def void_bounces(self, since: datetime) -> int:
        """Let no bounce since a moment count any more; return how many did. Complaints stay."""
        counting = (BounceKind.HARD, BounceKind.UNSURE, BounceKind.SOFT)
        event = DELIVERY_EVENT.c
        update = sa.update(DELIVERY_EVENT).where(event.at >= since, event.type.in_(counting))
        return self._connection.execute(update.values(type=BounceKind.OTHER, reason="", held=False)).rowcount

    def void_bounces_of(self, subscriber_id: int) -> None:
        """Let no bounce of a subscriber count any more. Complaints stay."""
        counting = (BounceKind.HARD, BounceKind.UNSURE, BounceKind.SOFT)
        event = DELIVERY_EVENT.c
        theirs = sa.select(DELIVERY.c.id).where(DELIVERY.c.subscriber_id == subscriber_id)
        update = sa.update(DELIVERY_EVENT).where(event.delivery_id.in_(theirs), event.type.in_(counting))
        self._connection.execute(update.values(type=BounceKind.OTHER, held=False))

    def anonymize(self, since: datetime, before: datetime, *, limit: int = 5000) -> int:
        """Clear address and content of up to *limit* deliveries that became final between two moments.

        The rows stay, for the counts. Returns how many were cleared.
        """
        due = DELIVERY.c.finished_at.between(since, before) & (DELIVERY.c.address != "")
        ids = self._connection.scalars(sa.select(DELIVERY.c.id).where(due).limit(limit)).all()
        content = in_values(self._connection, DELIVERY_CONTENT.c.delivery_id, ids)
        self._connection.execute(sa.delete(DELIVERY_CONTENT).where(content))
        blank = dict.fromkeys(("address", "domain", "last_reply", "remote_id"), "")
        update = sa.update(DELIVERY).where(in_values(self._connection, DELIVERY.c.id, ids))
        return self._connection.execute(update.values(papers=None, **blank)).rowcount

    def _enqueue_chunk(self, deliveries: Sequence[NewDelivery], now: datetime) -> int:
        # Rows that are sent together are stored together, so that each commit of a sender writes few pages.
        deliveries = sorted(deliveries, key=attrgetter("not_before"))
        packed = self._sent_papers.pack(deliveries)
        rows = {delivery.key: _to_row(delivery, packed.get(delivery.key), now) for delivery in deliveries}
        _compile_insert(self._connection.dialect).execute_many(self._connection, rows.values())
        # Rows of an older delivery with the same key have another public id, so these are the new ones.
        public_ids = [row["pid_"] for row in rows.values()]
        inserted = self._connection.execute(
            sa.select(DELIVERY.c.key, DELIVERY.c.id).where(
                in_values(self._connection, DELIVERY.c.pid, public_ids)
            )
        )
        ids = {row.key: row.id for row in inserted}
        new = [delivery for delivery in deliveries if delivery.key in ids]
        content = [(ids[delivery.key], dump_json(delivery.payload)) for delivery in new if delivery.payload]
        if content:
            insert_many(self._connection, DELIVERY_CONTENT, ("delivery_id", "payload"), content)
        self._sent_papers.index({ids[key]: papers for key, papers in packed.items() if key in ids})
        News(self._connection).mark_told(new, ids)
        return len(ids)


def to_delivery(row: sa.Row[Any], **changed: Any) -> Delivery:
    """Convert a row of the delivery table, with fields that *changed* since it was read."""
    fields = {
        "id": row.id,
        "public_id": row.pid,
        "kind": DeliveryKind(row.kind),
        "key": row.key,
        "subscriber_id": row.subscriber_id,
        "address": row.address,
        "state": DeliveryState(row.state),
        "payload": row.payload or {},
        "slot": row.slot,
        "not_before": row.not_before,
        "not_after": row.not_after,
        "day": row.day,
        "attempt": row.attempt,
        "uncertain": row.uncertain,
        "generation": row.generation,
        "render_failures": row.render_failures,
        "last_reply": row.last_reply,
        "accepted_at": row.accepted_at,
        "channel_id": row.channel_id,
    }
    return Delivery(**(fields | changed))


@lru_cache(maxsize=8)
def _compile_insert(dialect: sa.Dialect) -> PreparedStatement:
    """Compile the statement that adds a queued delivery unless its key exists."""
    given = (column for column in DELIVERY.c if column.name not in {"id", *_INITIAL})
    values = {column.name: sa.bindparam(f"{column.name}_", type_=column.type) for column in given}
    new = insert(dialect, DELIVERY).values(_INITIAL | values)
    return PreparedStatement.compile(new.on_conflict_do_nothing(index_elements=["key"]), dialect)


def _to_row(delivery: NewDelivery, papers: bytes | None, now: datetime) -> dict[str, Any]:
    return {
        "pid_": _create_public_id(now),
        "kind_": delivery.kind,
        "key_": delivery.key,
        "subscriber_id_": delivery.subscriber_id,
        "address_": delivery.address,
        "domain_": delivery.address.rpartition("@")[2].lower(),
        "priority_": PRIORITY[delivery.kind],
        "papers_": papers,
        "day_": delivery.day,
        "slot_": delivery.slot,
        "not_before_": min(delivery.not_before, delivery.not_after),
        "not_after_": delivery.not_after,
        "created_at_": now,
        "channel_id_": delivery.channel_id,
    }


def _create_public_id(now: datetime) -> str:
    """Return a new public id, which cannot be guessed: 16 bits for the day, 80 random ones.

    Those of a day are next to each other in the index: adding rows to millions of others writes few pages.
    """
    day = (now.date().toordinal() % 2**16).to_bytes(2)
    return base64.b32encode(day + secrets.token_bytes(10)).decode().lower().rstrip("=")
