"""How fast, and when again? The retry ladder, the breaker's pauses and token buckets: pure arithmetic."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b

LADDER = tuple(timedelta(minutes=m) for m in (5, 15, 30, 60, 120, 240))
BREAKER = tuple(timedelta(seconds=s) for s in (10, 20, 30, 60, 120, 300))
SLOWEST = 1 / 60  # a mail a minute: below it a domain is as good as stopped
FIRST_RATE = 2.0  # mails a second to a domain that complained for the first time, before halving
UNLIMITED = 100.0  # from here on a domain needs no bucket any more
COOLING = timedelta(minutes=1)


def retry_after(attempt: int) -> timedelta:
    """How long to wait after the given number of tries was spent (1 = the first failed)."""
    return LADDER[min(max(attempt, 1), len(LADDER)) - 1]


def breaker_pause(failures: int, *, jitter: float) -> timedelta:
    """How long a route rests after so many failures in a row; `jitter` in [0, 1) spreads it by a tenth."""
    return BREAKER[min(max(failures, 1), len(BREAKER)) - 1] * (0.9 + 0.2 * jitter)


def spread(pid: str, *, over: timedelta) -> timedelta:
    """A reader's own place within the first minutes of a slot: stable, so that no day brings two."""
    place = int.from_bytes(blake2b(pid.encode(), digest_size=4).digest(), "big")
    return over * (place / 2**32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """So many mails a second towards one route or domain; halved on complaint, a tenth more a minute."""

    key: str
    rate: float
    burst: float
    tokens: float
    updated_at: datetime
    raised_at: datetime
    paused_until: datetime | None = None

    @classmethod
    def full(cls, key: str, rate: float, now: datetime) -> "Bucket":
        """A bucket that holds one second's worth, at least one mail."""
        burst = max(1.0, rate)
        return cls(key=key, rate=rate, burst=burst, tokens=burst, updated_at=now, raised_at=now)

    def refilled(self, now: datetime) -> "Bucket":
        """What has flowed in until now. A clock that jumped back takes nothing away."""
        seconds = max(0.0, (now - self.updated_at).total_seconds())
        return replace(self, tokens=min(self.burst, self.tokens + seconds * self.rate), updated_at=now)

    def available(self, now: datetime) -> int:
        """How many mails may go at this moment."""
        if self.paused_until and now < self.paused_until:
            return 0
        return int(self.refilled(now).tokens + 1e-9)

    def taken(self, mails: int, now: datetime) -> "Bucket":
        """After so many mails went."""
        full = self.refilled(now)
        return replace(full, tokens=max(0.0, full.tokens - mails))

    def wait(self, now: datetime) -> float:
        """Seconds until one mail may go; 0 when it may go now."""
        pause = max(0.0, (self.paused_until - now).total_seconds()) if self.paused_until else 0.0
        missing = max(0.0, 1.0 - self.refilled(now).tokens) / self.rate
        return max(pause, missing)

    def slowed(self, now: datetime) -> "Bucket":
        """The receiver asked for less: half the rate, after a minute's rest. Once per minute at most."""
        if self.paused_until and now < self.paused_until:
            return self
        rate = max(SLOWEST, self.rate / 2)
        return replace(
            self,
            rate=rate,
            burst=max(1.0, rate),
            tokens=0.0,
            updated_at=now,
            raised_at=now,
            paused_until=now + COOLING,
        )

    def stopped(self, now: datetime, *, rest: timedelta) -> "Bucket":
        """Nothing goes for a while."""
        return replace(self, paused_until=now + rest)

    def quickened(self, now: datetime) -> "Bucket":
        """Mail was taken: a tenth faster for each minute since the last change, five at most."""
        minutes = min(5.0, max(0.0, (now - self.raised_at).total_seconds() / 60))
        rate = self.rate * 1.1**minutes
        return replace(self.refilled(now), rate=rate, burst=max(1.0, rate), raised_at=now)
