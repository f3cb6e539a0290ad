"""Scores of papers for the words of a search."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.db.papers.full_text import SearchTerms

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
