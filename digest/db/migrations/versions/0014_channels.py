"""Add channels beside mail, which deliveries go to them, and the readers' own API tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0014_channels"
down_revision = "0013_saved"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "channel",
        sa.Column("id", ID, nullable=False),
        sa.Column("pid", sa.String(), nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("sealed_url", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscriber.id"],
            name="fk_channel_subscriber_id_subscriber",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_channel"),
        sa.UniqueConstraint("pid", name="uq_channel_pid"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_channel_subscriber_id", "channel", ["subscriber_id"])
    op.create_table(
        "reader_token",
        sa.Column("id", ID, nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("shown", sa.String(), nullable=False),
        sa.Column("may_write", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscriber.id"],
            name="fk_reader_token_subscriber_id_subscriber",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_reader_token"),
        sa.UniqueConstraint("hash", name="uq_reader_token_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reader_token_subscriber_id", "reader_token", ["subscriber_id"])
    op.add_column("delivery", sa.Column("channel_id", ID, nullable=True))
    queued = sa.text("state = 'queued' AND channel_id IS NOT NULL")
    op.create_index(
        "ix_delivery_channel_queue",
        "delivery",
        ["priority", "not_before", "id"],
        sqlite_where=queued,
        postgresql_where=queued,
    )
