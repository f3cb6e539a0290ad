"""Names of people and groups in the forms that sources use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models.author_names import AuthorName, split_author_name


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Ada Loveless", AuthorName("Loveless", "Ada")),
        ("A. B. Loveless", AuthorName("Loveless", "A. B.")),
        ("J.-P. Loveless", AuthorName("Loveless", "J.-P.")),
        ("Loveless A. B.", AuthorName("Loveless", "A. B.")),
        ("Loveless A", AuthorName("Loveless", "A")),
        ("Loveless, Ada", AuthorName("Loveless", "Ada")),
        ("Loveless, Jr., Ada", AuthorName("Loveless", "Ada", "Jr.")),
        ("Loveless, Ada, III", AuthorName("Loveless", "Ada", "III")),
        ("Ada Loveless Jr.", AuthorName("Loveless", "Ada", "Jr.")),
        ("Bo LI", AuthorName("LI", "Bo")),
        ("Jan van der Berg", AuthorName("van der Berg", "Jan")),
        ("José de la Cruz", AuthorName("de la Cruz", "José")),
        ("ATLAS Collaboration", AuthorName("ATLAS Collaboration", is_whole=True)),
        ("The Sheep Team", AuthorName("The Sheep Team", is_whole=True)),
        ("王伟", AuthorName("王伟", is_whole=True)),
        ("Plato", AuthorName("Plato", is_whole=True)),
        ("", AuthorName("", is_whole=True)),
        (" , ", AuthorName("", is_whole=True)),
    ],
)
def test_split_author_name(name: str, parts: AuthorName) -> None:
    assert split_author_name(name) == parts


@given(st.text(max_size=40))
def test_no_word_of_a_name_is_lost(name: str) -> None:
    parts = split_author_name(name)

    kept = f"{parts.family} {parts.given} {parts.suffix}".replace(",", " ").split()
    assert sorted(kept) == sorted(name.replace(",", " ").split()) or parts.is_whole or not name.isprintable()
