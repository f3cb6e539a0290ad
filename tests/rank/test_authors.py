"""A followed author is found under every usual spelling of the name, and nobody else is."""

import pytest

from digest.rank.authors import followed_author


@pytest.mark.parametrize(
    ("followed", "found"),
    [
        ("Ada Loveless", True),
        ("Loveless, Ada", True),
        ("A. Loveless", True),
        ("Ada M. Loveless", True),
        ("Eve Loveless", False),
        ("Loveless", False),
        ("", False),
    ],
)
def test_a_followed_author_is_recognised_but_not_confused(followed: str, *, found: bool) -> None:
    assert bool(followed_author(("Bo Chen", "Ada Loveless"), (followed,))) is found
