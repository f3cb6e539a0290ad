"""Add papers that readers save, their Zotero accounts, and news of papers that readers know."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0013_saved"
down_revision = "0012_votes"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "saved_paper",
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("paper_id", sa.String(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("tags", JSON, nullable=False),
        sa.Column("zotero_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscriber.id"],
            name="fk_saved_paper_subscriber_id_subscriber",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("subscriber_id", "paper_id", name="pk_saved_paper"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_saved_paper_paper_id", "saved_paper", ["paper_id"])
    op.create_table(
        "zotero_account",
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("library", sa.String(), nullable=False),
        sa.Column("sealed_key", sa.String(), nullable=False),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscriber.id"],
            name="fk_zotero_account_subscriber_id_subscriber",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("subscriber_id", name="pk_zotero_account"),
    )
    op.create_index("ix_zotero_account_next_at", "zotero_account", ["next_at"])
    op.create_table(
        "paper_news",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_paper_news"),
        sa.UniqueConstraint("key", name="uq_paper_news_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_paper_news_at", "paper_news", ["at"])
    op.create_table(
        "reader_news",
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("news_id", ID, nullable=False),
        sa.Column("delivery_id", ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscriber.id"],
            name="fk_reader_news_subscriber_id_subscriber",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["news_id"], ["paper_news.id"], name="fk_reader_news_news_id_paper_news", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subscriber_id", "news_id", name="pk_reader_news"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_reader_news_news_id", "reader_news", ["news_id"])
