"""Add the models, datasets and Spaces on Hugging Face that cite a paper."""

import sqlalchemy as sa
from alembic import op

revision = "0015_hub_repositories"
down_revision = "0014_channels"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "hub_repository",
        sa.Column("number", ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("likes", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"], ["paper.number"], name="fk_hub_repository_number_paper", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("number", "kind", "name", name="pk_hub_repository"),
        sqlite_with_rowid=False,
    )
