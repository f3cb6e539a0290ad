"""News of papers that subscribers were sent or saved, handed out when it is recorded, told once."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from pydantic import TypeAdapter

from digest.db.dialects import in_values, insert
from digest.db.tables import DELIVERY, PAPER_NEWS, READER_NEWS, SAVED_PAPER, SENT_PAPER
from digest.models import Delivery, DeliveryKind, NewDelivery, Paper
from digest.models.deliveries import UNDELIVERED_STATES
from digest.models.editions import PaperNews
from digest.models.news import find_news

_NEWS = TypeAdapter(PaperNews)
_TOLD = sa.and_(
    READER_NEWS.c.subscriber_id == sa.bindparam("reader"), READER_NEWS.c.news_id == sa.bindparam("news")
)
# Another message of the same edition, by mail or to a channel, that arrived or still may.
_OTHER = (
    sa.select(sa.literal(1))
    .where(
        DELIVERY.c.subscriber_id == READER_NEWS.c.subscriber_id,
        DELIVERY.c.day == sa.bindparam("edition"),
        DELIVERY.c.id != sa.bindparam("delivery"),
        DELIVERY.c.kind == DeliveryKind.DIGEST,
        *(DELIVERY.c.state != state for state in UNDELIVERED_STATES),  # NOT IN cannot be run for many rows
    )
    .correlate(READER_NEWS)
)
_RELEASE = (
    sa.update(READER_NEWS)
    .where(
        READER_NEWS.c.subscriber_id == sa.bindparam("reader"),
        READER_NEWS.c.delivery_id == sa.bindparam("delivery"),
        sa.not_(sa.exists(_OTHER)),
    )
    .values(delivery_id=None)
)


class News:
    """Repository of news."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def record(self, changes: Iterable[tuple[Paper, Paper]], *, at: datetime) -> int:
        """Store what happened to papers, as pairs of before and after; return how many news are new.

        Each is handed to the subscribers who were sent or saved the paper until now; what nobody knows is
        no news.
        """
        found = [
            (news, {before.id, *before.aliases})
            for before, after in changes
            for news in find_news(before, after)
        ]
        known = self._find_known({name for _, names in found for name in names})
        count = 0
        for news, names in found:
            if names & known and (news_id := self._add(news, at)) is not None:
                self._hand_out(news_id, names)
                count += 1
        return count

    def list_untold(
        self, subscriber_ids: Collection[int], *, since: datetime
    ) -> dict[int, tuple[PaperNews, ...]]:
        """Return the news since a moment that no message has told yet, by subscriber, oldest first."""
        query = (
            sa.select(READER_NEWS.c.subscriber_id, PAPER_NEWS.c.id, PAPER_NEWS.c.content)
            .join(PAPER_NEWS, PAPER_NEWS.c.id == READER_NEWS.c.news_id)
            .where(in_values(self._connection, READER_NEWS.c.subscriber_id, subscriber_ids))
            .where(READER_NEWS.c.delivery_id.is_(None), PAPER_NEWS.c.at >= since)
            .order_by(PAPER_NEWS.c.at, PAPER_NEWS.c.id)
        )
        untold: dict[int, tuple[PaperNews, ...]] = {}
        parsed: dict[int, PaperNews] = {}  # many subscribers are told the same
        for subscriber_id, news_id, content in self._connection.execute(query):
            if news_id not in parsed:
                parsed[news_id] = replace(_NEWS.validate_python(content), id=news_id)
            untold[subscriber_id] = (*untold.get(subscriber_id, ()), parsed[news_id])
        return untold

    def mark_told(self, deliveries: Iterable[NewDelivery], ids: Mapping[str, int]) -> None:
        """Record the news that these deliveries tell; *ids* are the ids of their rows, by key."""
        rows = [
            {"reader": delivery.subscriber_id, "news": news_id, "delivery": ids[delivery.key]}
            for delivery in deliveries
            for news_id in delivery.news
        ]
        if rows:
            told = sa.update(READER_NEWS).where(_TOLD).values(delivery_id=sa.bindparam("delivery"))
            self._connection.execute(told, rows)

    def release(self, deliveries: Iterable[Delivery]) -> None:
        """Let the news of deliveries that certainly did not arrive be told by a later one."""
        rows = [
            {"reader": delivery.subscriber_id, "edition": delivery.day, "delivery": delivery.id}
            for delivery in deliveries
            if delivery.payload.get("news") and not delivery.uncertain
        ]
        if rows:
            self._connection.execute(_RELEASE, rows)

    def delete_before(self, before: datetime) -> int:
        """Delete news recorded before a moment, told or not; return how many."""
        return self._connection.execute(sa.delete(PAPER_NEWS).where(PAPER_NEWS.c.at < before)).rowcount

    def _find_known(self, names: Collection[str]) -> set[str]:
        """Return those of these paper ids that were sent to or saved by anybody."""
        if not names:
            return set()
        queries = (
            sa.select(table.c.paper_id).where(in_values(self._connection, table.c.paper_id, names)).distinct()
            for table in (SENT_PAPER, SAVED_PAPER)
        )
        return {name for query in queries for name in self._connection.scalars(query)}

    def _add(self, news: PaperNews, at: datetime) -> int | None:
        """Return the id of new news, or None if it is stored already."""
        content = _NEWS.dump_python(news, mode="json", exclude={"id"}, exclude_defaults=True)
        row = {"key": news.key, "at": at, "content": content}
        new = insert(self._connection, PAPER_NEWS).values(row).on_conflict_do_nothing()
        news_id: int | None = self._connection.scalar(new.returning(PAPER_NEWS.c.id))
        return news_id

    def _hand_out(self, news_id: int, names: Collection[str]) -> None:
        for table in (SENT_PAPER, SAVED_PAPER):
            known = in_values(self._connection, table.c.paper_id, names)
            readers = sa.select(table.c.subscriber_id, sa.literal(news_id)).where(known).distinct()
            new = insert(self._connection, READER_NEWS).from_select(["subscriber_id", "news_id"], readers)
            self._connection.execute(new.on_conflict_do_nothing())
