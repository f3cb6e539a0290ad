"""Attention is kept as timed totals, each reading once, and thinned without losing its curve."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from digest.db import Database
from digest.db.papers.signals import Final, kept
from digest.models import SignalKind
from tests.factories import NOW, paper, signal

READINGS = st.lists(
    st.tuples(st.integers(0, 60 * 24 * 40), st.integers(0, 5)), unique_by=lambda reading: reading[0]
).map(lambda rows: [(NOW + timedelta(minutes=at), float(value)) for at, value in sorted(rows)])


def test_each_reading_is_kept_once_and_counted_once(any_store: Database) -> None:
    known, unknown = paper(), paper()
    with any_store.begin() as tx:
        tx.papers.add([known], seen_at=NOW)
        seen = [signal(known, 3, hours_ago=2), signal(known, 5), signal(unknown, 9)]
        assert tx.signals.observe([*seen, seen[0]]) == 2
        assert tx.signals.observe(seen) == 0
        assert [one.value for one in tx.signals.of([known.id], until=NOW)[known.id]] == [3, 5]


def test_what_comes_later_does_not_exist_yet(any_store: Database) -> None:
    known = paper()
    with any_store.begin() as tx:
        tx.papers.add([known], seen_at=NOW)
        tx.signals.observe([signal(known, 3, hours_ago=2), signal(known, 5)])
        link = f"https://arxiv.org/abs/{known.id[6:]}v2"
        early = tx.signals.of([link], until=NOW - timedelta(hours=1))
        assert [one.value for one in early[link]] == [3]
        assert tx.signals.of([known.id], until=NOW - timedelta(hours=3)) == {}


def test_finals_are_the_last_values_of_papers_of_late(any_store: Database) -> None:
    one, two, old = paper(), paper(), paper()
    with any_store.begin() as tx:
        tx.papers.add([old], seen_at=NOW - timedelta(days=40))
        tx.papers.add([one, two], seen_at=NOW)
        tx.signals.observe(
            [
                signal(one, 3, hours_ago=5),
                signal(one, 8),
                signal(two, 1),
                signal(old, 50),
                signal(two, 99, source="hackernews"),
            ]
        )
        finals = tx.signals.finals("huggingface", SignalKind.UPVOTES, since=(NOW - timedelta(days=28)).date())
        assert finals == (Final(one.id, NOW.date(), 8, NOW), Final(two.id, NOW.date(), 1, NOW))


def test_old_readings_are_thinned_and_young_ones_are_not(any_store: Database) -> None:
    old, young = paper(), paper()
    with any_store.begin() as tx:
        tx.papers.add([old, young], seen_at=NOW - timedelta(days=70))
        hours = range(24 * 8)
        tx.signals.observe(signal(old, 10 + hour, hours_ago=24 * 70 - hour) for hour in hours)
        tx.signals.observe(signal(young, 10 + hour, hours_ago=24 * 8 - hour) for hour in hours)
        gone = tx.signals.compact(NOW - timedelta(days=60))
        assert gone > 100
        assert tx.signals.compact(NOW - timedelta(days=60)) == 0
        left = tx.signals.of([old.id, young.id], until=NOW)
        assert (len(left[young.id]), len(left[old.id])) == (len(hours), len(hours) - gone)
        assert (left[old.id][0].value, left[old.id][-1].value) == (10, 10 + hours[-1])
        assert tx.signals.compact(NOW, seen_since=NOW - timedelta(days=1)) == 0


@given(READINGS)
def test_both_ends_stay_and_thinning_again_takes_nothing(readings: list[tuple[object, float]]) -> None:
    staying = kept(readings)  # type: ignore[arg-type]
    if readings:
        assert {0, len(readings) - 1} <= staying
    left = [readings[place] for place in sorted(staying)]
    assert kept(left) == {*range(len(left))}  # type: ignore[arg-type]


@given(READINGS)
def test_every_value_on_the_first_day_is_known_within_the_hour(readings: list[tuple[object, float]]) -> None:
    staying = kept(readings)  # type: ignore[arg-type]
    left = [readings[place] for place in sorted(staying)]
    for at, value in readings:
        if at - readings[0][0] < timedelta(days=1):  # type: ignore[operator]
            near = [v for t, v in left if abs(t - at) < timedelta(hours=1)]  # type: ignore[operator]
            before = [v for t, v in left if t <= at][-1:]  # type: ignore[operator]
            assert near or before == [value]
