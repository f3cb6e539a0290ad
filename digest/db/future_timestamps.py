"""What bears a time that has not come yet? It was written while the clock was ahead, so it is from before."""

from datetime import datetime

import sqlalchemy as sa

from digest.db.subscribers.rows import subscriber_of
from digest.db.tables import PAPER, SIGNAL, SOURCE, SUBSCRIBER
from digest.models import Subscriber

_OURS = (PAPER.c.first_seen, SOURCE.c.read_at, SOURCE.c.good_at, SUBSCRIBER.c.served_until)  # by our clock


def bring_back(connection: sa.Connection, now: datetime) -> int:
    """Whatever was seen, read or served later than now was so by now; how many rows that were.

    Counts that were read then are forgotten: they would come up one day as if they were new.
    """
    found = 0
    for column in _OURS:
        ahead = sa.update(column.table).where(column > now).values({column.name: now})
        found += connection.execute(ahead).rowcount
    connection.execute(sa.delete(SIGNAL).where(SIGNAL.c.observed_at > now))
    return found


def waiting(connection: sa.Connection, now: datetime, *, after: int, limit: int) -> tuple[Subscriber, ...]:
    """Readers whose next edition is due later than now, in the order of their numbers."""
    query = sa.select(SUBSCRIBER).where(SUBSCRIBER.c.id > after, SUBSCRIBER.c.next_due > now)
    rows = connection.execute(query.order_by(SUBSCRIBER.c.id).limit(limit))
    return tuple(map(subscriber_of, rows))
