"""How fast, and when again?"""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.throttle import BREAKER, LADDER, Bucket, breaker_pause, retry_after, spread
from tests.house import NOW

seconds = st.floats(0, 3600)


def test_the_ladder_climbs_to_four_hours_and_stays() -> None:
    assert [retry_after(n) for n in range(1, 9)] == [*LADDER, LADDER[-1], LADDER[-1]]


@given(failures=st.integers(0, 100), jitter=st.floats(0, 1, exclude_max=True))
def test_a_breaker_rests_between_nine_seconds_and_five_and_a_half_minutes(
    failures: int, jitter: float
) -> None:
    assert BREAKER[0] * 0.9 <= breaker_pause(failures, jitter=jitter) <= BREAKER[-1] * 1.1


@given(st.text(min_size=1, max_size=20))
def test_everybody_has_their_own_place_in_the_slot_for_ever(pid: str) -> None:
    over = timedelta(minutes=15)
    assert timedelta(0) <= spread(pid, over=over) < over
    assert spread(pid, over=over) == spread(pid, over=over)


@given(rate=st.floats(0.1, 50), waits=st.lists(seconds, max_size=20))
def test_no_bucket_gives_more_than_its_rate_and_one_burst(rate: float, waits: list[float]) -> None:
    bucket, now, given_out = Bucket.full("x", rate, NOW), NOW, 0
    for wait in waits:
        now += timedelta(seconds=wait)
        mails = bucket.available(now)
        bucket, given_out = bucket.taken(mails, now), given_out + mails
    assert given_out <= bucket.burst + rate * sum(waits) + 1e-6


@given(rate=st.floats(0.1, 50))
def test_after_the_wait_there_is_a_mail_to_send(rate: float) -> None:
    bucket = Bucket.full("x", rate, NOW)
    empty = bucket.taken(int(bucket.burst), NOW)
    later = NOW + timedelta(seconds=empty.wait(NOW) + 0.001)
    assert empty.available(later) >= 1


def test_a_clock_that_jumps_back_takes_nothing_away() -> None:
    bucket = Bucket.full("x", 2, NOW)
    assert bucket.available(NOW - timedelta(hours=2)) == 2


def test_a_complaint_halves_the_rate_once_a_minute_and_good_minutes_raise_it_by_a_tenth() -> None:
    slow = Bucket.full("x", 10, NOW).slowed(NOW)
    assert (slow.rate, slow.available(NOW)) == (5, 0)
    assert slow.slowed(NOW + timedelta(seconds=30)) == slow
    later = NOW + timedelta(minutes=2)
    assert slow.available(later) == 5
    assert slow.quickened(later).rate == pytest.approx(5 * 1.1**2)
