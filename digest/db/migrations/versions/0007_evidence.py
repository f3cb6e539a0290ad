"""Add the evidence of bounces and suppressions, and whether a suppression was held back."""

import sqlalchemy as sa
from alembic import op

revision = "0007_evidence"
down_revision = "0006_heat"


def upgrade() -> None:
    for name in ("reason", "reply", "answer"):
        op.add_column("delivery_event", sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.add_column(
        "delivery_event", sa.Column("held", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    for name in ("evidence", "prior_status"):
        op.add_column("suppression", sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.create_index("ix_suppression_at", "suppression", ["at"])
