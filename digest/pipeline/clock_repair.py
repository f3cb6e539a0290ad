"""Repair of timestamps after the system clock was ahead for a while.

A clock that jumps months ahead, even for a minute, moves every due subscriber to a slot months away and gives
every paper seen meanwhile a future first-seen time. Without this repair, neither would ever correct itself.
"""

import logging
from datetime import datetime, timedelta

from digest.db import Database
from digest.db.future_timestamps import clamp_future_timestamps, list_due_after
from digest.models.schedule import find_next_slot

log = logging.getLogger(__name__)

LAST_TICK_KEY = "ticked_at"  # meta key: when the last run ended
MAX_CLOCK_SKEW = timedelta(hours=1)  # two machines may differ by that; time servers correct it gradually
CHUNK_SIZE = 1000


def repair_timestamps(store: Database, now: datetime) -> int:
    """If the clock was ahead, set future timestamps to *now* and give everybody their next slot again.

    Return how many subscribers were due later than their next slot. *now* must be the real time, never one
    chosen for a trial.
    """
    with store.begin(write=False) as tx:
        last_tick = tx.meta.read(LAST_TICK_KEY)
    if not last_tick or datetime.fromisoformat(last_tick) <= now + MAX_CLOCK_SKEW:
        return 0
    with store.begin() as tx:
        clamp_future_timestamps(tx.connection, now)
    count, last_id = 0, 0
    while last_id >= 0:
        repaired, last_id = _repair_chunk(store, now, after=last_id)
        count += repaired
    with store.begin() as tx:
        tx.meta.write(LAST_TICK_KEY, now.isoformat())
    log.warning("the clock was ahead", extra={"readers_brought_back": count})
    return count


def _repair_chunk(store: Database, now: datetime, *, after: int) -> tuple[int, int]:
    """Move a chunk of subscribers back to their next slot: how many were later, and the last id (-1: end)."""
    with store.begin() as tx:
        chunk = list_due_after(tx.connection, now, after=after, limit=CHUNK_SIZE)
        slots = {subscriber.id: find_next_slot(subscriber.schedule, now) for subscriber in chunk}
        too_late = {
            subscriber.id: slots[subscriber.id]
            for subscriber in chunk
            if subscriber.next_due and subscriber.next_due > slots[subscriber.id]
        }
        tx.subscribers.set_next_due(too_late)
    return len(too_late), chunk[-1].id if chunk else -1
