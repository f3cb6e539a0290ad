"""Keep one vote per subscriber and paper, with the reason for "less" and what undoing it takes back."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012_votes"
down_revision = "0011_administrators"


def upgrade() -> None:
    json = sa.JSON().with_variant(JSONB(), "postgresql")
    for name in ("reason", "replaced"):
        op.add_column("vote", sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.add_column("vote", sa.Column("learnt", json, nullable=False, server_default="{}"))
    op.create_index("ix_vote_subscriber_id_paper_id", "vote", ["subscriber_id", "paper_id"], unique=True)
