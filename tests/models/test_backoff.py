"""Tests of retry delays, breaker pauses, jitter and token buckets."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models.backoff import (
    BREAKER_PAUSES,
    RETRY_DELAYS,
    TokenBucket,
    get_breaker_pause,
    get_retry_delay,
)
from tests.factories import NOW

seconds = st.floats(0, 3600)


def test_retry_delays_grow_to_four_hours_and_stay() -> None:
    assert [get_retry_delay(n) for n in range(1, 9)] == [*RETRY_DELAYS, RETRY_DELAYS[-1], RETRY_DELAYS[-1]]


@given(failures=st.integers(0, 100), jitter=st.floats(0, 1, exclude_max=True))
def test_breaker_pause_is_between_nine_seconds_and_five_and_a_half_minutes(
    failures: int, jitter: float
) -> None:
    assert BREAKER_PAUSES[0] * 0.9 <= get_breaker_pause(failures, jitter=jitter) <= BREAKER_PAUSES[-1] * 1.1


def test_jitter_moves_a_breaker_pause_by_a_tenth_each_way() -> None:
    assert [get_breaker_pause(1, jitter=j) for j in (0, 0.5)] == [BREAKER_PAUSES[0] * 0.9, BREAKER_PAUSES[0]]
    assert [get_breaker_pause(n, jitter=0.5) for n in (0, 2, 3)] == [
        BREAKER_PAUSES[0],
        BREAKER_PAUSES[1],
        BREAKER_PAUSES[2],
    ]


@given(rate=st.floats(0.1, 50), waits=st.lists(seconds, max_size=20))
def test_no_bucket_gives_more_than_its_rate_and_one_burst(rate: float, waits: list[float]) -> None:
    bucket, now, given_out = TokenBucket.full("x", rate, NOW), NOW, 0
    for wait in waits:
        now += timedelta(seconds=wait)
        mails = bucket.available(now)
        bucket, given_out = bucket.take(mails, now), given_out + mails
    assert given_out <= bucket.burst + rate * sum(waits) + 1e-6


@given(rate=st.floats(0.1, 50))
def test_a_token_is_available_after_the_wait(rate: float) -> None:
    bucket = TokenBucket.full("x", rate, NOW)
    empty = bucket.take(int(bucket.burst), NOW)
    later = NOW + timedelta(seconds=empty.get_wait(NOW) + 0.001)
    assert empty.available(later) >= 1


def test_a_clock_that_jumps_back_removes_no_tokens() -> None:
    bucket = TokenBucket.full("x", 2, NOW)
    assert bucket.available(NOW - timedelta(hours=2)) == 2


def test_slow_down_halves_the_rate_once_a_minute_and_speed_up_raises_it_by_a_tenth() -> None:
    slow = TokenBucket.full("x", 10, NOW).slow_down(NOW)
    assert (slow.rate, slow.available(NOW)) == (5, 0)
    assert slow.slow_down(NOW + timedelta(seconds=30)) == slow
    later = NOW + timedelta(minutes=2)
    assert slow.available(later) == 5
    assert slow.speed_up(later).rate == pytest.approx(5 * 1.1**2)


def test_the_wait_is_for_one_token_or_for_the_rest_of_the_pause() -> None:
    empty = TokenBucket.full("x", 2, NOW).take(2, NOW)
    assert empty.get_wait(NOW) == 0.5
    assert empty.get_wait(NOW + timedelta(seconds=0.25)) == 0.25
    assert TokenBucket.full("x", 2, NOW).get_wait(NOW) == 0
    paused = empty.pause(NOW, duration=timedelta(minutes=3))
    assert [paused.get_wait(NOW + timedelta(minutes=m)) for m in (0, 2, 4)] == [180, 60, 0]
    assert [paused.available(NOW + timedelta(minutes=m)) for m in (2, 3)] == [0, 2]


def test_refilling_twice_adds_tokens_once() -> None:
    later = NOW + timedelta(seconds=1)
    bucket = TokenBucket.full("x", 2, NOW).take(2, NOW).refill(later)
    assert (bucket.tokens, bucket.refill(later).tokens, bucket.updated_at) == (2, 2, later)


def test_speed_up_counts_the_minutes_since_the_last_change_five_at_most() -> None:
    bucket = TokenBucket.full("x", 10, NOW)
    assert bucket.speed_up(NOW).rate == 10
    assert bucket.speed_up(NOW + timedelta(seconds=30)).rate == pytest.approx(10 * 1.1**0.5)
    raised = bucket.speed_up(NOW + timedelta(minutes=9))
    assert raised.rate == pytest.approx(10 * 1.1**5)
    assert raised.burst == raised.rate
    assert raised.speed_up(NOW + timedelta(minutes=9)) == raised
    assert TokenBucket.full("x", 0.01, NOW).slow_down(NOW).burst == 1
