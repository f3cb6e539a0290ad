"""Boosts for followed authors, affiliations and categories."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import Profile
from digest.ranking.follow_boosts import AuthorIndex, FollowBoosts, find_followed_author
from tests.factories import make_paper

PAPERS = (
    replace(
        make_paper("Sheep", authors=("Ada Loveless",), categories=("cs.CV",)), organization="Zürich Dreams"
    ),
    make_paper("Lambs", authors=("Bo Chen",), categories=("cs.LG", "cs.CV")),
    make_paper("Goats", authors=("Cy Dee",), categories=("math.CO",)),
)


def compute_boosts(profile: Profile, *, has_text: bool = True) -> list[float]:
    return [float(boost) for boost in FollowBoosts(PAPERS).compute(profile, has_text=has_text)]


@pytest.mark.parametrize(
    ("profile", "boosts"),
    [
        (Profile(), [0, 0, 0]),
        (Profile(authors=("Loveless, A.",)), [3, 0, 0]),
        (Profile(affiliations=("ZURICH dreams",)), [1, 0, 0]),
        (Profile(categories=("cs.CV",)), [0.3, 0.3, 0]),
        (Profile(authors=("Nobody Known",), affiliations=("Nowhere",), categories=("cs.XX",)), [0, 0, 0]),
        (Profile(authors=("Ada Loveless",), affiliations=("Zurich Dreams",)), [4, 0, 0]),
    ],
)
def test_boosts_of_everything_followed_add_up(profile: Profile, boosts: list[float]) -> None:
    assert compute_boosts(profile) == pytest.approx(boosts)


def test_category_counts_more_for_a_profile_without_text() -> None:
    assert compute_boosts(Profile(categories=("cs.CV",)), has_text=False) == [2, 2, 0]


SPELLINGS = (
    "Ada Loveless", "Loveless, Ada", "A. Loveless", "Ada M. Loveless", "Ada Lovelace", "Alice Loveless",
    "B. Loveless", "Loveless", "L. Loveless", "Zoë Ångström", "Angstrom, Z.", "Plato", "", "42",
)  # fmt: skip
name_strategy = st.sampled_from(SPELLINGS)


@pytest.mark.parametrize(
    ("followed", "is_found"),
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
def test_followed_author_is_matched_by_family_and_given_name(followed: str, *, is_found: bool) -> None:
    authors = ("Bo Chen", "", "Ada Loveless")
    assert find_followed_author(authors, (followed,)) == ("Ada Loveless" if is_found else "")


@pytest.mark.parametrize(
    ("written", "followed"),
    [
        ("Łukasz Wół", "Lukasz Wol"), ("Søren Bjørn", "Soren Bjorn"), ("Ayşe Işık", "Ayse Isik"),  # noqa: RUF001
        ("Đorđe Šarić", "Dorde Saric"), ("Jean-Luc Brun", "Jeanluc Brun"), ("Jean-Luc Brun", "Jean Luc Brun"),
        ("Jean-Luc Brun", "J.-L. Brun"), ("Jeanluc Brun", "J. L. Brun"), ("JL Brun", "Jean-Luc Brun"),
        ("Brun J.-L.", "Jean-Luc Brun"), ("Jean-Luc Brun", "Jean Brun"), ("Bo Chen III", "Chen, Bo"),
        ("Bo Chen", "Chen, Bo, Jr."), ("Bo Chen Jr.", "Bo Chen"), ("Bo van der Wolle", "van der Wolle, B."),
        ("Ada Brühl", "Ada Bruehl"), ("Zoë Ångström", "Zoe Angstroem"), ("Bo Chen", "Prof. Bo Chen"),
        ("Ada M. Loveless", "Loveless AM"), ("Bo van der Wolle", "van der Wolle BX"), ("Wei LI", "Wei Li"),
        ("LI Wei", "Wei Li"), ("The Sheep Team", "Sheep Team"), ("Bo AN", "B. An"),
    ],
)  # fmt: skip
def test_author_spelt_otherwise_is_the_same(written: str, followed: str) -> None:
    assert find_followed_author([written], [followed]) == written
    assert find_followed_author([followed], [written]) == followed


@pytest.mark.parametrize(
    ("written", "followed"),
    [
        ("Jean-Luc Brun", "Jean-Marc Brun"), ("J. L. Brun", "J. M. Brun"), ("Jeanne Brun", "Jean Brun"),
        ("Bo Chen", "Bo Cheng"), ("Jr.", "III"), ("Łukasz Wół", "Marek Wół"),
        ("Eve Loveless", "Loveless AB"), ("Wei LI", "Bo Li"), ("LI Wei", "Bo Wei"), ("Bo Brown", "Bo Braun"),
        ("Bo Team", "The Sheep Team"),
    ],
)  # fmt: skip
def test_other_author_is_not_the_same(written: str, followed: str) -> None:
    assert find_followed_author([written], [followed]) == ""


def test_single_name_matches_only_a_single_name() -> None:
    assert find_followed_author(["Plato"], ["plato"]) == "Plato"
    assert find_followed_author(["P. Plato"], ["Plato"]) == ""
    assert find_followed_author(["Plato"], ["P. Plato"]) == ""


def test_first_followed_author_is_named_as_the_paper_writes_it() -> None:
    assert find_followed_author(["Zoë M. Ångström", "Ada Loveless"], ["Loveless, A.", "Angstrom, Z"]) == (
        "Zoë M. Ångström"
    )


@given(st.lists(st.lists(name_strategy, max_size=4), max_size=5), st.lists(name_strategy, max_size=4))
def test_author_index_agrees_with_find_followed_author(bylines: list[list[str]], followed: list[str]) -> None:
    indices = {index for index, authors in enumerate(bylines) if find_followed_author(authors, followed)}
    assert set(AuthorIndex(bylines).find_papers(followed)) == indices


def test_author_matching_is_symmetric() -> None:
    for one in SPELLINGS:
        for other in SPELLINGS:
            assert bool(find_followed_author([one], [other])) == bool(find_followed_author([other], [one]))
