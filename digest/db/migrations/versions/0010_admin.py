"""Add tags, votes, daily counts, saved filters, bulk operations, import reports, and indexes of filters."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010_admin"
down_revision = "0009_paper_keys"

CHUNK_SIZE = 2000
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)
FINISHED = sa.text("finished_at IS NOT NULL")
SUBSCRIBER = sa.table(
    "subscriber",
    sa.column("id", sa.BigInteger()),
    sa.column("profile", JSON),
    sa.column("schedule", JSON),
    sa.column("preferences", JSON),
    sa.column("frequency", sa.String()),
    sa.column("language", sa.String()),
)
KEYWORD = sa.table("subscriber_keyword", sa.column("subscriber_id", sa.BigInteger()), sa.column("keywords"))


def upgrade() -> None:
    _add_columns_of_subscribers()
    _add_tables_of_subscribers()
    _add_tables_of_administration()
    op.create_index("ix_audit_actor", "audit", ["actor"])
    op.create_index("ix_audit_action", "audit", ["action"])
    op.drop_index("ix_delivery_finished_at", "delivery")
    op.create_index(
        "ix_delivery_finished",
        "delivery",
        ["finished_at", "state", "kind", "attempt"],
        sqlite_where=FINISHED,
        postgresql_where=FINISHED,
    )
    _fill()
    op.drop_index("ix_subscriber_status", "subscriber")
    op.create_index("ix_subscriber_filter", "subscriber", ["status", "frequency", "language", "mailbox"])


def _add_columns_of_subscribers() -> None:
    for name in ("frequency", "language"):
        op.add_column("subscriber", sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.create_index("ix_subscriber_served_until", "subscriber", ["served_until"])


def _add_tables_of_subscribers() -> None:
    op.create_table(
        "subscriber_keyword",
        sa.Column("subscriber_id", ID, autoincrement=False, nullable=False),
        sa.Column("keywords", sa.String(), nullable=False),
        _refer_to_subscriber("subscriber_keyword"),
        sa.PrimaryKeyConstraint("subscriber_id", name="pk_subscriber_keyword"),
    )
    op.create_table(
        "subscriber_tag",
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        _refer_to_subscriber("subscriber_tag"),
        sa.PrimaryKeyConstraint("subscriber_id", "tag", name="pk_subscriber_tag"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_subscriber_tag_tag", "subscriber_tag", ["tag"])
    op.create_table(
        "vote",
        sa.Column("id", ID, nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("paper_id", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        _refer_to_subscriber("vote"),
        sa.PrimaryKeyConstraint("id", name="pk_vote"),
    )
    op.create_index("ix_vote_subscriber_id", "vote", ["subscriber_id"])
    op.create_index("ix_vote_at", "vote", ["at"])


def _add_tables_of_administration() -> None:
    op.create_table(
        "daily_count",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "name", name="pk_daily_count"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "saved_filter",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("query", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_saved_filter"),
    )
    op.create_table(
        "bulk_operation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.Column("query", sa.String(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("undone", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_bulk_operation"),
    )
    op.create_index("ix_bulk_operation_at", "bulk_operation", ["at"])
    op.create_table(
        "bulk_change",
        sa.Column("operation_id", sa.String(), nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("prior_status", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["operation_id"],
            ["bulk_operation.id"],
            name="fk_bulk_change_operation_id_bulk_operation",
            ondelete="CASCADE",
        ),
        _refer_to_subscriber("bulk_change"),
        sa.PrimaryKeyConstraint("operation_id", "subscriber_id", name="pk_bulk_change"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_bulk_change_subscriber_id", "bulk_change", ["subscriber_id"])
    op.create_table(
        "import_report",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("counts", JSON, nullable=False),
        sa.Column("noted", JSON, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_import_report"),
    )
    op.create_index("ix_import_report_at", "import_report", ["at"])


def _refer_to_subscriber(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_subscriber_id_subscriber"
    return sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=name, ondelete="CASCADE")


def _fill() -> None:
    """Copy what is searched from the JSON columns, in chunks."""
    connection, last = op.get_bind(), 0
    query = sa.select(SUBSCRIBER).order_by(SUBSCRIBER.c.id).limit(CHUNK_SIZE)
    update = sa.update(SUBSCRIBER).where(SUBSCRIBER.c.id == sa.bindparam("this"))
    update = update.values(frequency=sa.bindparam("frequency_"), language=sa.bindparam("language_"))
    while rows := connection.execute(query.where(SUBSCRIBER.c.id > last)).all():
        last = rows[-1].id
        connection.execute(
            update,
            [
                {
                    "this": row.id,
                    "frequency_": str(_read(row.schedule).get("frequency", "daily")),
                    "language_": str(_read(row.preferences).get("language", "en")),
                }
                for row in rows
            ],
        )
        keywords = {row.id: _join_keywords(_read(row.profile)) for row in rows}
        if any(keywords.values()):
            connection.execute(
                sa.insert(KEYWORD),
                [{"subscriber_id": key, "keywords": text} for key, text in keywords.items() if text],
            )


def _read(column: Any) -> dict[str, Any]:
    value = json.loads(column) if isinstance(column, str) else column
    return value if isinstance(value, dict) else {}


def _join_keywords(profile: dict[str, Any]) -> str:
    facets = [facet for facet in profile.get("facets", ()) if isinstance(facet, dict)]
    words = [*profile.get("keywords", ()), *(word for facet in facets for word in facet.get("keywords", ()))]
    names = [facet.get("name", "") for facet in facets]
    return "\n".join(str(word).casefold() for word in dict.fromkeys([*words, *names]) if word)
