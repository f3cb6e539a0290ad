"""What was each reader sent? So that nothing comes twice, unless it broke out since."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache

import sqlalchemy as sa

from digest.db.dialects import among, insert_many
from digest.db.tables import SENT_PAPER
from digest.models import Delivery, NewDelivery, Sent

_SENT = ("subscriber_id", "day", "paper_id", "resent", "expected", "votes", "delivery_id")
_RELEASE = sa.delete(SENT_PAPER).where(
    SENT_PAPER.c.subscriber_id == sa.bindparam("reader"),
    SENT_PAPER.c.day == sa.bindparam("on"),
    SENT_PAPER.c.delivery_id == sa.bindparam("delivery"),
)


class SentPapers:
    """The memory of papers sent, or about to be."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def of(self, subscriber_ids: Collection[int]) -> dict[int, dict[str, Sent]]:
        """What each of these readers was sent or is about to be sent, by paper; the latest day counts."""
        query = sa.select(
            SENT_PAPER.c.subscriber_id,
            SENT_PAPER.c.paper_id,
            SENT_PAPER.c.day,
            SENT_PAPER.c.expected,
            SENT_PAPER.c.votes,
            SENT_PAPER.c.resent,
        ).where(among(self._connection, SENT_PAPER.c.subscriber_id, subscriber_ids))
        memory: dict[int, dict[str, Sent]] = {reader: {} for reader in subscriber_ids}
        query = query.order_by(SENT_PAPER.c.subscriber_id, SENT_PAPER.c.day)
        for reader, paper, day, expected, votes, resent in self._connection.execute(query).all():
            memory[reader][paper] = _sent(day, expected, votes, resent)
        return memory

    def remember(self, planned: Sequence[NewDelivery], ids: Mapping[str, int]) -> None:
        """The papers of these mails; `ids` are the rows of the ledger, by key."""
        rows = [
            (reader, day or sent.day.isoformat(), paper, sent.resent, sent.expected, sent.votes, mail)
            for plan in planned
            for reader, day, mail in ((plan.subscriber_id, plan.day and plan.day.isoformat(), ids[plan.key]),)
            for paper, sent in plan.papers.items()
        ]
        if rows:
            insert_many(self._connection, SENT_PAPER, _SENT, rows)

    def release(self, deliveries: Iterable[Delivery]) -> None:
        """What was in these mails may be sent another day; not that of mails which may have arrived."""
        ends = [
            {"reader": each.subscriber_id, "on": each.day, "delivery": each.id}
            for each in deliveries
            if each.subscriber_id is not None and each.day is not None and not each.uncertain
        ]
        if ends:
            self._connection.execute(_RELEASE, ends)

    def forget(self, readers: Collection[int], before: date) -> int:
        """Drop what these readers were sent before a day: papers that old are no candidates any more."""
        theirs = among(self._connection, SENT_PAPER.c.subscriber_id, readers) & (SENT_PAPER.c.day < before)
        return self._connection.execute(sa.delete(SENT_PAPER).where(theirs)).rowcount


@lru_cache(maxsize=16_384)  # thousands of readers were sent the same papers
def _sent(day: date, expected: float, votes: float | None, resent: bool) -> Sent:  # noqa: FBT001  a row
    return Sent(day=day, expected=expected, votes=votes, resent=resent)
