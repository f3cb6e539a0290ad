"""A followed author is found under every usual spelling of the name, and nobody else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.ranking.authors import Bylines, followed_author

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
