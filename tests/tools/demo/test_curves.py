"""Votes only rise, start at nothing and end where they are meant to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.tools.demo.curves import CURVES, votes_at

SHAPES = st.sampled_from(sorted(CURVES))
HOURS = st.floats(-10, 400)
WAKES = st.floats(0, 120)


@given(shape=SHAPES, final=st.integers(0, 500), wakes=WAKES, one=HOURS, other=HOURS)
def test_votes_never_fall_and_never_exceed_the_end(
    shape: str, final: int, wakes: float, one: float, other: float
) -> None:
    early, late = sorted((one, other))
    before = votes_at(early, final=final, shape=shape, wakes=wakes)
    after = votes_at(late, final=final, shape=shape, wakes=wakes)
    assert 0 <= before <= after <= final


@pytest.mark.parametrize("shape", CURVES)
def test_a_curve_begins_with_nothing_and_reaches_the_end(shape: str) -> None:
    assert votes_at(0, final=80, shape=shape, wakes=60) == 0
    assert votes_at(60 + 168, final=80, shape=shape, wakes=60) == 80


def test_a_sleeper_is_quiet_until_it_wakes_and_then_is_everywhere() -> None:
    def votes(hours: float) -> int:
        return votes_at(hours, final=140, shape="sleeper", wakes=88)

    assert votes(84) < 20
    assert votes(108) > 100
