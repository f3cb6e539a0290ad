"""Add the keys under which papers are found today: titles and identifiers are compared more leniently."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from digest.models import Paper
from digest.models.paper_ids import build_keys

revision = "0009_paper_keys"
down_revision = "0008_early_shapes"

CHUNK_SIZE = 2000
PAPER = sa.table(
    "paper",
    sa.column("number", sa.BigInteger()),
    sa.column("id", sa.String()),
    sa.column("title", sa.String()),
    sa.column("authors", sa.JSON()),
    sa.column("aliases", sa.JSON()),
    sa.column("published", sa.DateTime(timezone=True)),
)
# Only a title key may belong to several papers.
INSERT = sa.text(
    "INSERT INTO alias (key, number) SELECT CAST(:key AS VARCHAR), CAST(:number AS BIGINT)"
    " WHERE CAST(:key AS VARCHAR) LIKE 'title:%' OR NOT EXISTS (SELECT 1 FROM alias WHERE key = :key)"
    " ON CONFLICT DO NOTHING"
)


def upgrade() -> None:
    connection = op.get_bind()
    for rows in _read_chunks(connection):
        keys = [{"key": key, "number": row.number} for row in rows for key in _build_keys(row)]
        if keys:
            connection.execute(INSERT, keys)


def _read_chunks(connection: sa.Connection) -> Iterator[Sequence[sa.Row[Any]]]:
    last = -1
    while rows := connection.execute(
        sa.select(PAPER).where(PAPER.c.number > last).order_by(PAPER.c.number).limit(CHUNK_SIZE)
    ).all():
        yield rows
        last = rows[-1].number


def _build_keys(row: sa.Row[Any]) -> tuple[str, ...]:
    published: datetime | None = row.published
    paper = Paper(
        id=row.id,
        title=row.title,
        authors=tuple(row.authors),
        aliases=tuple(row.aliases),
        published=published.replace(tzinfo=published.tzinfo or UTC).astimezone(UTC) if published else None,
    )
    return build_keys(paper)
