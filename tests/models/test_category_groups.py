"""Tests of the categories outside arXiv."""

import pytest

from digest.models.category_groups import CategoryKind, group_by_kind, split_category_names


def test_names_are_grouped_by_what_they_stand_for() -> None:
    papers = [
        ("pubmed", ("Nature Medicine", "Sheep")), ("pubmed", ("Wool", "Sheep", "Nature Medicine")),
        ("crossref", ("Wool",)), ("biorxiv", ("neuroscience",)), ("medrxiv", ("neuroscience",)),
        ("openreview", ("FLOCK 2026", "FLOCK 2026 oral")), ("openreview", ("FLOCK 2026",)),
        ("arxiv", ("cs.CL",)), ("arxiv", ("cs.CL",)), ("pubmed", ("Named Once",)),
    ]  # fmt: skip
    assert group_by_kind(papers) == {
        CategoryKind.JOURNAL: ("Nature Medicine", "Wool"),
        CategoryKind.VENUE: ("FLOCK 2026",),
        CategoryKind.SUBJECT: ("neuroscience", "Sheep"),
    }


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("cs.CL cs.LG", ("cs.CL", "cs.LG")),
        ("cs.CL, nature medicine, Sheep and wool", ("cs.CL", "Nature Medicine", "Sheep and wool")),
        ("neuroscience\nCell", ("neuroscience", "Cell")),
        ("cs.XX cs.CL", ("cs.XX", "cs.CL")),
        (" , ", ()),
    ],
)
def test_names_are_split_at_commas_and_arxiv_s_at_blanks(text: str, names: tuple[str, ...]) -> None:
    assert split_category_names(text) == names
