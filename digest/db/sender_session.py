"""Who sends, and is it still theirs to send? The sender's ledger over a store: lock, lease, recovery."""

import contextlib
import os
import socket
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self, TypeVar
from uuid import uuid4

import sqlalchemy as sa

from digest.db.database import Database
from digest.db.deliveries.bounce_policy import Standing
from digest.db.deliveries.queue import Queue
from digest.db.deliveries.token_buckets import Throttles
from digest.db.dialects import is_postgres
from digest.db.tables import DELIVERY, WORKER
from digest.db.transaction import Transaction
from digest.models import AttemptResult, ClaimedBatch, Delivery, DeliveryState
from digest.models.errors import LeaseLost, StoreBusy, StoreError

DEADLOCKS = 3  # so often in a row we believe in bad luck
T = TypeVar("T")
LEASE = timedelta(seconds=60)
_CLOCK = sa.func.clock_timestamp()


def _wall_clock() -> datetime:
    return datetime.now(UTC)


def is_wanted(tx: Transaction, now: datetime) -> bool:
    """Whether a sender would find something to do: mail that may go, or mail that a dead sender holds."""
    due = sa.exists().where(DELIVERY.c.state == DeliveryState.QUEUED, DELIVERY.c.not_before <= now)
    alive = sa.select(WORKER.c.id).where(WORKER.c.lease_until > _CLOCK)
    held = DELIVERY.c.state.in_((DeliveryState.LEASED, DeliveryState.SENDING))
    orphaned = sa.exists().where(held, DELIVERY.c.owner.not_in(alive))
    return not tx.meta.paused and bool(tx.connection.scalar(sa.select(due | orphaned)))


