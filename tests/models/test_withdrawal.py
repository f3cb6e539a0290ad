"""Withdrawn papers say so; papers about withdrawing are not meant."""

import pytest

from digest.models.withdrawal import is_withdrawn


@pytest.mark.parametrize(
    ("abstract", "comment"),
    [
        ("This paper has been withdrawn by the author due to an error.", ""),
        ("This paper and abstract have been withdrawn.", "Withdrawn"),
        ("Withdrawn.", ""),
        ("We count sheep.", "5 pages. This paper is temporarily withdrawn, currently under revision"),
        ("The paper was withdrawn.", ""),
        ("THIS PAPER HAS BEEN WITHDRAWN BY THE AUTHORS.", ""),
        ("Retracted by the authors: the sheep were goats.", ""),
    ],
)
def test_a_paper_that_says_it_is_withdrawn_is(abstract: str, comment: str) -> None:
    assert is_withdrawn("Sheep", abstract, comment)


@pytest.mark.parametrize(
    ("abstract", "comment"),
    [
        ("We ask why drugs are withdrawn from the market.", ""),
        ("Ad networks have withdrawn from unpopular sites. This paper asks why.", ""),
        ("We study papers that were later retracted.", "9 pages"),
        ("We count sheep.", "This version replaces the withdrawn 2401.00001"),
    ],
)
def test_a_paper_about_withdrawing_is_not_withdrawn(abstract: str, comment: str) -> None:
    assert not is_withdrawn("Sheep", abstract, comment)


def test_a_title_says_so_only_at_its_beginning() -> None:
    for title in ("Withdrawn: Counting Sheep", "[WITHDRAWN] Sheep"):
        assert is_withdrawn(title, "We count sheep.")
    for title in ("On Withdrawn Sheep", ""):
        assert not is_withdrawn(title, "We count sheep.")
