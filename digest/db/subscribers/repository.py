"""Who reads? Subscribers, found by address, by public id, and by when they are due."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from digest.db.dialects import among, insert, is_postgres, storable
from digest.db.subscribers.rows import addressee_of, new_pid, row_of, subscriber_of
from digest.db.tables import DELIVERY, SUBSCRIBER
from digest.models import DeliveryState, Preferences, Profile, Schedule, Shard, Status, Subscriber
from digest.models.addresses import parse_address
from digest.models.errors import NotFound

SORTS = ("created_at", "confirmed_at", "next_due", "address", "status")
_UNSENT = (str(DeliveryState.QUEUED), str(DeliveryState.LEASED))


@dataclass(frozen=True, slots=True)
class SubscriberPage:
    """Some of the subscribers that match, and how many match in all."""

    subscribers: tuple[Subscriber, ...]
    total: int


class Subscribers:
    """The readers, in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(  # noqa: PLR0913  a subscriber has as many parts
        self,
        address: str,
        *,
        profile: Profile | None = None,
        schedule: Schedule | None = None,
        preferences: Preferences | None = None,
        status: Status = Status.UNCONFIRMED,
        now: datetime,
        next_due: datetime | None = None,
    ) -> Subscriber:
        """A new subscriber, or, if the mailbox is known already, the one it belongs to, unchanged."""
        newcomer = Subscriber(
            id=0,
            pid=new_pid(),
            address=address,
            status=status,
            profile=profile or Profile(),
            schedule=schedule or Schedule(),
            preferences=preferences or Preferences(),
            created_at=now,
            confirmed_at=now if status is Status.CONFIRMED else None,
            status_since=now,
            next_due=next_due,
        )
        self.add_many([newcomer])
        return self.by_address(address)

    def add_many(self, newcomers: Iterable[Subscriber]) -> int:
        """Add many at once and say how many were new; known mailboxes stay as they are. Ids are ours."""
        rows = [row_of(newcomer) for newcomer in newcomers]
        if not rows:
            return 0
        add = insert(self._connection, SUBSCRIBER).on_conflict_do_nothing(index_elements=["mailbox"])
        return self._connection.execute(add, rows).rowcount

    def by_address(self, address: str) -> Subscriber:
        """Whose mailbox this is, however the address is spelt; NotFound when nobody's."""
        return self._one(
            SUBSCRIBER.c.mailbox == parse_address(address).mailbox, "This address is not subscribed."
        )

    def by_pid(self, pid: str) -> Subscriber:
        """The subscriber with this public id; NotFound when there is none, or none any more."""
        return self._one(SUBSCRIBER.c.pid == pid, "There is no such subscriber.")

    def by_id(self, subscriber_id: int) -> Subscriber:
        """The subscriber with this id; NotFound when there is none, or none any more."""
        return self._one(SUBSCRIBER.c.id == subscriber_id, "There is no such subscriber.")

    def by_ids(self, ids: Collection[int]) -> dict[int, Subscriber]:
        """Those of these subscribers that still exist."""
        query = sa.select(SUBSCRIBER).where(among(self._connection, SUBSCRIBER.c.id, ids))
        return {row.id: subscriber_of(row) for row in self._connection.execute(query)}

    def addressees(self, ids: Collection[int]) -> dict[int, Subscriber]:
        """The same as a mail needs them: without what they like, which is long."""
        columns = [column for column in SUBSCRIBER.c if column.name != "profile"]
        query = sa.select(*columns).where(among(self._connection, SUBSCRIBER.c.id, ids))
        return {row.id: addressee_of(row) for row in self._connection.execute(query)}

    def by_addresses(self, addresses: Collection[str]) -> dict[str, Subscriber]:
        """The subscribers behind these addresses, by mailbox."""
        mailboxes = {parse_address(address).mailbox for address in addresses}
        return self.by_mailboxes(mailboxes)

    def by_mailboxes(self, mailboxes: Collection[str]) -> dict[str, Subscriber]:
        """The subscribers behind these mailboxes, of those that have one."""
        query = sa.select(SUBSCRIBER).where(among(self._connection, SUBSCRIBER.c.mailbox, mailboxes))
        return {row.mailbox: subscriber_of(row) for row in self._connection.execute(query)}

    def by_pids(self, pids: Collection[str]) -> dict[str, Subscriber]:
        """Those of these subscribers that exist, by public id."""
        query = sa.select(SUBSCRIBER).where(among(self._connection, SUBSCRIBER.c.pid, pids))
        return {row.pid: subscriber_of(row) for row in self._connection.execute(query)}

    def save(self, subscriber: Subscriber) -> None:
        """Write a subscriber as they are now; the cursor has its own way. NotFound when erased meanwhile."""
        self.save_many([subscriber])

    def save_many(self, subscribers: Sequence[Subscriber]) -> None:
        """Write many subscribers as they are now."""
        if not subscribers:
            return
        rows = [{**row_of(subscriber), "this": subscriber.id} for subscriber in subscribers]
        kept = {"pid", "created_at", "served_until"}
        values: dict[str, Any] = {name: sa.bindparam(name) for name in rows[0] if name not in {"this", *kept}}
        update = sa.update(SUBSCRIBER).where(SUBSCRIBER.c.id == sa.bindparam("this")).values(values)
        written = self._connection.execute(
            update, [{k: v for k, v in row.items() if k not in kept} for row in rows]
        )
        if written.rowcount != len(rows):
            raise NotFound("This subscriber was erased meanwhile.")

    def page(  # noqa: PLR0913  the filters of the list
        self,
        *,
        status: Status | None = None,
        search: str = "",
        sort: str = "created_at",
        descending: bool = False,
        limit: int = 50,
        offset: int = 0,
    ) -> SubscriberPage:
        """A page of subscribers: of one status, with a piece of the address, in the order of one of SORTS."""
        wanted: list[sa.ColumnElement[bool]] = []
        if status is not None:
            wanted.append(SUBSCRIBER.c.status == str(status))
        if search:
            wanted.append(SUBSCRIBER.c.mailbox.contains(storable(search).strip().casefold(), autoescape=True))
        column = SUBSCRIBER.c[sort if sort in SORTS else "created_at"]
        order = (
            (column.desc().nulls_last(), SUBSCRIBER.c.id.desc())
            if descending
            else (column.nulls_last(), SUBSCRIBER.c.id)
        )
        query = sa.select(SUBSCRIBER).where(*wanted).order_by(*order).limit(limit).offset(offset)
        total = self._connection.scalar(sa.select(sa.func.count()).select_from(SUBSCRIBER).where(*wanted))
        return SubscriberPage(tuple(map(subscriber_of, self._connection.execute(query))), int(total or 0))

    def after(
        self, subscriber_id: int = 0, *, limit: int = 1000, status: Status | None = None
    ) -> tuple[Subscriber, ...]:
        """The next subscribers by id: to walk through all of them without holding them all."""
        query = (
            sa.select(SUBSCRIBER)
            .where(SUBSCRIBER.c.id > subscriber_id)
            .order_by(SUBSCRIBER.c.id)
            .limit(limit)
        )
        if status is not None:
            query = query.where(SUBSCRIBER.c.status == str(status))
        return tuple(map(subscriber_of, self._connection.execute(query)))

    def ids_after(self, subscriber_id: int, *, part: int, of: int, limit: int = 200) -> tuple[int, ...]:
        """The next ids of one of so many parts of the subscribers, taken by their remainders."""
        query = (
            sa.select(SUBSCRIBER.c.id)
            .where(SUBSCRIBER.c.id > subscriber_id, SUBSCRIBER.c.id % of == part)
            .order_by(SUBSCRIBER.c.id)
            .limit(limit)
        )
        return tuple(self._connection.scalars(query))

    def counts(self) -> Mapping[Status, int]:
        """How many subscribers stand where; every status is named."""
        query = sa.select(SUBSCRIBER.c.status, sa.func.count()).group_by(SUBSCRIBER.c.status)
        found = {row[0]: int(row[1]) for row in self._connection.execute(query)}
        return {status: found.get(str(status), 0) for status in Status}

    def due(self, now: datetime, limit: int, *, within: Shard | None = None) -> tuple[Subscriber, ...]:
        """The confirmed whose next edition is due, the longest waiting first; all, or of one shard."""
        mine = SUBSCRIBER.c.id.between(within.first, within.last) if within else sa.true()
        query = (
            sa.select(SUBSCRIBER)
            .where(SUBSCRIBER.c.next_due <= now, mine)
            .order_by(SUBSCRIBER.c.next_due, SUBSCRIBER.c.id)
            .limit(limit)
        )
        return tuple(map(subscriber_of, self._connection.execute(query)))

    def due_shards(self, now: datetime, size: int) -> tuple[Shard, ...]:
        """Everybody who is due, cut by id into shards of so many readers."""
        # "+ 0": by the bare id SQLite would read everybody in order, not those who are due by their index.
        place = sa.func.row_number().over(order_by=SUBSCRIBER.c.id + 0) - 1
        numbered = sa.select(SUBSCRIBER.c.id, (place // size).label("shard")).where(
            SUBSCRIBER.c.next_due <= now
        )
        cut = numbered.subquery().c
        ends = sa.select(sa.func.min(cut.id), sa.func.max(cut.id)).group_by(cut.shard).order_by(cut.shard)
        return tuple(Shard(first, last) for first, last in self._connection.execute(ends))

    def oldest_due(self) -> datetime | None:
        """The earliest moment anybody is due: in the past only while work is waiting."""
        moment: datetime | None = self._connection.scalar(sa.select(sa.func.min(SUBSCRIBER.c.next_due)))
        return moment

    def set_next_dues(self, moments: Mapping[int, datetime | None]) -> None:
        """When these subscribers are due next; only the confirmed ever are."""
        if moments:
            mine = (SUBSCRIBER.c.id == sa.bindparam("this")) & (SUBSCRIBER.c.status == str(Status.CONFIRMED))
            self._connection.execute(
                sa.update(SUBSCRIBER).where(mine).values(next_due=sa.bindparam("at")),
                [{"this": subscriber_id, "at": at} for subscriber_id, at in moments.items()],
            )

    def move_on(self, moments: Mapping[int, datetime | None], *, now: datetime) -> None:
        """On to their next slot, for those who are still due at `now`.

        Whoever was moved on meanwhile, or chose another hour, is left as they are.
        """
        if moments:
            waiting = (SUBSCRIBER.c.id == sa.bindparam("this")) & (SUBSCRIBER.c.next_due <= now)
            self._connection.execute(
                sa.update(SUBSCRIBER).where(waiting).values(next_due=sa.bindparam("at")),
                [{"this": subscriber_id, "at": at} for subscriber_id, at in moments.items()],
            )

    def set_cursors(self, moments: Mapping[int, datetime]) -> None:
        """Everything first seen up to here was considered for these readers; it never goes back."""
        if moments:
            ahead = SUBSCRIBER.c.served_until.is_(None) | (SUBSCRIBER.c.served_until < sa.bindparam("at"))
            mine = (SUBSCRIBER.c.id == sa.bindparam("this")) & ahead
            self._connection.execute(
                sa.update(SUBSCRIBER).where(mine).values(served_until=sa.bindparam("at")),
                [{"this": subscriber_id, "at": at} for subscriber_id, at in moments.items()],
            )

    def erase(self, subscriber_id: int, *, now: datetime) -> None:
        """Remove a subscriber and every trace of the address; mail not yet on its way is cancelled."""
        theirs = sa.update(DELIVERY).where(DELIVERY.c.subscriber_id == subscriber_id)
        stopped = {"state": str(DeliveryState.CANCELLED), "finished_at": now, "owner": None}
        blank: dict[str, Any] = {"address": "", "domain": "", "payload": {}, "last_reply": ""}
        self._connection.execute(theirs.where(DELIVERY.c.state.in_(_UNSENT)).values(stopped))
        self._connection.execute(theirs.values(blank))
        self._connection.execute(sa.delete(SUBSCRIBER).where(SUBSCRIBER.c.id == subscriber_id))

    def unanswered(self, before: datetime, *, limit: int = 1000) -> tuple[Subscriber, ...]:
        """Those who never confirmed, and signed up before a moment: they are to be forgotten."""
        query = (
            sa.select(SUBSCRIBER)
            .where(SUBSCRIBER.c.status == str(Status.UNCONFIRMED), SUBSCRIBER.c.created_at < before)
            .where(SUBSCRIBER.c.asked_at.is_(None) | (SUBSCRIBER.c.asked_at < before))
            .limit(limit)
        )
        return tuple(map(subscriber_of, self._connection.execute(query)))

    def _one(self, condition: sa.ColumnElement[bool], otherwise: str) -> Subscriber:
        query = sa.select(SUBSCRIBER).where(condition)
        if is_postgres(self._connection) and not self._connection.get_execution_options().get("reads_only"):
            query = query.with_for_update()  # nobody changes them between our reading and our writing
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise NotFound(otherwise)
        return subscriber_of(row)
