"""How often may anyone ask?"""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from digest.web.rate_limits import Allowance, Buckets, Seen
from tests.factories import NOW

MINUTE = timedelta(minutes=1)


@given(st.lists(st.floats(0, 120), max_size=60))
def test_no_bucket_ever_gives_more_than_its_burst_and_what_flowed_in(pauses: list[float]) -> None:
    buckets, now, taken = Buckets(Allowance(burst=5, per_minute=6)), NOW, 0
    for pause in pauses:
        now += timedelta(seconds=pause)
        taken += buckets.take("visitor", now)
    assert taken <= 5 + (now - NOW).total_seconds() / 10 + 1e-6


def test_a_bucket_refills_with_time() -> None:
    buckets = Buckets(Allowance(burst=1, per_minute=0.1))
    assert [buckets.take("a", NOW + n * MINUTE) for n in (0, 1, 9, 10, 11)] == [
        True,
        False,
        False,
        True,
        False,
    ]


def test_one_visitor_does_not_use_up_anothers() -> None:
    buckets = Buckets(Allowance(burst=1, per_minute=1))
    assert buckets.take("a", NOW)
    assert buckets.take("b", NOW)
    assert not buckets.take("a", NOW)


def test_a_clock_that_jumps_back_gives_nothing_away() -> None:
    buckets = Buckets(Allowance(burst=1, per_minute=1))
    assert buckets.take("a", NOW)
    assert not buckets.take("a", NOW - 60 * MINUTE)


def test_memory_is_bounded() -> None:
    buckets, seen = Buckets(Allowance(burst=1, per_minute=1), most=10), Seen(most=10)
    for n in range(100):
        buckets.take(str(n), NOW)
        seen.is_new(str(n), NOW + MINUTE, NOW)
    assert len(buckets._levels) == 10
    assert len(seen._until) == 10


def test_a_value_is_new_once() -> None:
    seen = Seen()
    assert seen.is_new("nonce", NOW + MINUTE, NOW)
    assert not seen.is_new("nonce", NOW + MINUTE, NOW)
