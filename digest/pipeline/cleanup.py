"""What must not pile up? Once a day the house forgets what it has no reason to keep."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from digest import subscribers
from digest.db import Database
from digest.db.papers.repository import MEMORY
from digest.subscribers import Actor

WHOLE_CURVES = timedelta(days=60)  # so long every reading of a count is kept
THINNED = timedelta(days=150)  # papers first seen before that were thinned on an earlier day
READINGS = timedelta(days=400)  # so long the lines of what sources answered are kept
RECORDS = MEMORY + timedelta(days=2)  # local days: nothing a candidate was sent under is ever forgotten
MAIL_LIVES = timedelta(days=2)  # a mail may end so long after it was planned, and tells what it told
PARTS = 28  # of the readers: one part a day, so that no day has much to do
_COMPACTED = "mail_compacted_until"
_DONE = "tidied"
LONG_AGO = "1990-01-01T00:00:00+00:00"
_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Tidied:
    """What went."""

    signals: int = 0
    readings: int = 0
    unanswered: int = 0
    mails: int = 0  # emptied
    sent: int = 0  # papers that readers were sent
    past: int = 0  # former contents of papers
    heats: int = 0  # that no mail tells of any more


def tidy(store: Database, now: datetime) -> Tidied | None:
    """Forget what is too old, at most once a day (UTC); None when that was done today."""
    with store.begin(write=False) as tx:
        if tx.meta.read(_DONE) == str(now.date()):
            return None
    with store.begin() as tx:
        signals = tx.signals.compact(now - WHOLE_CURVES, seen_since=now - THINNED)
        readings = tx.sources.forget(now - READINGS)
        past = tx.past.forget(now - RECORDS)
        heats = tx.heats.forget(now - RECORDS - MAIL_LIVES)
    unanswered, mails, sent = _forget_unanswered(store, now), _compact(store, now), _forget_sent(store, now)
    with store.begin() as tx:
        tx.meta.write(_DONE, str(now.date()))
    return Tidied(signals, readings, unanswered, mails, sent, past, heats)


def _compact(store: Database, now: datetime) -> int:
    """Empty the rows of mails that nobody will ask about again; the rows stay, for each key is used once."""
    with store.begin(write=False) as tx:
        since = datetime.fromisoformat(tx.meta.read(_COMPACTED) or LONG_AGO)
    emptied = 0
    while True:
        with store.begin() as tx:
            some = tx.deliveries.compact(since, now - RECORDS)
            if not some:
                tx.meta.write(_COMPACTED, (now - RECORDS).isoformat())
                return emptied
        emptied += some


def _forget_sent(store: Database, now: datetime) -> int:
    """What a part of the readers was sent too long ago to matter (MEMORY), a few readers at a time."""
    last, gone, part = 0, 0, now.toordinal() % PARTS
    while True:
        with store.begin() as tx:
            some = tx.subscribers.ids_after(last, part=part, of=PARTS)
            gone += tx.sent.forget(some, (now - RECORDS).date()) if some else 0
        if not some:
            return gone
        last = some[-1]


def _forget_unanswered(store: Database, now: datetime) -> int:
    """In pieces, so that nobody waits long for the database."""
    gone = 0
    while True:
        with store.begin() as tx:
            some = subscribers.forget_unanswered(tx, by=Actor("house", now), limit=_CHUNK)
        gone += some
        if some < _CHUNK:
            return gone
