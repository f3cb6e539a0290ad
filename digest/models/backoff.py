"""Retry delays, circuit breaker pauses, send time jitter and token buckets, without I/O."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

RETRY_DELAYS = tuple(timedelta(minutes=m) for m in (5, 15, 30, 60, 120, 240))
BREAKER_PAUSES = tuple(timedelta(seconds=s) for s in (10, 20, 30, 60, 120, 300))
MIN_RATE = 1 / 60  # mails a second; slower than one a minute is as good as stopped
INITIAL_RATE = 2.0  # mails a second, of a domain that asked for less for the first time; halved at once
UNLIMITED_RATE = 100.0  # mails a second; from here on a domain needs no bucket any more
SLOW_DOWN_PAUSE = timedelta(minutes=1)


def get_retry_delay(attempt: int) -> timedelta:
    """Return how long to wait after attempt number *attempt* failed; the first one is 1."""
    return RETRY_DELAYS[min(max(attempt, 1), len(RETRY_DELAYS)) - 1]


def get_breaker_pause(failures: int, *, jitter: float) -> timedelta:
    """Return the pause after so many failures in a row, moved by up to a tenth by *jitter* in [0, 1)."""
    return BREAKER_PAUSES[min(max(failures, 1), len(BREAKER_PAUSES)) - 1] * (0.9 + 0.2 * jitter)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBucket:
    """A token bucket: *rate* tokens a second flow in, up to *burst*; one token lets one mail or request go.

    The rate of a mail domain adapts: halved if it asks for less, raised by a tenth a minute while it accepts.
    """

    key: str
    rate: float
    burst: float
    tokens: float
    updated_at: datetime
    raised_at: datetime
    paused_until: datetime | None = None

    @classmethod
    def full(cls, key: str, rate: float, now: datetime, *, burst: float = 0.0) -> "TokenBucket":
        """Return a full bucket; without *burst* it holds one second's worth, at least one token."""
        burst = burst or max(1.0, rate)
        return cls(key=key, rate=rate, burst=burst, tokens=burst, updated_at=now, raised_at=now)

    def refill(self, now: datetime) -> "TokenBucket":
        """Return the bucket with the tokens added until *now*. A clock that jumped back removes none."""
        seconds = max(0.0, (now - self.updated_at).total_seconds())
        return replace(self, tokens=min(self.burst, self.tokens + seconds * self.rate), updated_at=now)

    def available(self, now: datetime) -> int:
        """Return how many whole tokens may be taken at this moment."""
        if self.paused_until and now < self.paused_until:
            return 0
        return int(self.refill(now).tokens + 1e-9)

    def take(self, count: int, now: datetime) -> "TokenBucket":
        """Return the bucket after *count* tokens were taken; never below empty."""
        refilled = self.refill(now)
        return replace(refilled, tokens=max(0.0, refilled.tokens - count))

    def get_wait(self, now: datetime) -> float:
        """Return the seconds until one token may be taken; 0 when there is one now."""
        pause = max(0.0, (self.paused_until - now).total_seconds()) if self.paused_until else 0.0
        missing = max(0.0, 1.0 - self.refill(now).tokens) / self.rate
        return max(pause, missing)

    def slow_down(self, now: datetime) -> "TokenBucket":
        """Halve the rate after a minute's pause, as the receiver asked for less; at most once per minute."""
        if self.paused_until and now < self.paused_until:
            return self
        rate = max(MIN_RATE, self.rate / 2)
        return replace(
            self,
            rate=rate,
            burst=max(1.0, rate),
            tokens=0.0,
            updated_at=now,
            raised_at=now,
            paused_until=now + SLOW_DOWN_PAUSE,
        )

    def pause(self, now: datetime, *, duration: timedelta) -> "TokenBucket":
        """Return the bucket closed for *duration*."""
        return replace(self, paused_until=now + duration)

    def speed_up(self, now: datetime) -> "TokenBucket":
        """Raise the rate by a tenth per minute since its last change, five at most, as mail was accepted."""
        minutes = min(5.0, max(0.0, (now - self.raised_at).total_seconds() / 60))
        rate = self.rate * 1.1**minutes
        return replace(self.refill(now), rate=rate, burst=max(1.0, rate), raised_at=now)
