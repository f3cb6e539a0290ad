"""Votes of subscribers on papers: one per subscriber and paper, the latest."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from digest.db.dialects import in_values
from digest.db.tables import VOTE
from digest.models import Paper
from digest.models.votes import Vote


class Votes:
    """Repository of votes."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def find(self, subscriber_id: int, paper: Paper) -> Vote | None:
        """Return the vote of a subscriber on a paper, under any of its ids; None if there is none."""
        row = self._connection.execute(
            sa.select(VOTE).where(self._is_on(subscriber_id, paper)).order_by(VOTE.c.at.desc())
        ).first()
        return _to_vote(row) if row else None

    def list_by_subscriber(self, subscriber_id: int) -> tuple[Vote, ...]:
        """Return all votes of a subscriber, newest first."""
        query = sa.select(VOTE).where(VOTE.c.subscriber_id == subscriber_id)
        return tuple(map(_to_vote, self._connection.execute(query.order_by(VOTE.c.at.desc(), VOTE.c.id))))

    def list_unwanted(self, subscriber_ids: Sequence[int], since: datetime) -> Iterator[tuple[int, str]]:
        """Yield subscriber and paper of each "less" since this moment, whatever its reason."""
        unwanted = sa.select(VOTE.c.subscriber_id, VOTE.c.paper_id).where(
            in_values(self._connection, VOTE.c.subscriber_id, subscriber_ids),
            VOTE.c.verdict == "less",
            VOTE.c.at >= since,
        )
        yield from ((row.subscriber_id, row.paper_id) for row in self._connection.execute(unwanted))

    def replace(self, subscriber_id: int, paper: Paper, vote: Vote | None) -> None:
        """Store a vote in place of the former one on this paper; None only deletes."""
        self._connection.execute(sa.delete(VOTE).where(self._is_on(subscriber_id, paper)))
        if vote is None:
            return
        row = {
            "subscriber_id": subscriber_id,
            "paper_id": vote.paper_id,
            "verdict": vote.verdict,
            "reason": vote.reason,
            "at": vote.at,
            "learnt": dict(vote.learnt),
            "replaced": vote.replaced,
        }
        self._connection.execute(sa.insert(VOTE).values(row))

    def set_learnt(self, subscriber_id: int, paper_id: str, learnt: Mapping[str, float]) -> None:
        """Replace what undoing a vote takes back."""
        update = sa.update(VOTE).where(VOTE.c.subscriber_id == subscriber_id, VOTE.c.paper_id == paper_id)
        self._connection.execute(update.values(learnt=dict(learnt)))

    def delete(self, subscriber_id: int, paper_id: str = "") -> None:
        """Delete the vote on a paper; without *paper_id* all votes of the subscriber."""
        delete = sa.delete(VOTE).where(VOTE.c.subscriber_id == subscriber_id)
        self._connection.execute(delete.where(VOTE.c.paper_id == paper_id) if paper_id else delete)

    def _is_on(self, subscriber_id: int, paper: Paper) -> sa.ColumnElement[bool]:
        names = in_values(self._connection, VOTE.c.paper_id, [paper.id, *paper.aliases])
        return sa.and_(VOTE.c.subscriber_id == subscriber_id, names)


def _to_vote(row: sa.Row[Any]) -> Vote:
    return Vote(
        paper_id=row.paper_id,
        verdict=row.verdict,
        reason=row.reason,
        at=row.at,
        learnt=dict(row.learnt),
        replaced=row.replaced,
    )
