"""Token buckets that all senders of one database share: rate limits of routes and receiving domains."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from digest.db.deliveries.statements import has_state
from digest.db.dialects import insert, is_postgres
from digest.db.tables import BUCKET, DELIVERY
from digest.models import AttemptResult, DeliveryState, ThrottleAction
from digest.models.backoff import INITIAL_RATE, UNLIMITED_RATE, TokenBucket

DOMAIN = "domain:"  # prefix of the keys of domain buckets
STOP_PAUSE = timedelta(hours=1)  # for a domain that refuses our mail as such


class TokenBuckets:
    """Buckets by key, read and written in the caller's transaction.

    *now* is the real time even when a run simulates another day: a server's limits follow the real clock.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._domains: dict[str, TokenBucket] = {}

    @property
    def limited_domains(self) -> frozenset[str]:
        """The domains that had a bucket at the last `load_allowances`."""
        return frozenset(self._domains)

    def load_allowances(self, connection: sa.Connection) -> dict[str, int]:
        """Return how many messages may go now to each domain that has a bucket."""
        self._domains = {
            key.removeprefix(DOMAIN): bucket
            for key, bucket in _read(connection, BUCKET.c.key.startswith(DOMAIN)).items()
        }
        return {domain: bucket.available(self._now) for domain, bucket in self._domains.items()}

    def take_for_domains(self, connection: sa.Connection, domains: Sequence[str]) -> None:
        """Take one token for each message, given by its domain."""
        for domain, count in Counter(domains).items():
            _write(connection, self._domains[domain].take(count, self._now))

    def get_wait(self, connection: sa.Connection, now: datetime) -> float | None:
        """Return the seconds until a due message to a limited domain may go; None if there is none."""
        if not self._domains:
            return None
        waiting = connection.scalars(
            sa.select(DELIVERY.c.domain)
            .where(
                has_state(DeliveryState.QUEUED),
                DELIVERY.c.not_before <= now,
                DELIVERY.c.domain.in_(list(self._domains)),
            )
            .distinct()
        )
        return min((self._domains[domain].get_wait(self._now) for domain in waiting), default=None)

    def adjust(
        self, connection: sa.Connection, results: Sequence[AttemptResult], limited_domains: frozenset[str]
    ) -> None:
        """Slow down or stop the domains that asked for it; speed up limited domains that accept mail."""
        for result in results:
            domain = result.delivery.address.rpartition("@")[2].lower()
            is_accepted = result.state is DeliveryState.ACCEPTED and domain in limited_domains
            if result.throttle or is_accepted:
                self._apply(connection, f"{DOMAIN}{domain}", result.throttle)

    def take_tokens(self, connection: sa.Connection, key: str, rate: float, want: int) -> tuple[int, float]:
        """Take up to *want* tokens from a bucket with this rate.

        Returns how many were taken, and the seconds until there are more.
        """
        bucket = _read(connection, BUCKET.c.key == key).get(key)
        if bucket is None or bucket.rate != rate:
            bucket = TokenBucket.full(key, rate, self._now)
        count = min(want, bucket.available(self._now))
        bucket = bucket.take(count, self._now)
        _write(connection, bucket)
        return count, bucket.get_wait(self._now)

    def _apply(self, connection: sa.Connection, key: str, throttle: ThrottleAction | None) -> None:
        bucket = _read(connection, BUCKET.c.key == key).get(key)
        if throttle is None:
            if bucket is not None:
                faster = bucket.speed_up(self._now)
                if faster.rate < UNLIMITED_RATE:
                    _write(connection, faster)
                else:
                    connection.execute(sa.delete(BUCKET).where(BUCKET.c.key == key))
            return
        bucket = bucket or TokenBucket.full(key, INITIAL_RATE, self._now)
        slower = bucket.slow_down(self._now)
        is_slow = throttle is ThrottleAction.SLOW
        _write(connection, slower if is_slow else slower.pause(self._now, duration=STOP_PAUSE))


def _read(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> dict[str, TokenBucket]:
    query = sa.select(BUCKET).where(condition)
    if is_postgres(connection):
        query = query.order_by(BUCKET.c.key).with_for_update()
    return {row["key"]: _to_bucket(row) for row in connection.execute(query).mappings()}


def _to_bucket(row: sa.RowMapping) -> TokenBucket:
    return TokenBucket(
        key=row["key"],
        rate=row["rate"],
        burst=row["burst"],
        tokens=row["tokens"],
        updated_at=row["updated_at"],
        raised_at=row["raised_at"],
        paused_until=row["paused_until"],
    )


def _write(connection: sa.Connection, bucket: TokenBucket) -> None:
    row = {
        "tokens": bucket.tokens,
        "rate": bucket.rate,
        "burst": bucket.burst,
        "updated_at": bucket.updated_at,
        "raised_at": bucket.raised_at,
        "paused_until": bucket.paused_until,
    }
    upsert = insert(connection, BUCKET).values(key=bucket.key, **row)
    connection.execute(upsert.on_conflict_do_update(index_elements=["key"], set_=row))
