"""What subscribers said of papers, with the titles, for their timelines."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from digest.db.tables import PAPER, VOTE


@dataclass(frozen=True, slots=True)
class TitledVote:
    """A vote with the title of its paper; empty if the paper is known by another id now."""

    at: datetime
    verdict: str
    paper_id: str
    title: str


def list_votes(connection: sa.Connection, subscriber_id: int, *, limit: int = 30) -> list[TitledVote]:
    """Return the latest votes of a subscriber, newest first."""
    query = (
        sa.select(VOTE.c.at, VOTE.c.verdict, VOTE.c.paper_id, PAPER.c.title)
        .outerjoin(PAPER, PAPER.c.id == VOTE.c.paper_id)
        .where(VOTE.c.subscriber_id == subscriber_id)
        .order_by(VOTE.c.at.desc(), VOTE.c.id.desc())
        .limit(limit)
    )
    rows = connection.execute(query)
    return [TitledVote(row.at, row.verdict, row.paper_id, row.title or "") for row in rows]
