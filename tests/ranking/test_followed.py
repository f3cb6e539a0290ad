"""Whoever follows an author, an organization or a category finds their papers higher up, and no others."""

from dataclasses import replace

import pytest

from digest.models import Profile
from digest.ranking.followed import Following
from tests.factories import paper

PAPERS = (
    replace(paper("Sheep", authors=("Ada Loveless",), categories=("cs.CV",)), organization="Zürich Dreams"),
    paper("Lambs", authors=("Bo Chen",), categories=("cs.LG", "cs.CV")),
    paper("Goats", authors=("Cy Dee",), categories=("math.CO",)),
)


def added(profile: Profile, *, has_words: bool = True) -> list[float]:
    return [float(each) for each in Following(PAPERS).added(profile, has_words=has_words)]


@pytest.mark.parametrize(
    ("profile", "heights"),
    [
        (Profile(), [0, 0, 0]),
        (Profile(authors=("Loveless, A.",)), [3, 0, 0]),
        (Profile(affiliations=("ZURICH dreams",)), [1, 0, 0]),
        (Profile(categories=("cs.CV",)), [0.3, 0.3, 0]),
        (Profile(authors=("Nobody Known",), affiliations=("Nowhere",), categories=("cs.XX",)), [0, 0, 0]),
        (Profile(authors=("Ada Loveless",), affiliations=("Zurich Dreams",)), [4, 0, 0]),
    ],
)
def test_whom_where_and_what_a_reader_follows_adds_up(profile: Profile, heights: list[float]) -> None:
    assert added(profile) == pytest.approx(heights)


def test_a_category_is_all_there_is_to_go_by_for_who_asked_for_no_words() -> None:
    assert added(Profile(categories=("cs.CV",)), has_words=False) == [2, 2, 0]
