"""A sender's session on a database: the right to send, its lease, and recovery of what dead senders held.

Implements `digest.delivery.interfaces.DeliveryQueue`.
"""

import contextlib
import os
import socket
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from functools import wraps
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar
from uuid import uuid4

import sqlalchemy as sa

from digest.db.database import Database
from digest.db.deliveries.bounce_policy import BouncePolicy
from digest.db.deliveries.repository import PRIORITY
from digest.db.deliveries.send_queue import SendQueue
from digest.db.deliveries.token_buckets import TokenBuckets
from digest.db.dialects import is_postgres
from digest.db.tables import DELIVERY, WORKER
from digest.db.transaction import Transaction
from digest.models import AttemptResult, ClaimedBatch, Delivery, DeliveryKind, DeliveryState
from digest.models.errors import LeaseLost, StoreBusy, StoreError

MAX_DEADLOCKS = 3  # retries in a row
LEASE = timedelta(seconds=60)
_DATABASE_CLOCK = sa.func.clock_timestamp()  # one clock for all machines
P = ParamSpec("P")
T = TypeVar("T")
_Method = Callable[Concatenate["SenderSession", P], T]


def _wall_clock() -> datetime:
    return datetime.now(UTC)


def has_work(tx: Transaction, now: datetime) -> bool:
    """Return whether a sender would find a due delivery, or one that a dead sender holds (PostgreSQL)."""
    due = sa.exists().where(DELIVERY.c.state == DeliveryState.QUEUED, DELIVERY.c.not_before <= now)
    alive = sa.select(WORKER.c.id).where(WORKER.c.lease_until > _DATABASE_CLOCK)
    held = DELIVERY.c.state.in_((DeliveryState.LEASED, DeliveryState.SENDING))
    orphaned = sa.exists().where(held, DELIVERY.c.owner.not_in(alive))
    return not tx.meta.pause_reason and bool(tx.connection.scalar(sa.select(due | orphaned)))


def has_notice(tx: Transaction, now: datetime) -> bool:
    """Return whether a confirmation, notice or alert is due, for which nobody should wait a minute."""
    due = sa.exists().where(
        DELIVERY.c.state == DeliveryState.QUEUED,
        DELIVERY.c.priority < PRIORITY[DeliveryKind.DIGEST],
        DELIVERY.c.not_before <= now,
    )
    return not tx.meta.pause_reason and bool(tx.connection.scalar(sa.select(due)))


