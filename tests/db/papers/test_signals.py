"""Signals: each observation stored once, read up to a moment, and thinned without losing the curve."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from digest.db import Database
from digest.db.papers.signals import FinalValue, select_kept
from digest.models import SignalKind
from tests.factories import NOW, make_paper, make_signal

SERIES = st.lists(
    st.tuples(st.integers(0, 60 * 24 * 40), st.integers(0, 5)), unique_by=lambda point: point[0]
).map(lambda rows: [(NOW + timedelta(minutes=at), float(value)) for at, value in sorted(rows)])


def test_a_signal_is_added_and_counted_once(any_store: Database) -> None:
    stored, unknown = make_paper(), make_paper()
    with any_store.begin() as tx:
        tx.papers.add([stored], seen_at=NOW)
        signals = [make_signal(stored, 3, hours_ago=2), make_signal(stored, 5), make_signal(unknown, 9)]
        assert tx.signals.add([*signals, signals[0]]) == 2
        assert tx.signals.add(signals) == 0
        assert [signal.value for signal in tx.signals.get_until([stored.id], until=NOW)[stored.id]] == [3, 5]


def test_get_until_ignores_later_signals(any_store: Database) -> None:
    stored = make_paper()
    with any_store.begin() as tx:
        tx.papers.add([stored], seen_at=NOW)
        tx.signals.add([make_signal(stored, 3, hours_ago=2), make_signal(stored, 5)])
        link = f"https://arxiv.org/abs/{stored.id[6:]}v2"
        early = tx.signals.get_until([link], until=NOW - timedelta(hours=1))
        assert [signal.value for signal in early[link]] == [3]
        assert tx.signals.get_until([stored.id], until=NOW - timedelta(hours=3)) == {}


def test_list_final_values_returns_the_last_values_of_recent_papers(any_store: Database) -> None:
    one, two, old = make_paper(), make_paper(), make_paper()
    with any_store.begin() as tx:
        tx.papers.add([old], seen_at=NOW - timedelta(days=40))
        tx.papers.add([one, two], seen_at=NOW)
        tx.signals.add(
            [
                make_signal(one, 3, hours_ago=5),
                make_signal(one, 8),
                make_signal(two, 1),
                make_signal(old, 50),
                make_signal(two, 99, source="hackernews"),
            ]
        )
        values = tx.signals.list_final_values(
            "huggingface", SignalKind.UPVOTES, since=(NOW - timedelta(days=28)).date()
        )
        assert values == (FinalValue(one.id, NOW.date(), 8, NOW), FinalValue(two.id, NOW.date(), 1, NOW))


def test_compact_thins_old_signals_only(any_store: Database) -> None:
    old, young = make_paper(), make_paper()
    with any_store.begin() as tx:
        tx.papers.add([old, young], seen_at=NOW - timedelta(days=70))
        hours = range(24 * 8)
        tx.signals.add(make_signal(old, 10 + hour, hours_ago=24 * 70 - hour) for hour in hours)
        tx.signals.add(make_signal(young, 10 + hour, hours_ago=24 * 8 - hour) for hour in hours)
        deleted = tx.signals.compact(NOW - timedelta(days=60))
        assert deleted > 100
        assert tx.signals.compact(NOW - timedelta(days=60)) == 0
        left = tx.signals.get_until([old.id, young.id], until=NOW)
        assert (len(left[young.id]), len(left[old.id])) == (len(hours), len(hours) - deleted)
        assert (left[old.id][0].value, left[old.id][-1].value) == (10, 10 + hours[-1])
        assert tx.signals.compact(NOW, seen_since=NOW - timedelta(days=1)) == 0


@given(SERIES)
def test_select_kept_keeps_both_ends_and_is_idempotent(points: list[tuple[object, float]]) -> None:
    kept = select_kept(points)  # type: ignore[arg-type]
    if points:
        assert {0, len(points) - 1} <= kept
    left = [points[index] for index in sorted(kept)]
    assert select_kept(left) == {*range(len(left))}  # type: ignore[arg-type]


@given(SERIES)
def test_the_last_value_of_every_hour_of_the_first_day_can_be_read_from_what_is_kept(
    points: list[tuple[datetime, float]],
) -> None:
    kept = select_kept(points)
    last_of_hour = {(at - points[0][0]) // timedelta(hours=1): (at, value) for at, value in points}
    for hour, (at, value) in last_of_hour.items():
        if hour < 24:
            assert [points[index][1] for index in sorted(kept) if points[index][0] <= at][-1] == value
