"""Whoever follows an author, an organization or a category finds their papers higher up, and no others."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import Profile
from digest.ranking.followed import Bylines, Following, followed_author
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


SPELLINGS = (
    "Ada Loveless", "Loveless, Ada", "A. Loveless", "Ada M. Loveless", "Ada Lovelace", "Alice Loveless",
    "B. Loveless", "Loveless", "L. Loveless", "Zoë Ångström", "Angstrom, Z.", "Plato", "", "42",
)  # fmt: skip
names = st.sampled_from(SPELLINGS)


@pytest.mark.parametrize(
    ("followed", "found"),
    [
        ("Ada Loveless", True),
        ("Loveless, Ada", True),
        ("Loveless, Ada, Jr.", True),
        ("A. Loveless", True),
        ("Ada M. Loveless", True),
        ("Eve Loveless", False),
        ("Alice Loveless", False),
        ("B. Loveless", False),
        ("Ada Lovelace", False),
        ("Loveless", False),
        ("", False),
    ],
)
def test_a_followed_author_is_recognised_but_not_confused(followed: str, *, found: bool) -> None:
    authors = ("Bo Chen", "", "Ada Loveless")
    assert followed_author(authors, (followed,)) == ("Ada Loveless" if found else "")


def test_who_writes_under_one_name_is_found_by_it_alone() -> None:
    assert followed_author(["Plato"], ["plato"]) == "Plato"
    assert followed_author(["P. Plato"], ["Plato"]) == ""
    assert followed_author(["Plato"], ["P. Plato"]) == ""


def test_the_first_of_several_followed_authors_is_named_as_the_paper_writes_it() -> None:
    assert followed_author(["Zoë M. Ångström", "Ada Loveless"], ["Loveless, A.", "Angstrom, Z"]) == (
        "Zoë M. Ångström"
    )


@given(st.lists(st.lists(names, max_size=4), max_size=5), st.lists(names, max_size=4))
def test_papers_are_found_by_their_authors_exactly_where_an_author_is_followed(
    bylines: list[list[str]], followed: list[str]
) -> None:
    places = {place for place, authors in enumerate(bylines) if followed_author(authors, followed)}
    assert set(Bylines(bylines).of(followed)) == places


def test_following_is_mutual() -> None:
    for one in SPELLINGS:
        for other in SPELLINGS:
            assert bool(followed_author([one], [other])) == bool(followed_author([other], [one]))
