"""News of papers that subscribers were sent or saved, handed out when it is recorded, told once."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from pydantic import TypeAdapter

from digest.db.base import Repository
from digest.db.dialects import insert
from digest.db.papers.aliases import find_numbers
from digest.db.subscribers.sent_papers import COUNTS_AS_SENT, SentPapers
from digest.db.tables import DELIVERY, PAPER_NEWS, READER_NEWS, SAVED_PAPER
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


class News(Repository):
    """Repository of news."""

    def record(self, changes: Iterable[tuple[Paper, Paper]], *, at: datetime) -> int:
        """Store what happened to papers, as pairs of before and after; return how many news are new.

        Each is handed to the subscribers who were sent or saved the paper until now; what nobody knows is
        no news.
        """
        found = [(news, before) for before, after in changes for news in find_news(before, after)]
        if not found:
            return 0
        numbers = find_numbers(self._connection, {before.id for _, before in found})
        mailed = SentPapers(self._connection).find_deliveries({*numbers.values()})
        saved = self._find_saved({name for _, before in found for name in _get_names(before)})
        count = 0
        for news, before in found:
            names, deliveries = _get_names(before), mailed.get(numbers.get(before.id, 0), ())
            if (deliveries or names & saved) and (news_id := self._add(news, at)) is not None:
                self._hand_out(news_id, names, deliveries)
                count += 1
        return count

    def list_untold(
        self, subscriber_ids: Collection[int], *, since: datetime
    ) -> dict[int, tuple[PaperNews, ...]]:
        """Return the news since a moment that no message has told yet, by subscriber, oldest first."""
        query = (
            sa.select(READER_NEWS.c.subscriber_id, PAPER_NEWS.c.id, PAPER_NEWS.c.content)
            .join(PAPER_NEWS, PAPER_NEWS.c.id == READER_NEWS.c.news_id)
            .where(self._in(READER_NEWS.c.subscriber_id, subscriber_ids))
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
        return self._delete(PAPER_NEWS, PAPER_NEWS.c.at < before)

    def _find_saved(self, names: Collection[str]) -> set[str]:
        """Return those of these paper ids that anybody saved."""
        saved = self._in(SAVED_PAPER.c.paper_id, names)
        return {*self._connection.scalars(sa.select(SAVED_PAPER.c.paper_id).where(saved).distinct())}

    def _add(self, news: PaperNews, at: datetime) -> int | None:
        """Return the id of new news, or None if it is stored already."""
        content = _NEWS.dump_python(news, mode="json", exclude={"id"}, exclude_defaults=True)
        row = {"key": news.key, "at": at, "content": content}
        new = insert(self._connection, PAPER_NEWS).values(row).on_conflict_do_nothing()
        news_id: int | None = self._connection.scalar(new.returning(PAPER_NEWS.c.id))
        return news_id

    def _hand_out(self, news_id: int, names: Collection[str], deliveries: Collection[int]) -> None:
        """Hand news to those who saved the paper, or were sent it by one of these deliveries."""
        were_sent = self._in(DELIVERY.c.id, deliveries) & COUNTS_AS_SENT
        conditions = {
            SAVED_PAPER.c.subscriber_id: self._in(SAVED_PAPER.c.paper_id, names),
            DELIVERY.c.subscriber_id: were_sent & DELIVERY.c.subscriber_id.is_not(None),
        }
        for subscriber_id, condition in conditions.items():
            readers = sa.select(subscriber_id, sa.literal(news_id)).where(condition).distinct()
            new = insert(self._connection, READER_NEWS).from_select(["subscriber_id", "news_id"], readers)
            self._connection.execute(new.on_conflict_do_nothing())


def _get_names(paper: Paper) -> set[str]:
    return {paper.id, *paper.aliases}
