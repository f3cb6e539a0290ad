"""Papers each subscriber was sent, so that none is sent twice unless it broke out since."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache

import sqlalchemy as sa

from digest.db.dialects import in_values, insert_many
from digest.db.papers.news import News
from digest.db.tables import DELIVERY, SENT_PAPER
from digest.models import Delivery, DeliveryKind, NewDelivery, Sent
from digest.models.deliveries import UNDELIVERED_STATES

_COLUMNS = ("subscriber_id", "day", "paper_id", "resent", "expected", "votes", "delivery_id")
_OF_DELIVERY = sa.and_(
    SENT_PAPER.c.subscriber_id == sa.bindparam("subscriber"),
    SENT_PAPER.c.day == sa.bindparam("sent_on"),
    SENT_PAPER.c.delivery_id == sa.bindparam("delivery"),
)
_RELEASE = sa.delete(SENT_PAPER).where(_OF_DELIVERY)
# Another message of the same edition, by mail or to a channel, that arrived or still may.
_OTHER = (
    sa.select(sa.func.min(DELIVERY.c.id))
    .where(
        DELIVERY.c.subscriber_id == sa.bindparam("subscriber"),
        DELIVERY.c.day == sa.bindparam("sent_on"),
        DELIVERY.c.kind == DeliveryKind.DIGEST,
        *(DELIVERY.c.state != state for state in UNDELIVERED_STATES),  # NOT IN cannot be run for many rows
    )
    .scalar_subquery()
)
_HAND_OVER = sa.update(SENT_PAPER).where(_OF_DELIVERY, _OTHER.is_not(None)).values(delivery_id=_OTHER)


class SentPapers:
    """Repository of papers sent, or queued to be sent."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get_by_subscriber(
        self, subscriber_ids: Collection[int], *, since: date | None = None
    ) -> dict[int, dict[str, Sent]]:
        """Return what each subscriber was or will be sent from *since* on, by paper id; the last time counts.

        None reads everything that is kept: up to 400 days.
        """
        query = sa.select(
            SENT_PAPER.c.subscriber_id,
            SENT_PAPER.c.paper_id,
            SENT_PAPER.c.day,
            SENT_PAPER.c.expected,
            SENT_PAPER.c.votes,
            SENT_PAPER.c.resent,
        ).where(in_values(self._connection, SENT_PAPER.c.subscriber_id, subscriber_ids))
        sent: dict[int, dict[str, Sent]] = {subscriber_id: {} for subscriber_id in subscriber_ids}
        if since is not None:
            query = query.where(SENT_PAPER.c.day >= since)
        query = query.order_by(SENT_PAPER.c.subscriber_id, SENT_PAPER.c.day)
        for subscriber_id, paper_id, day, expected, votes, resent in self._connection.execute(query).all():
            sent[subscriber_id][paper_id] = _get_sent(day, expected, votes, resent)
        return sent

    def add(self, deliveries: Sequence[NewDelivery], ids: Mapping[str, int]) -> None:
        """Add the papers of these deliveries; *ids* are the ids of their rows, by key."""
        rows = [
            (
                delivery.subscriber_id,
                day or sent.day.isoformat(),
                paper_id,
                sent.resent,
                sent.expected,
                sent.votes,
                delivery_id,
            )
            for delivery in deliveries
            for day, delivery_id in ((delivery.day and delivery.day.isoformat(), ids[delivery.key]),)
            for paper_id, sent in delivery.papers.items()
        ]
        if rows:
            insert_many(self._connection, SENT_PAPER, _COLUMNS, rows)

    def release(self, deliveries: Iterable[Delivery]) -> None:
        """Delete the papers of deliveries that certainly did not arrive, so that they may be sent later.

        If another message of the same edition arrived or still may, the papers count as that one's.
        """
        failed = [
            delivery
            for delivery in deliveries
            if delivery.subscriber_id is not None and delivery.day is not None and not delivery.uncertain
        ]
        rows = [
            {"subscriber": delivery.subscriber_id, "sent_on": delivery.day, "delivery": delivery.id}
            for delivery in failed
        ]
        if rows:
            self._connection.execute(_HAND_OVER, rows)
            self._connection.execute(_RELEASE, rows)
            News(self._connection).release(failed)

    def delete_before(self, subscriber_ids: Collection[int], before: date) -> int:
        """Delete what these subscribers were sent before a day; papers that old are no longer candidates."""
        old = in_values(self._connection, SENT_PAPER.c.subscriber_id, subscriber_ids) & (
            SENT_PAPER.c.day < before
        )
        return self._connection.execute(sa.delete(SENT_PAPER).where(old)).rowcount


@lru_cache(maxsize=16_384)  # thousands of subscribers are sent the same papers
def _get_sent(day: date, expected: float, votes: float | None, resent: bool) -> Sent:  # noqa: FBT001  a row
    return Sent(day=day, expected=expected, votes=votes, resent=resent)
