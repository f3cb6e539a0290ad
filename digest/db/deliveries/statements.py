"""Which rows of the ledger move, and when? The sender's statements, built once for each database.

They are run for every mail, so they are few, take all their rows as one JSON parameter, and are spelt out
once: the time SQLAlchemy needs to prepare a statement is longer than the database's own.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from digest.db.prepared import PreparedStatement
from digest.db.tables import DELIVERY, SUBSCRIBER, SUPPRESSION
from digest.models import DeliveryKind, DeliveryState, Status

HELD = (DeliveryState.LEASED, DeliveryState.SENDING)
MAY_GET: dict[DeliveryKind, tuple[Status, ...]] = {
    DeliveryKind.DIGEST: (Status.CONFIRMED,),
    DeliveryKind.CONFIRM: tuple(Status),  # who left may sign up again: only a request of theirs queues it
    DeliveryKind.NOTICE: tuple(Status),
}
_D = DELIVERY.c
_NOW = sa.bindparam("now", type_=_D.not_after.type)
# Wrapped, so that SQLite goes by the ids it is given and not by the index of all mail in our hands.
_OWNER = sa.func.coalesce(_D.owner, sa.literal_column("''"))
_ROW = {"id": _D.id, "generation": _D.generation, "key": SUPPRESSION.c.key}


@dataclass(frozen=True, slots=True)
class DeliveryStatements:
    """Orders over `rows`, a JSON list of [id, generation, suppression key]; `settle` is given one by one."""

    lease: PreparedStatement
    intend: PreparedStatement
    mark_body_sent: PreparedStatement
    stop: PreparedStatement
    release: PreparedStatement
    end: PreparedStatement
    settle: PreparedStatement


@lru_cache(maxsize=8)
def moves(dialect: sa.Dialect) -> DeliveryStatements:
    """The orders for one kind of database."""
    want = _listed(dialect, _ROW)
    these = sa.update(DELIVERY).where(_D.id == want.c.id, _D.generation == want.c.generation)
    ours = these.where(sa.bindparam("owner_") == _OWNER)
    leased = ours.where(stands(DeliveryState.LEASED))
    state: sa.BindParameter[str] = sa.bindparam("state_")
    over: dict[str, Any] = {"owner": None, "finished_at": sa.bindparam("now", type_=_D.finished_at.type)}
    suppressed = sa.exists().where(SUPPRESSION.c.key == want.c.key).correlate(want)
    written = {
        "lease": these.values(
            state=DeliveryState.LEASED, owner=sa.bindparam("owner_"), generation=_D.generation + 1
        ),
        "intend": ours.where(stands(*HELD), _D.not_after > _NOW, _allowed(), sa.not_(suppressed))
        .values(state=DeliveryState.SENDING)
        .returning(_D.id),
        "let_out": ours.where(stands(DeliveryState.SENDING)).values(body_out=True),
        "stop": leased.values(state=state, **over).returning(_D.id),
        "release": leased.values(state=DeliveryState.QUEUED, owner=None),
        "end": these.values(state=state, **over),
        "settle": _SETTLE,
    }
    return DeliveryStatements(
        **{name: PreparedStatement.of(statement, dialect) for name, statement in written.items()}
    )


def _listed(dialect: sa.Dialect, columns: Mapping[str, sa.ColumnElement[Any]]) -> sa.Subquery:
    """A JSON list of rows as a table with these columns."""
    kinds = [(name, column.type) for name, column in columns.items()]
    if dialect.name == "postgresql":
        each = [
            f"CAST(value->>{at} AS {kind.compile(dialect)}) AS {name}"
            for at, (name, kind) in enumerate(kinds)
        ]
        source = "json_array_elements(CAST(:rows AS json)) AS value"
    else:
        each = [f"json_extract(value, '$[{at}]') AS {name}" for at, (name, _) in enumerate(kinds)]
        source = "json_each(:rows)"
    listed = sa.text(f"SELECT {', '.join(each)} FROM {source}")  # noqa: S608  names of our own columns
    return listed.columns(*(sa.column(name, kind) for name, kind in kinds)).subquery("want")


def stands(*states: DeliveryState) -> sa.ColumnElement[bool]:
    """Where a delivery stands, with its words in the statement.

    With a parameter the indexes that hold only such rows are not found, or SQLite plans anew for each value.
    """
    words = [sa.literal_column(f"'{state}'", sa.String()) for state in states]
    return _D.state == words[0] if len(words) == 1 else _D.state.in_(words)


def _one_of(column: sa.ColumnElement[str], words: Collection[str]) -> sa.ColumnElement[bool]:
    """IN, spelt out: SQLAlchemy would spell it out anew each time."""
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


def _told(column: str) -> sa.BindParameter[Any]:
    return sa.bindparam(f"{column}_", type_=_D[column].type)


_TOLD = (
    "state",
    "not_before",
    "route",
    "last_code",
    "last_enhanced",
    "remote_id",
    "accepted_at",
    "finished_at",
)
_ADDED = ("attempt", "uncertain", "render_failures")
_SETTLE = (
    sa.update(DELIVERY)
    .where(_D.id == _told("id"), _D.generation == _told("generation"))
    .where(_told("owner") == _OWNER, stands(*HELD))
    .values({name: _told(name) for name in _TOLD})
    .values({name: _D[name] + _told(name) for name in _ADDED})
    # an erased reader's row must not learn the address again from a server's reply
    .values(last_reply=sa.case((_D.address == "", ""), else_=_told("last_reply")))
    .values(owner=None, body_out=False)
)
