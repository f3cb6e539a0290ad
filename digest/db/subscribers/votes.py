"""Votes of subscribers on papers: one per subscriber and paper, the latest."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa

from digest.db.base import Repository, from_row
from digest.db.tables import PAPER, VOTE
from digest.models import Paper
from digest.models.votes import Vote


@dataclass(frozen=True, slots=True)
class TitledVote:
    """A vote with the title of its paper; empty if the paper is known by another id now."""

    at: datetime
    verdict: str
    paper_id: str
    title: str


class Votes(Repository):
    """Repository of votes."""

    def find(self, subscriber_id: int, paper: Paper) -> Vote | None:
        """Return the vote of a subscriber on a paper, under any of its ids; None if there is none."""
        row = self._connection.execute(
            sa.select(VOTE).where(self._is_on(subscriber_id, paper)).order_by(VOTE.c.at.desc())
        ).first()
        return from_row(Vote, row) if row else None

    def list_by_subscriber(self, subscriber_id: int) -> tuple[Vote, ...]:
        """Return all votes of a subscriber, newest first."""
        query = sa.select(VOTE).where(VOTE.c.subscriber_id == subscriber_id)
        rows = self._connection.execute(query.order_by(VOTE.c.at.desc(), VOTE.c.id))
        return tuple(from_row(Vote, row) for row in rows)

    def list_titled(self, subscriber_id: int, *, limit: int = 30) -> list[TitledVote]:
        """Return the latest votes of a subscriber, newest first."""
        query = (
            sa.select(VOTE.c.at, VOTE.c.verdict, VOTE.c.paper_id, PAPER.c.title)
            .outerjoin(PAPER, PAPER.c.id == VOTE.c.paper_id)
            .where(VOTE.c.subscriber_id == subscriber_id)
            .order_by(VOTE.c.at.desc(), VOTE.c.id.desc())
            .limit(limit)
        )
        rows = self._connection.execute(query)
        return [from_row(TitledVote, row, title=row.title or "") for row in rows]

    def list_unwanted(self, subscriber_ids: Sequence[int], since: datetime) -> Iterator[tuple[int, str]]:
        """Yield subscriber and paper of each "less" since this moment, whatever its reason."""
        unwanted = sa.select(VOTE.c.subscriber_id, VOTE.c.paper_id).where(
            self._in(VOTE.c.subscriber_id, subscriber_ids),
            VOTE.c.verdict == "less",
            VOTE.c.at >= since,
        )
        yield from ((row.subscriber_id, row.paper_id) for row in self._connection.execute(unwanted))

    def replace(self, subscriber_id: int, paper: Paper, vote: Vote | None) -> None:
        """Store a vote in place of the former one on this paper; None only deletes."""
        self._delete(VOTE, self._is_on(subscriber_id, paper))
        if vote is not None:
            new = sa.insert(VOTE).values(subscriber_id=subscriber_id, **asdict(vote))
            self._connection.execute(new)

    def set_learnt(self, subscriber_id: int, paper_id: str, learnt: Mapping[str, float]) -> None:
        """Replace what undoing a vote takes back."""
        is_one = (VOTE.c.subscriber_id == subscriber_id) & (VOTE.c.paper_id == paper_id)
        self._update(VOTE, is_one, learnt=dict(learnt))

    def delete(self, subscriber_id: int, paper_id: str = "") -> None:
        """Delete the vote on a paper; without *paper_id* all votes of the subscriber."""
        is_one = VOTE.c.paper_id == paper_id if paper_id else sa.true()
        self._delete(VOTE, VOTE.c.subscriber_id == subscriber_id, is_one)

    def _is_on(self, subscriber_id: int, paper: Paper) -> sa.ColumnElement[bool]:
        names = self._in(VOTE.c.paper_id, [paper.id, *paper.aliases])
        return sa.and_(VOTE.c.subscriber_id == subscriber_id, names)
