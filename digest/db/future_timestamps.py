"""Repair of timestamps that lie in the future because the clock was ahead when they were written."""

from datetime import datetime

import sqlalchemy as sa

from digest.db.subscribers.rows import COLUMNS, to_subscriber
from digest.db.tables import PAPER, SIGNAL, SOURCE, SUBSCRIBER
from digest.models import Subscriber

# Written from this machine's clock.
_COLUMNS = (PAPER.c.first_seen, SOURCE.c.read_at, SOURCE.c.good_at, SUBSCRIBER.c.served_until)


def clamp_future_timestamps(connection: sa.Connection, now: datetime) -> int:
    """Set what was seen, read or served in the future to *now*; return the number of changed rows.

    Signals observed in the future are deleted: they would appear one day as if they were new.
    """
    changed = 0
    for column in _COLUMNS:
        update = sa.update(column.table).where(column > now).values({column.name: now})
        changed += connection.execute(update).rowcount
    connection.execute(sa.delete(SIGNAL).where(SIGNAL.c.observed_at > now))
    return changed


def list_due_after(
    connection: sa.Connection, now: datetime, *, after: int, limit: int
) -> tuple[Subscriber, ...]:
    """Return subscribers who are due later than *now*, by id, beginning after the id *after*."""
    query = sa.select(*COLUMNS).where(SUBSCRIBER.c.id > after, SUBSCRIBER.c.next_due > now)
    rows = connection.execute(query.order_by(SUBSCRIBER.c.id).limit(limit))
    return tuple(map(to_subscriber, rows))
