"""Was the clock ahead for a while? What it pushed into the future comes back when it is right again.

A machine whose clock jumps months ahead, be it for a minute, moves every reader on to a slot that is months
away, and calls every paper seen that is first seen after it. Nothing of that would ever right itself.
"""

import logging
from datetime import datetime, timedelta

from digest.db import Database
from digest.db.future_timestamps import bring_back, waiting
from digest.models.schedule import next_slot

log = logging.getLogger(__name__)

LAST_TICK = "ticked_at"  # where the store keeps when we last came round
AHEAD = timedelta(hours=1)  # what two machines may differ by, and time servers put right without a jump
_CHUNK = 1000


def was_ahead(store: Database, now: datetime) -> bool:
    """Whether we last came round at a time that has not come yet."""
    with store.begin(write=False) as tx:
        ticked = tx.meta.read(LAST_TICK)
    return bool(ticked) and datetime.fromisoformat(ticked) > now + AHEAD


def repair_timestamps(store: Database, now: datetime) -> int:
    """If the clock was ahead: the time is now, and nobody waits beyond their next slot. How many did.

    `now` must be the time it is, not one that somebody would like to try.
    """
    if not was_ahead(store, now):
        return 0
    with store.begin() as tx:
        bring_back(tx.connection, now)
    moved, last = 0, 0
    while last >= 0:
        some, last = _nearer(store, now, after=last)
        moved += some
    with store.begin() as tx:
        tx.meta.write(LAST_TICK, now.isoformat())
    log.warning("the clock was ahead", extra={"readers_brought_back": moved})
    return moved


def _nearer(store: Database, now: datetime, *, after: int) -> tuple[int, int]:
    """A chunk of readers on their next slot: how many were beyond it, and the last that was looked at."""
    with store.begin() as tx:
        some = waiting(tx.connection, now, after=after, limit=_CHUNK)
        slots = {reader.id: next_slot(reader.schedule, now) for reader in some}
        late = {each.id: slots[each.id] for each in some if each.next_due and each.next_due > slots[each.id]}
        tx.subscribers.set_next_dues(late)
    return len(late), some[-1].id if some else -1
