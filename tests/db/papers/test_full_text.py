"""Full-text search: words, prefixes, filters and arbitrary input."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.db import Database
from tests.factories import NOW, make_paper

PAPERS = (
    make_paper("Diffusion Models for Sheep", abstract="Counting with noise.", authors=("Ada Loveless",)),
    make_paper(
        "A Survey", abstract="We survey diffusion, sheep.", authors=("Bo",), categories=("stat.ML", "cs.LG")
    ),
    replace(
        make_paper("Robots That Walk", abstract="On legs.", authors=("Jörg Müller",), categories=("cs.RO",)),
        source="arxiv",
    ),
    make_paper("Cell Growth", abstract="Nothing of note.", authors=("Bo",), categories=("cell biology",)),
)


def search_titles(database: Database, query: str, **filters: object) -> list[str]:
    with database.begin(commit=False) as tx:
        tx.papers.add(PAPERS[:2], seen_at=NOW - timedelta(days=3))
        tx.papers.add(PAPERS[2:], seen_at=NOW)
        return [found.title for found in tx.papers.search(query, **filters)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("sheep", ["Diffusion Models for Sheep", "A Survey"]),  # the title counts more than the abstract
        ("sheep diffusion", ["Diffusion Models for Sheep", "A Survey"]),
        ("diff", ["Diffusion Models for Sheep", "A Survey"]),  # a prefix
        ("robots walking", ["Robots That Walk"]),  # other forms of the words
        ("muller", ["Robots That Walk"]),
        ("loveless", ["Diffusion Models for Sheep"]),
        ("sheep robots", []),
        ("", ["Cell Growth", "Robots That Walk", "A Survey", "Diffusion Models for Sheep"]),
        ("  ", ["Cell Growth", "Robots That Walk", "A Survey", "Diffusion Models for Sheep"]),
        ("!?", []),
        ('"sheep" OR NEAR(', []),
    ],
)
def test_words_find_papers(any_store: Database, query: str, titles: Sequence[str]) -> None:
    assert search_titles(any_store, query) == titles


def test_filters_narrow_a_search(any_store: Database) -> None:
    assert search_titles(any_store, "sheep", categories=["stat"]) == ["A Survey"]
    assert search_titles(any_store, "", categories=["cs"]) == [
        "Robots That Walk", "A Survey", "Diffusion Models for Sheep",
    ]  # fmt: skip
    assert search_titles(any_store, "", categories=["biology"]) == []
    assert search_titles(any_store, "growth", categories=["cell biology", "cs.RO"]) == ["Cell Growth"]
    assert search_titles(any_store, "", source="arxiv") == ["Robots That Walk"]
    assert search_titles(any_store, "", since=NOW - timedelta(days=1)) == ["Cell Growth", "Robots That Walk"]
    assert search_titles(any_store, "", limit=1, offset=2) == ["A Survey"]


def test_the_index_follows_new_versions_and_vanished_works(any_store: Database) -> None:
    first = make_paper("Some Title That Is Long Enough", abstract="wombats")
    with any_store.begin() as tx:
        tx.papers.add([first], seen_at=NOW)
        tx.papers.add([replace(first, version=2, abstract="platypuses")], seen_at=NOW)
        assert not tx.papers.search("wombats")
        assert tx.papers.search("platypus")


@given(query=st.text(max_size=40), category=st.text(max_size=10))
def test_no_text_breaks_the_search(any_store: Database, query: str, category: str) -> None:
    with any_store.begin(write=False) as tx:
        assert tx.papers.search(query) == ()
        assert tx.papers.search(query, categories=[category]) == ()
