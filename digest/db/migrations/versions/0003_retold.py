"""Add `paper.retold`: the summary by the operator's language model, beside that of the source."""

import sqlalchemy as sa
from alembic import op

revision = "0003_retold"
down_revision = "0002_full_text"


def upgrade() -> None:
    # Not in batch mode, which rebuilds the table and so would drop the full-text triggers.
    op.add_column("paper", sa.Column("retold", sa.String(), nullable=False, server_default=""))
