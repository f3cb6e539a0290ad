"""Rate limits in memory: token buckets per key, and values that can be used once."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from digest.web.rate_limits import ONCE, RateLimit, RateLimiter
from tests.factories import NOW

MINUTE = timedelta(minutes=1)


@given(st.lists(st.floats(0, 120), max_size=60))
def test_a_limiter_never_allows_more_than_its_burst_and_what_flowed_in(pauses: list[float]) -> None:
    limiter, now, taken = RateLimiter(RateLimit(burst=5, per_minute=6)), NOW, 0
    for pause in pauses:
        now += timedelta(seconds=pause)
        taken += limiter.take("visitor", now)
    assert taken <= 5 + (now - NOW).total_seconds() / 10 + 1e-6


def test_a_bucket_refills_with_time() -> None:
    limiter = RateLimiter(RateLimit(burst=1, per_minute=0.1))
    assert [limiter.take("a", NOW + n * MINUTE) for n in (0, 1, 9, 10, 11)] == [
        True,
        False,
        False,
        True,
        False,
    ]


def test_keys_have_separate_buckets() -> None:
    limiter = RateLimiter(RateLimit(burst=1, per_minute=1))
    assert limiter.take("a", NOW)
    assert limiter.take("b", NOW)
    assert not limiter.take("a", NOW)


def test_a_clock_that_jumps_back_refills_nothing() -> None:
    limiter = RateLimiter(RateLimit(burst=1, per_minute=1))
    assert limiter.take("a", NOW)
    assert not limiter.take("a", NOW - 60 * MINUTE)


def test_memory_is_bounded() -> None:
    limiter = RateLimiter(RateLimit(burst=1, per_minute=1), max_keys=10)
    for n in range(100):
        limiter.take(str(n), NOW)
    assert len(limiter._buckets) == 10


def test_what_is_allowed_once_is_never_allowed_again() -> None:
    limiter = RateLimiter(ONCE)
    assert limiter.take("nonce", NOW)
    assert not limiter.take("nonce", NOW + 10_000 * MINUTE)
    assert limiter.take("another", NOW)
