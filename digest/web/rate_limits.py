"""Rate limits of the web pages, as token buckets in memory.

They keep a flood away from the database. With N web processes they are N times as wide; what must hold across
processes and restarts (one confirmation mail per address in ten minutes) is held by the database.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from digest.models.backoff import TokenBucket


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many requests at once, and so many more per minute."""

    burst: float
    per_minute: float


PER_VISITOR = RateLimit(burst=10, per_minute=2)
PER_ADDRESS = RateLimit(burst=1, per_minute=0.1)
PER_DOMAIN = RateLimit(burst=200, per_minute=60)
WORLDWIDE = RateLimit(burst=600, per_minute=300)
FLOOD_WAITERS = RateLimit(burst=30, per_minute=30)  # sign-ups in a flood that waited instead of working
WITHOUT_FORM = RateLimit(burst=10, per_minute=10)  # sign-ups of programs, and of forms sent too fast
SAMPLES = RateLimit(burst=20, per_minute=10)  # sample digests of one visitor
LOGINS = RateLimit(burst=5, per_minute=1)  # wrong admin tokens
READER_TOKENS = RateLimit(burst=60, per_minute=60)  # calls with one reader's token
LIBRARY_IMPORTS_PER_READER = RateLimit(burst=3, per_minute=0.5)  # reading one reader's libraries
LIBRARY_IMPORTS = RateLimit(burst=60, per_minute=30)  # of all readers together
ONCE = RateLimit(burst=1, per_minute=0)  # a ticket of the sign-up form
MAX_KEYS = 100_000
FLOOD_THRESHOLD = 0.5  # of the worldwide bucket; with less in it, each sign-up must wait or do work


class RateLimiter:
    """One token bucket per key, all with the same limit; the least recently used are dropped."""

    def __init__(self, limit: RateLimit, *, max_keys: int = MAX_KEYS) -> None:
        self._limit, self._max_keys = limit, max_keys
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def available(self, key: str, now: datetime) -> int:
        """Return how many requests with this key are allowed at this moment."""
        return self._get(key, now).available(now)

    def take(self, key: str, now: datetime) -> bool:
        """Take one token and return True; False if there is none."""
        bucket = self._get(key, now)
        is_allowed = bucket.available(now) > 0
        self._buckets[key] = bucket.take(int(is_allowed), now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._max_keys:
            self._buckets.popitem(last=False)
        return is_allowed

    def _get(self, key: str, now: datetime) -> TokenBucket:
        rate = self._limit.per_minute / 60
        return self._buckets.get(key) or TokenBucket.full(key, rate, now, burst=self._limit.burst)


class RateLimits:
    """The rate limiters of the web pages."""

    def __init__(self) -> None:
        self.visitors = RateLimiter(PER_VISITOR)
        self.addresses = RateLimiter(PER_ADDRESS)
        self.domains = RateLimiter(PER_DOMAIN)
        self.worldwide = RateLimiter(WORLDWIDE)
        self.waiters = RateLimiter(FLOOD_WAITERS)
        self.without_form = RateLimiter(WITHOUT_FORM)
        self.samples = RateLimiter(SAMPLES)
        self.logins = RateLimiter(LOGINS)
        self.reader_tokens = RateLimiter(READER_TOKENS)
        self.used_tickets = RateLimiter(ONCE)

    def is_flood(self, now: datetime) -> bool:
        """Return True while so many sign up that each must wait or do work."""
        return self.worldwide.available("", now) < FLOOD_THRESHOLD * WORLDWIDE.burst
