"""How fast, and when again?"""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models.backoff import BREAKER, LADDER, Bucket, breaker_pause, retry_after, spread
from tests.factories import NOW

seconds = st.floats(0, 3600)


def test_the_ladder_climbs_to_four_hours_and_stays() -> None:
    assert [retry_after(n) for n in range(1, 9)] == [*LADDER, LADDER[-1], LADDER[-1]]


@given(failures=st.integers(0, 100), jitter=st.floats(0, 1, exclude_max=True))
def test_a_breaker_rests_between_nine_seconds_and_five_and_a_half_minutes(
    failures: int, jitter: float
) -> None:
    assert BREAKER[0] * 0.9 <= breaker_pause(failures, jitter=jitter) <= BREAKER[-1] * 1.1


def test_chance_spreads_a_breaker_s_rest_by_a_tenth_each_way() -> None:
    assert [breaker_pause(1, jitter=j) for j in (0, 0.5)] == [BREAKER[0] * 0.9, BREAKER[0]]
    assert [breaker_pause(n, jitter=0.5) for n in (0, 2, 3)] == [BREAKER[0], BREAKER[1], BREAKER[2]]


def test_places_in_a_slot_reach_from_its_beginning_to_its_end() -> None:
    places = sorted(spread(str(number), over=timedelta(minutes=10)) for number in range(200))
    assert places[0] < timedelta(seconds=10)
    assert places[-1] > timedelta(minutes=9, seconds=50)


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


def test_the_wait_is_what_one_mail_needs_or_what_the_pause_lasts() -> None:
    empty = Bucket.full("x", 2, NOW).taken(2, NOW)
    assert empty.wait(NOW) == 0.5
    assert empty.wait(NOW + timedelta(seconds=0.25)) == 0.25
    assert Bucket.full("x", 2, NOW).wait(NOW) == 0
    paused = empty.stopped(NOW, rest=timedelta(minutes=3))
    assert [paused.wait(NOW + timedelta(minutes=m)) for m in (0, 2, 4)] == [180, 60, 0]
    assert [paused.available(NOW + timedelta(minutes=m)) for m in (2, 3)] == [0, 2]


def test_what_flowed_in_is_not_counted_again() -> None:
    later = NOW + timedelta(seconds=1)
    bucket = Bucket.full("x", 2, NOW).taken(2, NOW).refilled(later)
    assert (bucket.tokens, bucket.refilled(later).tokens, bucket.updated_at) == (2, 2, later)


def test_a_rate_rises_by_the_minutes_since_it_last_changed_five_at_most() -> None:
    bucket = Bucket.full("x", 10, NOW)
    assert bucket.quickened(NOW).rate == 10
    assert bucket.quickened(NOW + timedelta(seconds=30)).rate == pytest.approx(10 * 1.1**0.5)
    raised = bucket.quickened(NOW + timedelta(minutes=9))
    assert raised.rate == pytest.approx(10 * 1.1**5)
    assert raised.burst == raised.rate
    assert raised.quickened(NOW + timedelta(minutes=9)) == raised
    assert Bucket.full("x", 0.01, NOW).slowed(NOW).burst == 1
