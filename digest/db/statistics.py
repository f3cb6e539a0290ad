"""Figures by UTC day: counted from the tables while a day lasts, stored once it is over.

What is stored is never counted again, so that charts of months read a few rows. `COUNTED` are counted from
events; the picks of digests are added as they are planned; the subscribers of each status are counted at the
end of a day.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta

import sqlalchemy as sa

from digest.db.base import Repository
from digest.db.dialects import insert
from digest.db.tables import AUDIT, DAILY_COUNT, DELIVERY, DELIVERY_EVENT, SUBSCRIBER, VOTE
from digest.models import BounceKind, DeliveryKind, DeliveryState, Status

HEARD: Mapping[str, str] = {
    **dict.fromkeys((BounceKind.HARD, BounceKind.UNSURE, BounceKind.SOFT), "bounced"),
    BounceKind.COMPLAINT: "complained",
}
AUDITED = {"confirm": "confirmations", "undo": "confirmations", "unsubscribe": "unsubscribes"}
VOTED = {"more": "votes_more", "less": "votes_less", "save": "votes_save"}
COUNTED = (
    "accepted", "rejected", "expired", "cancelled", "uncertain",
    "digests", "deferred", "bounced", "complained", "confirmations", "unsubscribes",
    "votes_more", "votes_less", "votes_save",
)  # fmt: skip
EDITIONS, PICKS = "editions", "picks"  # planned, and the papers in them
SUBSCRIBERS = "subscribers_"  # begins the name of a count by status
ONE_DAY = timedelta(days=1)


class Statistics(Repository):
    """Repository of figures by day."""

    def count_between(self, start: datetime, end: datetime) -> dict[str, int]:
        """Return the `COUNTED` figures of a period: *start* counts, *end* does not."""
        figures = dict.fromkeys(COUNTED, 0)
        for name, count in self._count_events(start, end):
            figures[name] += count
        return figures

    def count_finished_day(self, day: date) -> dict[str, int]:
        """Return the `COUNTED` figures of a UTC day."""
        start = datetime.combine(day, time(), UTC)
        return self.count_between(start, start + ONE_DAY)

    def add_planned(self, day: date, *, editions: int, picks: int) -> None:
        """Add to the editions planned on a day, and to the papers in them."""
        for name, value in ((EDITIONS, editions), (PICKS, picks)):
            new = insert(self._connection, DAILY_COUNT).values(day=day, name=name, value=value)
            sum_ = DAILY_COUNT.c.value + new.excluded.value
            self._connection.execute(
                new.on_conflict_do_update(index_elements=["day", "name"], set_={"value": sum_})
            )

    def record_day(self, day: date, figures: Mapping[str, int]) -> None:
        """Store figures of a day that is over."""
        rows = [{"day": day, "name": name, "value": value} for name, value in figures.items()]
        self._upsert(DAILY_COUNT, rows)

    def list_since(self, first: date, *, until: date | None = None) -> dict[date, dict[str, int]]:
        """Return the stored figures by day, oldest first; days without any are left out."""
        stored = DAILY_COUNT.c
        query = sa.select(stored.day, stored.name, stored.value).where(stored.day >= first)
        if until is not None:
            query = query.where(stored.day <= until)
        days: dict[date, dict[str, int]] = {}
        for day, name, value in self._connection.execute(query.order_by(stored.day)):
            days.setdefault(day, {})[name] = value
        return days

    def find_last_day(self) -> date | None:
        """Return the last day whose figures are complete; None if none was ever stored."""
        query = sa.select(sa.func.max(DAILY_COUNT.c.day)).where(DAILY_COUNT.c.name == COUNTED[0])
        last: date | None = self._connection.scalar(query)
        return last

    def count_subscribers(self) -> dict[str, int]:
        """Return the number of subscribers by status, under the names they are stored by."""
        counts = self._count_by(SUBSCRIBER.c.status)
        return {f"{SUBSCRIBERS}{status}": counts.get(str(status), 0) for status in Status}

    def _count_events(self, start: datetime, end: datetime) -> Iterator[tuple[str, int]]:
        delivery = DELIVERY.c
        finished = (delivery.finished_at >= start) & (delivery.finished_at < end)
        columns = (delivery.state, delivery.kind, delivery.attempt > 0)
        query = sa.select(*columns, sa.func.count()).where(finished).group_by(*columns)
        for state, kind, was_deferred, count in self._connection.execute(query):
            yield state, count
            if was_deferred:
                yield "deferred", count
            if kind == str(DeliveryKind.DIGEST) and state == str(DeliveryState.ACCEPTED):
                yield "digests", count
        reader = SUBSCRIBER.c  # who was added or imported with consent joined without a confirmation
        joined = (reader.created_at >= start) & (reader.created_at < end)
        enrolled = joined & (reader.confirmed_at == reader.created_at)
        yield "confirmations", self._connection.scalar(sa.select(sa.func.count()).where(enrolled)) or 0
        event, audit, vote = DELIVERY_EVENT.c, AUDIT.c, VOTE.c
        for kind, at, number, names in (
            (event.type, event.at, sa.func.count(event.delivery_id.distinct()), HEARD),
            (audit.action, audit.at, sa.func.count(), AUDITED),
            (vote.verdict, vote.at, sa.func.count(), VOTED),
        ):
            counts = sa.select(kind, number).where(at >= start, at < end).group_by(kind)
            for value, count in self._connection.execute(counts):
                if value in names:
                    yield names[value], count
