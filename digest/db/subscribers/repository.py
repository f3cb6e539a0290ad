"""The repository of subscribers: lookup by address and id, paging, due times and erasure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from digest.db.base import Repository
from digest.db.deliveries.repository import erase_deliveries
from digest.db.dialects import insert, is_postgres
from digest.db.subscribers.rows import COLUMNS, create_public_id, join_keywords, to_row, to_subscriber
from digest.db.subscribers.search import EVERYBODY, SubscriberCriteria, SubscriberSearch
from digest.db.tables import DELIVERY, SUBSCRIBER, SUBSCRIBER_KEYWORD
from digest.models import Shard, Status, Subscriber
from digest.models.addresses import parse_address
from digest.models.errors import NotFound, require


class Subscribers(Repository):
    """Repository of subscribers."""

    def add(self, newcomer: Subscriber, *, now: datetime) -> Subscriber:
        """Add a subscriber, or return the existing one with this mailbox, unchanged."""
        self.add_many([replace(newcomer, public_id=create_public_id(), created_at=now)])
        return self.get_by_address(newcomer.address)

    def add_many(self, newcomers: Iterable[Subscriber]) -> int:
        """Add subscribers whose mailbox is new, with ids from the database; return how many were added."""
        added = [*newcomers]
        rows = [to_row(newcomer) for newcomer in added]
        texts = [join_keywords(newcomer.profile) for newcomer in added]
        if not rows:
            return 0
        new = insert(self._connection, SUBSCRIBER).on_conflict_do_nothing(index_elements=["mailbox"])
        count = self._connection.execute(new, rows).rowcount
        self._add_keywords(
            {row["pid"]: keywords for row, keywords in zip(rows, texts, strict=True) if keywords}
        )
        return count

    def get_by_address(self, address: str) -> Subscriber:
        """Return the subscriber with this address in any spelling; raise NotFound if there is none."""
        return require(self.find_by_address(address), "This address is not subscribed.")

    def find_by_address(self, address: str) -> Subscriber | None:
        """Return the subscriber with this address in any spelling, or None."""
        return self._find(SUBSCRIBER.c.mailbox == parse_address(address).mailbox)

    def get_by_public_id(self, public_id: str) -> Subscriber:
        """Return the subscriber with this public id; raise NotFound if there is none."""
        return require(self.find_by_public_id(public_id), "There is no such subscriber.")

    def find_by_public_id(self, public_id: str) -> Subscriber | None:
        """Return the subscriber with this public id, or None."""
        return self._find(SUBSCRIBER.c.pid == public_id)

    def get_by_id(self, subscriber_id: int) -> Subscriber:
        """Return the subscriber with this id; raise NotFound if there is none."""
        return require(self._find(SUBSCRIBER.c.id == subscriber_id), "There is no such subscriber.")

    def get_by_ids(self, ids: Collection[int]) -> dict[int, Subscriber]:
        """Return those of these subscribers that exist, by id."""
        query = sa.select(*COLUMNS).where(self._in(SUBSCRIBER.c.id, ids))
        return {row.id: to_subscriber(row) for row in self._connection.execute(query)}

    def get_by_addresses(self, addresses: Collection[str]) -> dict[str, Subscriber]:
        """Return the subscribers with these addresses, by mailbox."""
        mailboxes = {parse_address(address).mailbox for address in addresses}
        return self.get_by_mailboxes(mailboxes)

    def get_by_mailboxes(self, mailboxes: Collection[str]) -> dict[str, Subscriber]:
        """Return the subscribers with these mailboxes, by mailbox."""
        query = sa.select(*COLUMNS).where(self._in(SUBSCRIBER.c.mailbox, mailboxes))
        return {row.mailbox: to_subscriber(row) for row in self._connection.execute(query)}

    def get_by_public_ids(self, public_ids: Collection[str]) -> dict[str, Subscriber]:
        """Return those of these subscribers that exist, by public id."""
        query = sa.select(*COLUMNS).where(self._in(SUBSCRIBER.c.pid, public_ids))
        return {row.pid: to_subscriber(row) for row in self._connection.execute(query)}

    def save(self, subscriber: Subscriber) -> None:
        """Write a subscriber, except the cursor (see `set_cursors`); raise NotFound if they were erased."""
        self.save_many([subscriber])

    def save_many(self, subscribers: Sequence[Subscriber]) -> None:
        """Write many subscribers; raise NotFound if one of them was erased."""
        if not subscribers:
            return
        rows = [{**to_row(subscriber), "this": subscriber.id} for subscriber in subscribers]
        unchanged = {"pid", "created_at", "served_until"}
        columns = [name for name in rows[0] if name not in {"this", *unchanged}]
        values: dict[str, Any] = {name: sa.bindparam(name) for name in columns}
        update = sa.update(SUBSCRIBER).where(SUBSCRIBER.c.id == sa.bindparam("this")).values(values)
        result = self._connection.execute(
            update, [{name: row[name] for name in ("this", *columns)} for row in rows]
        )
        if result.rowcount != len(rows):
            raise NotFound("This subscriber was erased in the meantime.")
        self._save_keywords({subscriber.id: join_keywords(subscriber.profile) for subscriber in subscribers})

    def search(self, criteria: SubscriberCriteria = EVERYBODY) -> SubscriberSearch:
        """Return a search for the subscribers that match criteria."""
        return SubscriberSearch(self._connection, criteria)

    def list_after(
        self, subscriber_id: int = 0, *, limit: int = 1000, status: Status | None = None
    ) -> tuple[Subscriber, ...]:
        """Return the next subscribers by id, beginning after *subscriber_id*, to iterate in pages."""
        return self.search(SubscriberCriteria(status=status)).list_after(subscriber_id, limit=limit)

    def list_mailboxes(self, statuses: Collection[Status]) -> Iterator[tuple[int, str]]:
        """Yield id and mailbox of the subscribers in these statuses, read from an index alone."""
        query = sa.select(SUBSCRIBER.c.id, SUBSCRIBER.c.mailbox)
        query = query.where(SUBSCRIBER.c.status.in_([str(status) for status in statuses]))
        yield from ((row[0], row[1]) for row in self._connection.execute(query))

    def count_by_status(self) -> Mapping[Status, int]:
        """Return the number of subscribers by status; every status is listed."""
        return self.search().count_by_status()

    def list_due(self, now: datetime, limit: int, *, shard: Shard | None = None) -> tuple[Subscriber, ...]:
        """Return subscribers whose next edition is due, longest waiting first; of one shard or all."""
        in_shard = SUBSCRIBER.c.id.between(shard.first, shard.last) if shard else sa.true()
        query = (
            sa.select(*COLUMNS)
            .where(SUBSCRIBER.c.next_due <= now, in_shard)
            .order_by(SUBSCRIBER.c.next_due, SUBSCRIBER.c.id)
            .limit(limit)
        )
        return tuple(map(to_subscriber, self._connection.execute(query)))

    def list_due_shards(self, now: datetime, size: int) -> tuple[Shard, ...]:
        """Split all due subscribers by id into shards of *size*."""
        # "+ 0": by the bare id SQLite would scan all subscribers in order and not use the index of due times.
        index = sa.func.row_number().over(order_by=SUBSCRIBER.c.id + 0) - 1
        due = sa.select(SUBSCRIBER.c.id, (index // size).label("shard")).where(SUBSCRIBER.c.next_due <= now)
        row = due.subquery().c
        bounds = sa.select(sa.func.min(row.id), sa.func.max(row.id)).group_by(row.shard).order_by(row.shard)
        return tuple(Shard(first, last) for first, last in self._connection.execute(bounds))

    def get_earliest_due(self) -> datetime | None:
        """Return the earliest due time of all subscribers; None if nobody is due."""
        moment: datetime | None = self._connection.scalar(sa.select(sa.func.min(SUBSCRIBER.c.next_due)))
        return moment

    def set_next_due(self, moments: Mapping[int, datetime | None]) -> None:
        """Set the next due time of subscribers; those who are not confirmed are skipped."""
        if moments:
            is_confirmed = SUBSCRIBER.c.status == str(Status.CONFIRMED)
            self._connection.execute(
                sa.update(SUBSCRIBER)
                .where(SUBSCRIBER.c.id == sa.bindparam("this"), is_confirmed)
                .values(next_due=sa.bindparam("at")),
                [{"this": subscriber_id, "at": at} for subscriber_id, at in moments.items()],
            )

    def advance_next_due(self, moments: Mapping[int, datetime | None], *, now: datetime) -> None:
        """Set the next due time of those subscribers who are still due at *now*.

        Those whose due time changed meanwhile are skipped.
        """
        for at, ids in _group(moments):  # a chunk has few different moments
            is_due = self._in(SUBSCRIBER.c.id, ids) & (SUBSCRIBER.c.next_due <= now)
            self._update(SUBSCRIBER, is_due, next_due=at)

    def set_cursors(self, moments: Mapping[int, datetime]) -> None:
        """Record up to when papers first seen were considered for subscribers; a cursor never moves back."""
        for at, ids in _group(moments):
            is_behind = SUBSCRIBER.c.served_until.is_(None) | (SUBSCRIBER.c.served_until < at)
            is_one = self._in(SUBSCRIBER.c.id, ids)
            self._update(SUBSCRIBER, is_one, is_behind, served_until=at)

    def erase(self, subscriber_id: int, *, now: datetime) -> None:
        """Delete a subscriber and every trace of the address; cancel deliveries not yet being sent."""
        erase_deliveries(self._connection, DELIVERY.c.subscriber_id == subscriber_id, now=now)
        self._delete(SUBSCRIBER, SUBSCRIBER.c.id == subscriber_id)

    def list_unconfirmed(self, before: datetime, *, limit: int = 1000) -> tuple[Subscriber, ...]:
        """Return subscribers who never confirmed and were last asked to before a moment, to be erased."""
        query = (
            sa.select(*COLUMNS)
            .where(SUBSCRIBER.c.status == str(Status.UNCONFIRMED), SUBSCRIBER.c.created_at < before)
            .where(SUBSCRIBER.c.asked_at.is_(None) | (SUBSCRIBER.c.asked_at < before))
            .limit(limit)
        )
        return tuple(map(to_subscriber, self._connection.execute(query)))

    def _add_keywords(self, texts: Mapping[str, str]) -> None:
        """Add the keywords of new subscribers, by public id; those who were not added are skipped."""
        this = sa.bindparam("this", type_=sa.String())
        text = sa.bindparam("text", type_=sa.String())
        rows = sa.select(SUBSCRIBER.c.id, text).where(SUBSCRIBER.c.pid == this)
        new = sa.insert(SUBSCRIBER_KEYWORD).from_select(["subscriber_id", "keywords"], rows)
        if texts:
            self._connection.execute(new, [{"this": pid, "text": text} for pid, text in texts.items()])

    def _save_keywords(self, texts: Mapping[int, str]) -> None:
        """Write the keywords of subscribers, by id."""
        rows = [{"subscriber_id": key, "keywords": text} for key, text in texts.items()]
        self._upsert(SUBSCRIBER_KEYWORD, rows)

    def _find(self, condition: sa.ColumnElement[bool]) -> Subscriber | None:
        query = sa.select(*COLUMNS).where(condition)
        if is_postgres(self._connection) and not self._connection.get_execution_options().get("reads_only"):
            query = query.with_for_update()  # nobody else may change it until we write it
        row = self._connection.execute(query).one_or_none()
        return to_subscriber(row) if row else None


def _group(moments: Mapping[int, datetime | None]) -> Iterable[tuple[datetime | None, list[int]]]:
    """Return the different moments, each with the subscribers that have it."""
    groups: dict[datetime | None, list[int]] = defaultdict(list)
    for subscriber_id, at in moments.items():
        groups[at].append(subscriber_id)
    return groups.items()