class SenderSession:
    """The ledger in a sender's hands; `with SendersLedger(store, pepper=...) as ledger`.

    Opening it takes the right to send (SQLite: one process, or StoreBusy; PostgreSQL: a lease of our
    own) and puts what a dead sender left behind back into the queue. `resend=False` means: what may
    have been accepted is never sent again, even if it was not.
    """

    def __init__(
        self,
        store: Database,
        *,
        suppression_key: bytes,
        resend: bool = True,
        lease: timedelta = LEASE,
        wall: Callable[[], datetime] = _wall_clock,
    ) -> None:
        self._store = store
        self._pepper = suppression_key
        self.resends = resend
        self._lease = lease if is_postgres(store.engine) else None
        self._wall = wall
        self._owner = uuid4().hex
        self._braked: frozenset[str] = frozenset()
        self._keys: dict[int, str] = {}  # of the mail in our hands: what its reader is suppressed under
        self._holding = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._holding.enter_context(self._store.sender())
        try:
            self._once_more(self._start)
        except BaseException:
            self._holding.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._holding, contextlib.suppress(StoreError):  # the next start recovers it all the same
            self._end()

    # ---- what the pump asks (deliver/ledger.py)

    @property
    def heartbeat(self) -> float:
        """A third of the lease, so that two beats may fail."""
        return self._lease.total_seconds() / 3 if self._lease else 0.0

    def claim(self, limit: int, now: datetime) -> ClaimedBatch:
        """Take due mail; nothing while the house is paused. On PostgreSQL the dead are buried on the way."""
        return self._once_more(lambda: self._claim(limit, now))

    def _claim(self, limit: int, now: datetime) -> ClaimedBatch:
        if self._lease:
            self._bury(now)
        with self._store.begin() as tx:
            if tx.meta.paused:
                return ClaimedBatch()
            self._hold(tx)
            throttles = Throttles(self._wall())
            claimed = self._queue(tx).claim(limit, now, throttles=throttles)
        self._braked = throttles.braked
        return claimed

    def turn(
        self,
        settlements: Sequence[AttemptResult],
        intents: Sequence[Delivery],
        now: datetime,
        *,
        bodies: Sequence[Delivery] = (),
    ) -> Collection[int]:
        """Results, the next intents, and which bodies go out next: one commit."""
        with self._store.begin() as tx:
            self._hold(tx)
            queue = self._queue(tx)
            queue.settle(settlements)
            Standing(tx.connection, suppression_key=self._pepper).note(settlements)
            if self._braked or any(each.brake for each in settlements):
                Throttles(self._wall()).learn(tx.connection, settlements, self._braked)
            granted = queue.intend(intents, now)
            queue.mark_body_sent(bodies)
        for settlement in settlements:
            self._keys.pop(settlement.delivery.id, None)
        return granted

    def release(self, deliveries: Sequence[Delivery], now: datetime) -> None:  # noqa: ARG002  others may note when
        """Claimed mail goes back untouched."""

        def give_back() -> None:
            with self._store.begin() as tx:
                self._queue(tx).release(deliveries)

        self._once_more(give_back)

    def draw(self, key: str, rate: float, want: int) -> tuple[int, float]:
        """Tokens from the bucket that all senders share."""

        def drawn() -> tuple[int, float]:
            with self._store.begin() as tx:
                return Throttles(self._wall()).draw(tx.connection, key, rate, want)

        return self._once_more(drawn)

    def beat(self) -> None:
        """Prolong the lease, by the database's own clock."""
        if self._lease is not None:
            self._once_more(self._prolong)

    def _prolong(self) -> None:
        lease = self._lease or LEASE
        with self._store.begin() as tx:
            longer = sa.update(WORKER).where(WORKER.c.id == self._owner, WORKER.c.lease_until > _CLOCK)
            if tx.connection.execute(longer.values(lease_until=_CLOCK + lease)).rowcount == 0:
                raise LeaseLost

    # ---- inside

    def _once_more(self, work: Callable[[], T]) -> T:
        """Do it, and again where PostgreSQL chose us as the victim of a deadlock: it has undone all of it.

        Results and intents are repeated by the scribe. On SQLite we have waited long enough already.
        """
        for _ in range(DEADLOCKS if self._lease else 0):
            try:
                return work()
            except StoreBusy:
                continue
        return work()

    def _queue(self, tx: Transaction) -> Queue:
        return Queue(tx.connection, owner=self._owner, suppression_key=self._pepper, keys=self._keys)

    def _start(self) -> None:
        if self._lease is None:  # the kernel gave us the lock: every other sender is certainly dead
            with self._store.begin() as tx:
                self._queue(tx).recover(sa.true(), self._wall(), resend=self.resends)
            return
        with self._store.begin() as tx:
            tx.connection.execute(
                sa.insert(WORKER).values(
                    id=self._owner,
                    host=socket.gethostname(),
                    process=os.getpid(),
                    started_at=_CLOCK,
                    lease_until=_CLOCK + self._lease,
                )
            )
        self._bury(self._wall())

    def _hold(self, tx: Transaction) -> None:
        """Our lease lives and nobody can end it before this transaction does; LeaseLost otherwise."""
        if self._lease:
            mine = sa.select(WORKER.c.id).where(WORKER.c.id == self._owner, WORKER.c.lease_until > _CLOCK)
            if tx.connection.scalar(mine.with_for_update(read=True)) is None:
                raise LeaseLost

    def _bury(self, now: datetime) -> None:
        """Take over from workers whose lease has run out, and from those that no longer exist."""
        with self._store.begin() as tx:
            over = sa.select(WORKER.c.id).where(WORKER.c.lease_until < _CLOCK)
            dead = sa.delete(WORKER).where(WORKER.c.id.in_(over.with_for_update(skip_locked=True)))
            tx.connection.execute(dead)
            orphaned = DELIVERY.c.owner.not_in(sa.select(WORKER.c.id))
            self._queue(tx).recover(orphaned, now, resend=self.resends)

    def _end(self) -> None:
        """Leave nothing behind: what is still in our hands is treated as if we had died."""
        with self._store.begin() as tx:
            mine = DELIVERY.c.owner == self._owner
            self._queue(tx).recover(mine, self._wall(), resend=self.resends)
            if self._lease:
                tx.connection.execute(sa.delete(WORKER).where(WORKER.c.id == self._owner))
