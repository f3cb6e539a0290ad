"""Search for deliveries, newest first, and what was reported about them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from digest.db.deliveries.repository import select_deliveries, to_delivery
from digest.db.dialects import in_values
from digest.db.tables import DELIVERY, DELIVERY_EVENT
from digest.models import BounceKind, Delivery, DeliveryKind, DeliveryState


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryCriteria:
    """Conditions that all must hold; an empty one always holds."""

    kind: DeliveryKind | None = None
    state: DeliveryState | None = None
    subscriber_id: int | None = None
    finished_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryEvent:
    """A bounce of or complaint about a delivery; `reply` is what the server said, without names."""

    delivery_id: int
    at: datetime
    type: BounceKind
    code: str
    reason: str
    reply: str


def list_deliveries(
    connection: sa.Connection, criteria: DeliveryCriteria, *, limit: int, before: int | None = None
) -> tuple[Delivery, ...]:
    """Return the deliveries that match, newest first; *before* is the id to continue from."""
    conditions = []
    if criteria.kind is not None:
        conditions.append(DELIVERY.c.kind == str(criteria.kind))
    if criteria.state is not None:
        conditions.append(DELIVERY.c.state == str(criteria.state))
    if criteria.subscriber_id is not None:
        conditions.append(DELIVERY.c.subscriber_id == criteria.subscriber_id)
    if criteria.finished_since is not None:
        conditions.append(DELIVERY.c.finished_at >= criteria.finished_since)
    if before is not None:
        conditions.append(DELIVERY.c.id < before)
    query = select_deliveries().where(*conditions).order_by(DELIVERY.c.id.desc()).limit(limit)
    return tuple(map(to_delivery, connection.execute(query)))


def list_events(connection: sa.Connection, delivery_ids: Collection[int]) -> tuple[DeliveryEvent, ...]:
    """Return what was reported about these deliveries, oldest first."""
    event = DELIVERY_EVENT.c
    query = sa.select(DELIVERY_EVENT).where(in_values(connection, event.delivery_id, delivery_ids))
    return tuple(
        DeliveryEvent(
            delivery_id=row.delivery_id,
            at=row.at,
            type=BounceKind(row.type),
            code=row.code,
            reason=row.reason,
            reply=row.reply,
        )
        for row in connection.execute(query.order_by(event.at, event.id))
    )
