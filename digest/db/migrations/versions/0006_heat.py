"""Add the heat values that editions show."""

import sqlalchemy as sa
from alembic import op

revision = "0006_heat"
down_revision = "0005_past"


def upgrade() -> None:
    op.create_table(
        "heat",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("told", sa.String(), nullable=False),
        sa.Column("needed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_heat"),
        sqlite_with_rowid=False,
    )
