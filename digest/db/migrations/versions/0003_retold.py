"""Retold: what the operator's language model says of a paper, beside the source's own summary."""

import sqlalchemy as sa
from alembic import op

revision = "0003_retold"
down_revision = "0002_full_text"


def upgrade() -> None:
    # Added in place, not by batch mode's rebuilding: the full-text triggers hang on this very table.
    op.add_column("paper", sa.Column("retold", sa.String(), nullable=False, server_default=""))
