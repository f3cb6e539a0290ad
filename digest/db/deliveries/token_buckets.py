"""How much mail may go where? The buckets that all senders of one database share."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from digest.db.deliveries.statements import stands
from digest.db.dialects import insert, is_postgres
from digest.db.tables import BUCKET, DELIVERY
from digest.models import AttemptResult, DeliveryState, ThrottleAction
from digest.models.backoff import FIRST_RATE, UNLIMITED, Bucket

DOMAIN = "domain:"
REST = timedelta(hours=1)  # what a domain gets that refuses our mail as such


class Throttles:
    """Buckets by key, read and written in the caller's transaction.

    `wall` is the real time: a server's patience is not simulated when a day is.
    """

    def __init__(self, wall: datetime) -> None:
        self._wall = wall
        self._domains: dict[str, Bucket] = {}

    @property
    def braked(self) -> frozenset[str]:
        """The domains that have a bucket, as far as the last look showed."""
        return frozenset(self._domains)

    def allowances(self, connection: sa.Connection) -> dict[str, int]:
        """For each domain that has a bucket: how many mails may go there now."""
        self._domains = {
            key.removeprefix(DOMAIN): bucket
            for key, bucket in _read(connection, BUCKET.c.key.startswith(DOMAIN)).items()
        }
        return {domain: bucket.available(self._wall) for domain, bucket in self._domains.items()}

    def take(self, connection: sa.Connection, domains: Sequence[str]) -> None:
        """So many mails are on their way to these domains."""
        for domain, mails in Counter(domains).items():
            _write(connection, self._domains[domain].taken(mails, self._wall))

    def wait(self, connection: sa.Connection, now: datetime) -> float | None:
        """Seconds until braked mail that is due may go; None when there is none."""
        if not self._domains:
            return None
        waiting = connection.scalars(
            sa.select(DELIVERY.c.domain)
            .where(
                stands(DeliveryState.QUEUED),
                DELIVERY.c.not_before <= now,
                DELIVERY.c.domain.in_(list(self._domains)),
            )
            .distinct()
        )
        return min((self._domains[domain].wait(self._wall) for domain in waiting), default=None)

    def learn(
        self, connection: sa.Connection, settlements: Sequence[AttemptResult], braked: frozenset[str]
    ) -> None:
        """Slow down where less was asked for, stop where we were refused, go faster where mail is taken."""
        for settlement in settlements:
            domain = settlement.delivery.address.rpartition("@")[2].lower()
            taken = settlement.state is DeliveryState.ACCEPTED and domain in braked
            if settlement.brake or taken:
                self._apply(connection, f"{DOMAIN}{domain}", settlement.brake)

    def draw(self, connection: sa.Connection, key: str, rate: float, want: int) -> tuple[int, float]:
        """Take up to `want` tokens of a bucket with this rate; and the seconds until there are more."""
        bucket = _read(connection, BUCKET.c.key == key).get(key)
        if bucket is None or bucket.rate != rate:
            bucket = Bucket.full(key, rate, self._wall)
        some = min(want, bucket.available(self._wall))
        after = bucket.taken(some, self._wall)
        _write(connection, after)
        return some, after.wait(self._wall)

    def _apply(self, connection: sa.Connection, key: str, brake: ThrottleAction | None) -> None:
        bucket = _read(connection, BUCKET.c.key == key).get(key)
        if brake is None:
            if bucket is not None:
                _quicken(connection, bucket.quickened(self._wall))
            return
        bucket = bucket or Bucket.full(key, FIRST_RATE, self._wall)
        slower = bucket.slowed(self._wall)
        _write(connection, slower if brake is ThrottleAction.SLOW else slower.stopped(self._wall, rest=REST))


def _quicken(connection: sa.Connection, bucket: Bucket) -> None:
    if bucket.rate < UNLIMITED:
        _write(connection, bucket)
    else:
        connection.execute(sa.delete(BUCKET).where(BUCKET.c.key == bucket.key))


def _read(connection: sa.Connection, which: sa.ColumnElement[bool]) -> dict[str, Bucket]:
    query = sa.select(BUCKET).where(which)
    if is_postgres(connection):
        query = query.order_by(BUCKET.c.key).with_for_update()
    return {row["key"]: _bucket(row) for row in connection.execute(query).mappings()}


def _bucket(row: sa.RowMapping) -> Bucket:
    return Bucket(
        key=row["key"],
        rate=row["rate"],
        burst=row["burst"],
        tokens=row["tokens"],
        updated_at=row["updated_at"],
        raised_at=row["raised_at"],
        paused_until=row["paused_until"],
    )


def _write(connection: sa.Connection, bucket: Bucket) -> None:
    row = {
        "tokens": bucket.tokens,
        "rate": bucket.rate,
        "burst": bucket.burst,
        "updated_at": bucket.updated_at,
        "raised_at": bucket.raised_at,
        "paused_until": bucket.paused_until,
    }
    order = insert(connection, BUCKET).values(key=bucket.key, **row)
    connection.execute(order.on_conflict_do_update(index_elements=["key"], set_=row))
