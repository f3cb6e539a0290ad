"""Full-text search: words, prefixes, filters, scores and arbitrary input."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.db import Database
from digest.db.papers.full_text import SearchTerms
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


FIELD = st.text(max_size=60)


def compute_score(text: str, title: str, abstract: str = "", authors: str = "") -> float:
    return SearchTerms.from_words(text.split()).score(title, abstract, authors)


def test_the_title_counts_more_than_the_authors_and_they_more_than_the_abstract() -> None:
    title, authors = compute_score("sheep", "Sheep"), compute_score("sheep", "", authors="Ada Sheep")
    assert title > authors > compute_score("sheep", "", "sheep")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("walking", "Robots That Walk"),
        ("muller", "Jörg MÜLLER"),
        ("networks", "A Network"),
        ("studies", "Study"),
    ],
)
def test_other_forms_and_accents_are_the_same_word(text: str, title: str) -> None:
    assert compute_score(text, title) > 0


def test_a_short_word_is_not_found_inside_others() -> None:
    assert compute_score("art", "Particle Start") == 0
    assert compute_score("art", "The art of art") > compute_score("art", "On art")


def test_words_in_the_order_they_were_typed_count_for_more() -> None:
    assert compute_score("attention need", "Attention Need") > compute_score(
        "attention need", "Need Attention"
    )


def test_each_word_counts_alike_and_none_by_being_repeated_alone() -> None:
    assert compute_score("sheep cats", "Sheep cats") > compute_score("sheep cats", "Sheep sheep sheep sheep")


@given(words=st.lists(st.from_regex(r"\w{1,12}", fullmatch=True), max_size=5), title=FIELD, abstract=FIELD)
def test_a_score_is_never_negative_and_below_one_and_a_half(
    words: list[str], title: str, abstract: str
) -> None:
    assert 0 <= SearchTerms.from_words(words).score(title, abstract, title) < 1.5


def test_the_score_depends_on_where_the_words_occur() -> None:
    single, pair = SearchTerms.from_words(["sheep"]), SearchTerms.from_words(["counting", "sheep"])
    assert single.score("Sheep", "", "") == pytest.approx(8 / 12)
    assert single.score("Of Wool", "A sheep.", "Dolly Sheep") == pytest.approx(3 / 7)
    assert pair.score("Sheep", "They count.", "") == pytest.approx((1 / 5 + 8 / 12) / 2)
    assert pair.score("Counting Sheep", "", "") == pytest.approx(8 / 12 + 1 / 2)
    assert SearchTerms.from_words([]).score("Sheep", "", "") == 0


def test_a_short_word_counts_only_where_a_word_begins() -> None:
    assert SearchTerms.from_words(["art"]).score("A Start", "", "") == 0
    assert SearchTerms.from_words(["tart"]).score("A Start", "", "") > 0


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("2611.90246", ["Found by Its Id"]),
        (" arXiv:2611.90246v2 ", ["Found by Its Id"]),
        ("https://arxiv.org/abs/2611.90246", ["Found by Its Id"]),
        ("https://arxiv.org/pdf/2611.90247", []),  # not stored
        ("2611", ["Names It"]),  # a word
        ("names it", ["Names It"]),
    ],
)
def test_id_or_link_finds_its_paper(any_store: Database, text: str, titles: Sequence[str]) -> None:
    found = make_paper("Found by Its Id", id="arxiv:2611.90246", categories=("cs.LG",))
    named = make_paper("Names It", abstract="This cites 2611.90246.")
    with any_store.begin() as tx:
        tx.papers.add([found, named], seen_at=NOW)
        assert [paper.title for paper in tx.papers.search(text)] == titles
        assert tx.papers.search(text, categories=["math"]) == ()
        assert tx.papers.search(text, offset=1) == ()
