"""State transitions of deliveries: the sender's SQL statements, compiled once per dialect.

They run for every delivery, so they are few and take all their rows as one JSON parameter. They are compiled
only once because SQLAlchemy needs longer to compile a statement than the database needs to run it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from digest.db.prepared import PreparedStatement
from digest.db.tables import CHANNEL, DELIVERY, SUBSCRIBER, SUPPRESSION
from digest.models import DeliveryKind, DeliveryState, Status
from digest.models.channels import ChannelState

CLAIMED_STATES = (DeliveryState.LEASED, DeliveryState.SENDING)
ALLOWED_STATUSES: dict[DeliveryKind, tuple[Status, ...]] = {
    DeliveryKind.DIGEST: (Status.CONFIRMED,),
    DeliveryKind.CONFIRM: tuple(Status),  # even unsubscribed: only their own sign-up queues it
    DeliveryKind.NOTICE: tuple(Status),
}
_D = DELIVERY.c
_NOW = sa.bindparam("now", type_=_D.not_after.type)
# Wrapped in coalesce so that SQLite looks rows up by id and not by the index of all claimed deliveries.
_OWNER = sa.func.coalesce(_D.owner, sa.literal_column("''"))
_ROW_COLUMNS = {"id": _D.id, "generation": _D.generation, "key": SUPPRESSION.c.key}
_REPLACED_COLUMNS = (
    "state", "not_before", "route", "last_code", "last_enhanced", "remote_id", "accepted_at", "finished_at",
)  # fmt: skip
_ADDED_COLUMNS = ("attempt", "uncertain", "render_failures")
RESULT_COLUMNS = ("id", "generation", "last_reply", *_REPLACED_COLUMNS, *_ADDED_COLUMNS)


@dataclass(frozen=True, slots=True)
class DeliveryStatements:
    """Statements over `rows`, a JSON list of [id, generation, suppression key].

    `settle` takes a list of the values of RESULT_COLUMNS.
    """

    lease: PreparedStatement
    intend: PreparedStatement
    intend_each: PreparedStatement  # the same, and returns the ids
    mark_body_sent: PreparedStatement
    stop: PreparedStatement
    release: PreparedStatement
    end: PreparedStatement
    settle: PreparedStatement


@lru_cache(maxsize=8)
def compile_statements(dialect: sa.Dialect) -> DeliveryStatements:
    """Compile the statements for a dialect."""
    requested = _table_of_rows(dialect, _ROW_COLUMNS)
    results = _table_of_rows(dialect, {name: _D[name] for name in RESULT_COLUMNS})
    matching = sa.update(DELIVERY).where(_D.id == requested.c.id, _D.generation == requested.c.generation)
    owned = matching.where(sa.bindparam("owner_") == _OWNER)
    leased = owned.where(has_state(DeliveryState.LEASED))
    state: sa.BindParameter[str] = sa.bindparam("state_")
    final: dict[str, Any] = {"owner": None, "finished_at": sa.bindparam("now", type_=_D.finished_at.type)}
    suppressed = sa.exists().where(SUPPRESSION.c.key == requested.c.key).correlate(requested)
    intend = owned.where(
        has_state(*CLAIMED_STATES), _D.not_after > _NOW, _may_receive(), sa.not_(suppressed)
    ).values(state=DeliveryState.SENDING)
    statements = {
        "lease": matching.values(
            state=DeliveryState.LEASED, owner=sa.bindparam("owner_"), generation=_D.generation + 1
        ),
        "intend": intend,
        "intend_each": intend.returning(_D.id),
        "mark_body_sent": owned.where(has_state(DeliveryState.SENDING)).values(body_out=True),
        "stop": leased.values(state=state, **final).returning(_D.id),
        "release": leased.values(state=DeliveryState.QUEUED, owner=None),
        "end": matching.values(state=state, **final),
        "settle": sa.update(DELIVERY)
        .where(_D.id == results.c.id, _D.generation == results.c.generation)
        .where(sa.bindparam("owner_") == _OWNER, has_state(*CLAIMED_STATES))
        .values({name: results.c[name] for name in _REPLACED_COLUMNS})
        .values({name: _D[name] + results.c[name] for name in _ADDED_COLUMNS})
        # keep the row of an erased subscriber free of the address, which a server's reply may contain
        .values(last_reply=sa.case((_D.address == "", ""), else_=results.c.last_reply))
        .values(owner=None, body_out=False),
    }
    return DeliveryStatements(
        **{name: PreparedStatement.compile(statement, dialect) for name, statement in statements.items()}
    )


def _table_of_rows(dialect: sa.Dialect, columns: Mapping[str, sa.ColumnElement[Any]]) -> sa.Subquery:
    """Return the `rows` parameter, a JSON list of lists, as a table with these columns."""
    types = [(name, column.type) for name, column in columns.items()]
    if dialect.name == "postgresql":
        fields = [
            f"CAST(value->>{index} AS {type_.compile(dialect)}) AS {name}"
            for index, (name, type_) in enumerate(types)
        ]
        source = "json_array_elements(CAST(:rows AS json)) AS value"
    else:
        fields = [f"json_extract(value, '$[{index}]') AS {name}" for index, (name, _) in enumerate(types)]
        source = "json_each(:rows)"
    query = sa.text(f"SELECT {', '.join(fields)} FROM {source}")  # noqa: S608  only our own column names
    return query.columns(*(sa.column(name, type_) for name, type_ in types)).subquery("requested")


def has_state(*states: DeliveryState) -> sa.ColumnElement[bool]:
    """Return a condition on the delivery's state, with the states as literals.

    With bound parameters the database does not use the partial indexes, or SQLite plans anew for each value.
    """
    literals = [sa.literal_column(f"'{state}'", sa.String()) for state in states]
    return _D.state == literals[0] if len(literals) == 1 else _D.state.in_(literals)


def _equals_any(column: sa.ColumnElement[str], values: Collection[str]) -> sa.ColumnElement[bool]:
    """Return `column IN values` written with OR: an IN clause would be expanded again at each execution."""
    return sa.or_(*(column == value for value in values))


def _may_receive() -> sa.ColumnElement[bool]:
    """Return whether a delivery may go to its subscriber now, by their present status and pause."""
    reader = sa.select(sa.literal(1)).where(SUBSCRIBER.c.id == _D.subscriber_id).correlate(DELIVERY)
    of_kind = (
        sa.and_(_D.kind == kind, sa.exists(reader.where(_equals_any(SUBSCRIBER.c.status, statuses))))
        for kind, statuses in ALLOWED_STATUSES.items()
    )
    until = SUBSCRIBER.c.schedule["paused_until"].as_string()
    paused = sa.exists(reader.where(until > sa.cast(_D.day, sa.String)))
    not_paused = sa.or_(_D.kind != DeliveryKind.DIGEST, sa.not_(paused))
    channel = sa.select(sa.literal(1)).where(CHANNEL.c.id == _D.channel_id).correlate(DELIVERY)
    works = sa.or_(_D.channel_id.is_(None), sa.exists(channel.where(CHANNEL.c.state == ChannelState.ACTIVE)))
    return sa.or_(_D.kind == DeliveryKind.ADMIN, sa.and_(not_paused, works, sa.or_(*of_kind)))
