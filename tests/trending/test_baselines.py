"""Tests of growth curves, between their points and beyond their ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import SignalKind
from digest.trending.baselines import DEFAULT_BASELINES, interpolate

CURVE = DEFAULT_BASELINES.curves[0]
point_lists = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=6)


@pytest.mark.parametrize(("at", "height"), [(-1, 2), (0, 2), (5, 4), (10, 6), (12, 7), (14, 8), (99, 8)])
def test_a_curve_is_straight_between_its_points_and_flat_beyond_them(at: float, height: float) -> None:
    assert interpolate(at, (0, 10, 14), (2, 6, 8)) == height


@given(point_lists)
def test_a_curve_goes_through_its_points(points: list[tuple[int, int]]) -> None:
    curve = dict(sorted(points))
    for at, height in curve.items():
        assert interpolate(at, list(curve), list(curve.values())) == height


@pytest.mark.parametrize(("hours", "grown"), [(0, 0), (8, 0.4), (24, 0.66), (48, 0.81 - 0.66), (999, 0)])
def test_the_usual_gain_is_what_a_usual_paper_grew_by_since_yesterday(hours: float, grown: float) -> None:
    assert CURVE.usual_gain_at(hours) == pytest.approx(8.4 * grown)


@pytest.mark.parametrize(("expected", "spread"), [(1, 0.59), (15, 0.59), (15.5, 0.4), (200, 0.4)])
def test_the_spread_of_hot_papers_is_smaller(expected: float, spread: float) -> None:
    assert CURVE.spread_at(8, expected) == spread


def test_get_curve_by_source_and_kind() -> None:
    assert DEFAULT_BASELINES.get_curve("huggingface", SignalKind.UPVOTES) is CURVE
    assert DEFAULT_BASELINES.get_curve("", SignalKind.UPVOTES) is CURVE
    assert DEFAULT_BASELINES.get_curve("elsewhere", SignalKind.UPVOTES) is None
    assert DEFAULT_BASELINES.get_curve("", SignalKind.POINTS) is None
