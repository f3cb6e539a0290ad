"""What must not pile up? Once a day the house forgets what it has no reason to keep."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from digest import subscriptions
from digest.store import Store
from digest.subscriptions import By

WHOLE_CURVES = timedelta(days=60)  # so long every reading of a count is kept
THINNED = timedelta(days=150)  # papers first seen before that were thinned on an earlier day
READINGS = timedelta(days=400)  # so long the lines of what sources answered are kept
_DONE = "tidied"
_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Tidied:
    """What went."""

    signals: int = 0
    readings: int = 0
    unanswered: int = 0


def tidy(store: Store, now: datetime) -> Tidied | None:
    """Forget what is too old, at most once a day (UTC); None when that was done today."""
    with store.begin(write=False) as tx:
        if tx.meta.read(_DONE) == str(now.date()):
            return None
    with store.begin() as tx:
        signals = tx.signals.compact(now - WHOLE_CURVES, seen_since=now - THINNED)
        readings = tx.sources.forget(now - READINGS)
    unanswered = _forget_unanswered(store, now)
    with store.begin() as tx:
        tx.meta.write(_DONE, str(now.date()))
    return Tidied(signals, readings, unanswered)


def _forget_unanswered(store: Store, now: datetime) -> int:
    """In pieces, so that nobody waits long for the database."""
    gone = 0
    while True:
        with store.begin() as tx:
            some = subscriptions.forget_unanswered(tx, by=By("house", now), limit=_CHUNK)
        gone += some
        if some < _CHUNK:
            return gone
