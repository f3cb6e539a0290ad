"""Drop columns that nothing reads: earlier versions stored answers, overlaps and revisions there."""

from alembic import op

revision = "0018_unused_columns"
down_revision = "0017_delivery_content"

UNUSED = (
    ("source", "body"),
    ("source", "overlap"),
    ("reading", "overlap"),
    ("subscriber", "profile_revision"),
    ("outline", "revision"),
)


def upgrade() -> None:
    for table, column in UNUSED:
        op.drop_column(table, column)
