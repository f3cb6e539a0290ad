"""Does it all fit?"""

from hypothesis import given
from hypothesis import strategies as st

from digest.mail.budget import LARGEST, fitted
from digest.models import Section
from tests.mail.examples import edition, picks


def test_what_fits_stays_as_it_is() -> None:
    of = edition()
    assert fitted(of, lambda _: 100, around=1_000) is of


def test_lines_go_first_and_one_paper_always_stays() -> None:
    kept = fitted(edition(), lambda _: 6_000, around=10_000)
    assert [len(kept.section(section)) for section in Section] == [3, 6, 2]
    assert kept.notes == ("trimmed",)
    assert [pick.section for pick in fitted(edition(), lambda _: 10**6, around=0).picks] == [Section.TRENDING]


@given(st.integers(0, 20_000), st.integers(0, 60_000))
def test_what_is_kept_fits_and_keeps_its_order(weight: int, around: int) -> None:
    kept = fitted(edition(), lambda _: weight, around=around).picks
    assert around + weight * len(kept) <= LARGEST or len(kept) == 1
    assert [pick.paper.id for pick in picks() if pick in kept] == [pick.paper.id for pick in kept]


def test_no_more_is_given_up_than_must_be_and_the_last_ones_first() -> None:
    room_for_all = LARGEST - 1_000 * len(picks())
    assert fitted(edition(), lambda _: 1_000, around=room_for_all).notes == ()
    assert fitted(edition(), lambda _: 1_000, around=room_for_all + 1).notes == ("trimmed",)
    for missing, kept in ((1, -1), (1_000, -1), (1_001, -2), (2_000, -2)):
        left = fitted(edition(), lambda _: 1_000, around=room_for_all + missing).picks
        assert left == picks()[:kept]


def test_giving_up_the_heaviest_line_may_be_enough() -> None:
    last = picks()[-1]
    kept = fitted(edition(), lambda pick: 60_000 if pick == last else 2_000, around=0).picks
    assert kept == picks()[:-1]
