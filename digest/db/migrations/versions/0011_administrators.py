"""Add administrators, their sessions and API tokens, and what each run did."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011_administrators"
down_revision = "0010_admin"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "administrator",
        sa.Column("id", ID, nullable=False),
        *_texts("pid", "name", "address"),
        sa.Column("mailbox", sa.String(), nullable=True),
        *_texts("role"),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("accepted_at", MOMENT, nullable=True),
        sa.Column("signed_in_at", MOMENT, nullable=True),
        sa.Column("removed_at", MOMENT, nullable=True),
        sa.Column("links_used", sa.Integer(), nullable=False),
        sa.Column("oidc_subject", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_administrator"),
        sa.UniqueConstraint("pid", name="uq_administrator_pid"),
        sa.UniqueConstraint("mailbox", name="uq_administrator_mailbox"),
        sa.UniqueConstraint("oidc_subject", name="uq_administrator_oidc_subject"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "admin_session",
        *_texts("pid", "key"),
        sa.Column("administrator_id", ID, nullable=True),
        *_texts("credential", "method", "browser"),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        _refer_to_administrator("admin_session"),
        sa.PrimaryKeyConstraint("pid", name="pk_admin_session"),
        sa.UniqueConstraint("key", name="uq_admin_session_key"),
    )
    op.create_index("ix_admin_session_administrator_id", "admin_session", ["administrator_id"])
    op.create_table(
        "admin_token",
        *_texts("pid", "key"),
        sa.Column("administrator_id", ID, nullable=False),
        *_texts("name", "hint", "scope"),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("used_at", MOMENT, nullable=True),
        _refer_to_administrator("admin_token"),
        sa.PrimaryKeyConstraint("pid", name="pk_admin_token"),
        sa.UniqueConstraint("key", name="uq_admin_token_key"),
        sa.UniqueConstraint("administrator_id", "name", name="uq_admin_token_administrator_id_name"),
    )
    op.create_table(
        "run",
        sa.Column("id", ID, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
    )
    op.create_index("ix_run_ended_at", "run", ["ended_at"])


def _texts(*names: str) -> tuple[sa.Column[str], ...]:
    return tuple(sa.Column(name, sa.String(), nullable=False) for name in names)


def _refer_to_administrator(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["administrator_id"],
        ["administrator.id"],
        name=f"fk_{table}_administrator_id_administrator",
        ondelete="CASCADE",
    )
