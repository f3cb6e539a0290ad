"""How often may one visitor, one address and the whole world ask? Token buckets.

The buckets live in this process: they keep a flood away from the database at the price of a
dictionary entry. What must hold across processes and restarts (one confirmation mail per address in
ten minutes) is held by the ledger; with N web processes the other limits are at most N times as wide.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many at once, and so many more per minute."""

    burst: float
    per_minute: float


PER_VISITOR = Allowance(burst=10, per_minute=2)
PER_ADDRESS = Allowance(burst=1, per_minute=0.1)
PER_DOMAIN = Allowance(burst=200, per_minute=60)
WORLDWIDE = Allowance(burst=600, per_minute=300)
WAITERS = Allowance(burst=30, per_minute=30)  # during a flood, those who wait instead of working
WALK_INS = Allowance(burst=10, per_minute=10)  # programs and quick fingers, without a form read first
LOGINS = Allowance(burst=5, per_minute=1)
PER_BORROWER = Allowance(burst=3, per_minute=0.5)  # a reader's own libraries, read at their word
LENDING = Allowance(burst=60, per_minute=30)  # the same for all readers together
MOST_KEYS = 100_000
EASY = 0.5  # below this part of the worldwide bucket a sign-up must wait or work


class Buckets:
    """One bucket per key, all with the same allowance; the longest untouched are forgotten first."""

    def __init__(self, allowance: Allowance, *, most: int = MOST_KEYS) -> None:
        self.allowance = allowance
        self._most = most
        self._levels: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def level(self, key: str, now: datetime) -> float:
        """How many tokens are left."""
        if key not in self._levels:
            return self.allowance.burst
        level, since = self._levels[key]
        refilled = max(0.0, (now - since).total_seconds()) * self.allowance.per_minute / 60
        return min(self.allowance.burst, level + refilled)

    def take(self, key: str, now: datetime) -> bool:
        """Take one token, if there is one."""
        level = self.level(key, now)
        taken = level >= 1
        self._levels[key] = (level - taken, now)
        self._levels.move_to_end(key)
        if len(self._levels) > self._most:
            self._levels.popitem(last=False)
        return taken


class Seen:
    """Values that may be used once; remembered for as long as they could come back."""

    def __init__(self, *, most: int = MOST_KEYS) -> None:
        self._most = most
        self._until: OrderedDict[str, datetime] = OrderedDict()

    def is_new(self, value: str, until: datetime, now: datetime) -> bool:
        """Whether this is the first time; from now on it is not."""
        while self._until and next(iter(self._until.values())) < now:
            self._until.popitem(last=False)
        if value in self._until:
            return False
        self._until[value] = until
        if len(self._until) > self._most:
            self._until.popitem(last=False)
        return True


class Limits:
    """Every bucket of the web pages."""

    def __init__(self) -> None:
        self.visitors = Buckets(PER_VISITOR)
        self.addresses = Buckets(PER_ADDRESS)
        self.domains = Buckets(PER_DOMAIN)
        self.world = Buckets(WORLDWIDE)
        self.waiters = Buckets(WAITERS)
        self.walk_ins = Buckets(WALK_INS)
        self.logins = Buckets(LOGINS)
        self.tickets = Seen()

    def is_flood(self, now: datetime) -> bool:
        """Whether so many sign up that each must wait or work."""
        return self.world.level("", now) < EASY * WORLDWIDE.burst
