"""Which rows of the ledger move, and when? The sender's statements, built once for each database.

They are run for every mail, so they are few, and take all their rows as one JSON parameter: the time
SQLAlchemy needs to spell out a list is longer than the database's own.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from digest.model import DeliveryKind, DeliveryState, Status
from digest.store.records import DELIVERY, SUBSCRIBER, SUPPRESSION

HELD = (DeliveryState.LEASED, DeliveryState.SENDING)
MAY_GET: dict[DeliveryKind, tuple[Status, ...]] = {
    DeliveryKind.DIGEST: (Status.CONFIRMED,),
    DeliveryKind.CONFIRM: tuple(Status),  # who left may sign up again: only a request of theirs queues it
    DeliveryKind.NOTICE: tuple(Status),
}
_D = DELIVERY.c
_NOW = sa.bindparam("now", type_=_D.not_after.type)
_EACH = {
    "sqlite": "SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS generation, "
    "json_extract(value, '$[2]') AS key FROM json_each(:rows)",
    "postgresql": "SELECT (value->>0)::bigint AS id, (value->>1)::bigint AS generation, "
    "value->>2 AS key FROM json_array_elements(CAST(:rows AS json)) AS value",
}


@dataclass(frozen=True, slots=True)
class Moves:
    """Statements over `rows`, a JSON list of [id, generation, suppression key]."""

    lease: sa.Update
    intend: sa.Update
    let_out: sa.Update
    stop: sa.Update
    release: sa.Update
    end: sa.Update


@cache
def moves(dialect: str) -> Moves:
    """The statements for one kind of database."""
    want = (
        sa.text(_EACH[dialect])
        .columns(
            sa.column("id", _D.id.type), sa.column("generation", sa.Integer), sa.column("key", sa.String)
        )
        .subquery("want")
    )
    these = sa.update(DELIVERY).where(_D.id == want.c.id, _D.generation == want.c.generation)
    ours = these.where(_D.owner == sa.bindparam("owner_"))
    leased = ours.where(_D.state == DeliveryState.LEASED)
    state: sa.BindParameter[str] = sa.bindparam("state_")
    over: dict[str, Any] = {"owner": None, "finished_at": sa.bindparam("now")}
    suppressed = sa.exists().where(SUPPRESSION.c.key == want.c.key).correlate(want)
    return Moves(
        lease=these.values(
            state=DeliveryState.LEASED, owner=sa.bindparam("owner_"), generation=_D.generation + 1
        ),
        intend=ours.where(_one_of(_D.state, HELD), _D.not_after > _NOW, _allowed(), sa.not_(suppressed))
        .values(state=DeliveryState.SENDING)
        .returning(_D.id),
        let_out=ours.where(_D.state == DeliveryState.SENDING).values(body_out=True),
        stop=leased.values(state=state, **over).returning(_D.id),
        release=leased.values(state=DeliveryState.QUEUED, owner=None),
        end=these.values(state=state, **over),
    )


def _one_of(column: sa.ColumnElement[str], words: Collection[str]) -> sa.ColumnElement[bool]:
    """IN, spelt out: SQLAlchemy would spell it out anew each time, and not for many rows at once."""
    return sa.or_(*(column == word for word in words))


def _allowed() -> sa.ColumnElement[bool]:
    """Who may get what now: a digest only the confirmed, whatever they were when it was planned."""
    reader = sa.select(sa.literal(1)).where(SUBSCRIBER.c.id == _D.subscriber_id).correlate(DELIVERY)
    of_kind = (
        sa.and_(_D.kind == kind, sa.exists(reader.where(_one_of(SUBSCRIBER.c.status, statuses))))
        for kind, statuses in MAY_GET.items()
    )
    until = SUBSCRIBER.c.schedule["paused_until"].as_string()
    asleep = sa.exists(reader.where(until > sa.cast(_D.day, sa.String)))
    awake = sa.or_(_D.kind != DeliveryKind.DIGEST, sa.not_(asleep))
    return sa.or_(_D.kind == DeliveryKind.ADMIN, sa.and_(awake, sa.or_(*of_kind)))


SETTLE = (
    sa.update(DELIVERY)
    .where(
        _D.id == sa.bindparam("id_"),
        _D.generation == sa.bindparam("generation_"),
        _D.owner == sa.bindparam("owner_"),
        _one_of(_D.state, HELD),
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
