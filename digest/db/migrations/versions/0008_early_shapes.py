"""Bring databases of the very first versions, whose first step was another one, into the common shape.

That step laid a table of editions, and lacked `subscriber.status_since` and `delivery.body_out`.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008_early_shapes"
down_revision = "0007_evidence"


def upgrade() -> None:
    if sa.inspect(op.get_bind()).has_table("edition"):
        op.drop_index("ix_delivery_edition_id_state", "delivery")
        with op.batch_alter_table("delivery", table_kwargs={"sqlite_autoincrement": True}) as delivery:
            delivery.drop_constraint("fk_delivery_edition_id_edition", type_="foreignkey")
            delivery.drop_column("edition_id")
        op.drop_table("edition")
    _add_missing("delivery", sa.Column("body_out", sa.Boolean(), nullable=False, server_default=sa.false()))
    never = sa.Column("status_since", sa.DateTime(timezone=True), nullable=False, server_default="1970-01-01")
    if _add_missing("subscriber", never):
        op.execute("UPDATE subscriber SET status_since = coalesce(confirmed_at, created_at)")


def _add_missing(table: str, column: sa.Column[Any]) -> bool:
    columns = sa.inspect(op.get_bind()).get_columns(table)
    is_missing = all(existing["name"] != column.name for existing in columns)
    if is_missing:
        op.add_column(table, column)
    return is_missing
