"""Pack the papers that were sent into their deliveries, instead of one row for each."""

from array import array
from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby, islice
from math import nan
from operator import itemgetter
from struct import Struct, pack

import sqlalchemy as sa
from alembic import op

revision = "0016_packed_papers"
down_revision = "0015_hub_repositories"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
RECORD = Struct("<Iff?")  # as in subscribers/sent_papers.py
CHUNK_SIZE = 2000
MAX_INDEXED = 2_000_000  # papers of deliveries that are held in memory: 16 MB
NUMBERS = """
    SELECT paper_id, coalesce(
        (SELECT number FROM paper WHERE id = paper_id), (SELECT min(number) FROM alias WHERE key = paper_id))
    FROM (SELECT DISTINCT paper_id FROM sent_paper) AS mailed"""
SENT = sa.text(
    "SELECT delivery_id, paper_id, expected, votes, resent FROM sent_paper"
    " ORDER BY subscriber_id, day, delivery_id"
)
UPDATE = sa.text("UPDATE delivery SET papers = :papers WHERE id = :id")
INSERT = sa.text(
    "INSERT INTO mailed_paper (number, delivery_id, offsets) VALUES (:number, :delivery_id, :offsets)"
)


def upgrade() -> None:
    op.add_column("delivery", sa.Column("papers", sa.LargeBinary(), nullable=True))
    op.create_table(
        "mailed_paper",
        sa.Column("id", ID, nullable=False),
        sa.Column("number", ID, nullable=False),
        sa.Column("delivery_id", ID, nullable=False),
        sa.Column("offsets", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"], ["paper.number"], name="fk_mailed_paper_number_paper", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_mailed_paper"),
    )
    _pack(op.get_bind())
    op.create_index("ix_mailed_paper_number", "mailed_paper", ["number"])
    op.drop_table("sent_paper")


def _pack(connection: sa.Connection) -> None:
    deliveries = _read_deliveries(connection)
    mailed: defaultdict[int, array[int]] = defaultdict(lambda: array("Q"))
    indexed = 0
    while chunk := [*islice(deliveries, CHUNK_SIZE)]:
        rows = [
            {"id": delivery_id, "papers": b"".join(RECORD.pack(*record) for record in records)}
            for delivery_id, records in chunk
        ]
        connection.execute(UPDATE, rows)
        for delivery_id, records in chunk:
            indexed += len(records)
            for number, *_ in records:
                mailed[number].append(delivery_id)
        if indexed > MAX_INDEXED:
            _write_index(connection, mailed)
            indexed = 0
    _write_index(connection, mailed)


def _read_deliveries(connection: sa.Connection) -> Iterator[tuple[int, list[tuple[int, float, float, bool]]]]:
    """Yield (id, records) of each delivery that brought papers; papers that are not stored are left out."""
    numbers = {row[0]: row[1] for row in connection.execute(sa.text(NUMBERS))}
    sent = connection.execute(SENT, execution_options={"yield_per": 10_000})
    for delivery_id, rows in groupby(sent, itemgetter(0)):
        known = [
            (numbers[paper_id], expected, nan if votes is None else votes, bool(resent))
            for _, paper_id, expected, votes, resent in rows
            if numbers[paper_id] is not None
        ]
        if known:
            yield delivery_id, known


def _write_index(connection: sa.Connection, mailed: "defaultdict[int, array[int]]") -> None:
    rows = []
    for number, ids in mailed.items():
        lowest = min(ids)
        offsets = pack(f"<{len(ids)}I", *(delivery_id - lowest for delivery_id in ids))
        rows.append({"number": number, "delivery_id": lowest, "offsets": offsets})
    if rows:
        connection.execute(INSERT, rows)
    mailed.clear()
