"""Add former contents of mailed papers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005_past"
down_revision = "0004_vectors"


def upgrade() -> None:
    op.create_table(
        "paper_past",
        sa.Column("paper_id", sa.String(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("paper_id", "until", name="pk_paper_past"),
        sqlite_with_rowid=False,
    )
