"""Store what deliveries say apart from their states, which are written often."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0017_delivery_content"
down_revision = "0016_packed_papers"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "delivery_content",
        sa.Column("delivery_id", ID, nullable=False, autoincrement=False),
        sa.Column("payload", JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["delivery.id"],
            name="fk_delivery_content_delivery_id_delivery",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("delivery_id", name="pk_delivery_content"),
    )
    op.execute(
        "INSERT INTO delivery_content (delivery_id, payload)"
        " SELECT id, payload FROM delivery WHERE CAST(payload AS TEXT) <> '{}' ORDER BY id"
    )
    op.drop_column("delivery", "payload")