def _retry_deadlocks(method: _Method[P, T]) -> _Method[P, T]:
    """Let a method run again if PostgreSQL rolled back its transaction because of a deadlock.

    Not `commit`, which the ledger writer repeats itself, nor on SQLite, which has waited already.
    """

    @wraps(method)
    def run(self: "SenderSession", /, *args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(MAX_DEADLOCKS if self._lease else 0):
            try:
                return method(self, *args, **kwargs)
            except StoreBusy:
                continue
        return method(self, *args, **kwargs)

    return run


class SenderSession:
    """The delivery queue of one sending process; a context manager.

    Entering it takes the right to send (SQLite: one process, else StoreBusy; PostgreSQL: a lease) and puts
    deliveries that dead senders held back into the queue. With `resend=False` a message that may have been
    accepted is never sent again, even if it was not accepted. `final_reasons` are those of results after
    which a channel is used no more.
    """

    def __init__(  # noqa: PLR0913  the parts of a sender meet here
        self,
        database: Database,
        *,
        suppression_key: bytes,
        resend: bool = True,
        lease: timedelta = LEASE,
        final_reasons: Collection[str] = (),
        wall_clock: Callable[[], datetime] = _wall_clock,
    ) -> None:
        self._database = database
        self._suppression_key = suppression_key
        self.resends = resend
        self._final_reasons = final_reasons
        self._lease = lease if is_postgres(database.engine) else None
        self._wall_clock = wall_clock
        self._owner = uuid4().hex
        self._limited_domains: frozenset[str] = frozenset()
        self._keys: dict[int, str] = {}  # recipients' suppression keys, by id of the claimed delivery
        self._resources = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._resources.enter_context(self._database.lock_sender())
        try:
            self._start()
        except BaseException:
            self._resources.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._resources, contextlib.suppress(StoreError):  # the next start recovers what this misses
            self._end()

    # ---- the DeliveryQueue protocol

    @property
    def heartbeat_seconds(self) -> float:
        """A third of the lease, so that two renewals may fail; 0 without a lease."""
        return self._lease.total_seconds() / 3 if self._lease else 0.0

    @_retry_deadlocks
    def claim(self, limit: int, now: datetime, *, channels: bool = False) -> ClaimedBatch:
        """Claim up to *limit* due mails, or messages to channels; none while sending is paused.

        On PostgreSQL it first recovers what senders with an expired lease held.
        """
        if self._lease:
            self._recover_dead_senders(now)
        with self._database.begin() as tx:
            if tx.meta.pause_reason:
                return ClaimedBatch()
            self._check_lease(tx)
            buckets = TokenBuckets(self._wall_clock())
            claimed = self._queue(tx).claim(limit, now, buckets=buckets, channels=channels)
        self._limited_domains = buckets.limited_domains
        return claimed

    def commit(
        self,
        results: Sequence[AttemptResult],
        intents: Sequence[Delivery],
        now: datetime,
        *,
        bodies: Sequence[Delivery] = (),
    ) -> Collection[int]:
        """Write results and intents, and which bodies are sent next, in one transaction."""
        with self._database.begin() as tx:
            self._check_lease(tx)
            queue = self._queue(tx)
            queue.settle(results)
            tx.channels.record_results(results, final_reasons=self._final_reasons)
            BouncePolicy(tx.connection, suppression_key=self._suppression_key).record_results(results)
            if self._limited_domains or any(result.throttle for result in results):
                TokenBuckets(self._wall_clock()).adjust(tx.connection, results, self._limited_domains)
            granted = queue.intend(intents, now)
            queue.mark_body_sent(bodies)
        for result in results:
            self._keys.pop(result.delivery.id, None)
        return granted

    @_retry_deadlocks
    def release(self, deliveries: Sequence[Delivery], now: datetime) -> None:  # noqa: ARG002  for other queues
        """Put claimed deliveries back into the queue unchanged."""
        with self._database.begin() as tx:
            self._queue(tx).release(deliveries)

    @_retry_deadlocks
    def take_tokens(self, key: str, rate: float, want: int) -> tuple[int, float]:
        """Take up to *want* tokens from a bucket that all senders share."""
        with self._database.begin() as tx:
            return TokenBuckets(self._wall_clock()).take_tokens(tx.connection, key, rate, want)

    @_retry_deadlocks
    def renew_lease(self) -> None:
        """Extend the lease, by the database's clock. Raises LeaseLost when it has run out."""
        if self._lease is None:
            return
        with self._database.begin() as tx:
            renewal = sa.update(WORKER).where(
                WORKER.c.id == self._owner, WORKER.c.lease_until > _DATABASE_CLOCK
            )
            renewal = renewal.values(lease_until=_DATABASE_CLOCK + self._lease)
            if tx.connection.execute(renewal).rowcount == 0:
                raise LeaseLost

    # ---- internals

    def _queue(self, tx: Transaction) -> SendQueue:
        return SendQueue(
            tx.connection, owner=self._owner, suppression_key=self._suppression_key, keys=self._keys
        )

    def _start(self) -> None:
        if self._lease is None:  # we have the file lock, so every other sender is dead
            with self._database.begin() as tx:
                self._queue(tx).recover(sa.true(), self._wall_clock(), resend=self.resends)
            return
        self._register()
        self._recover_dead_senders(self._wall_clock())

    @_retry_deadlocks
    def _register(self) -> None:
        lease = self._lease or LEASE
        with self._database.begin() as tx:
            tx.connection.execute(
                sa.insert(WORKER).values(
                    id=self._owner,
                    host=socket.gethostname(),
                    process=os.getpid(),
                    started_at=_DATABASE_CLOCK,
                    lease_until=_DATABASE_CLOCK + lease,
                )
            )

    def _check_lease(self, tx: Transaction) -> None:
        """Raise LeaseLost unless our lease is valid; lock it until the end of the transaction."""
        if self._lease:
            own = sa.select(WORKER.c.id).where(
                WORKER.c.id == self._owner, WORKER.c.lease_until > _DATABASE_CLOCK
            )
            if tx.connection.scalar(own.with_for_update(read=True)) is None:
                raise LeaseLost

    @_retry_deadlocks
    def _recover_dead_senders(self, now: datetime) -> None:
        """Recover the deliveries of workers whose lease has run out or whose row is gone."""
        with self._database.begin() as tx:
            expired = sa.select(WORKER.c.id).where(WORKER.c.lease_until < _DATABASE_CLOCK)
            locked = expired.with_for_update(skip_locked=True)
            tx.connection.execute(sa.delete(WORKER).where(WORKER.c.id.in_(locked)))
            orphaned = DELIVERY.c.owner.not_in(sa.select(WORKER.c.id))
            self._queue(tx).recover(orphaned, now, resend=self.resends)

    def _end(self) -> None:
        """Recover what we still hold as if we had died, and give the lease back."""
        with self._database.begin() as tx:
            own = DELIVERY.c.owner == self._owner
            self._queue(tx).recover(own, self._wall_clock(), resend=self.resends)
            if self._lease:
                tx.connection.execute(sa.delete(WORKER).where(WORKER.c.id == self._owner))
