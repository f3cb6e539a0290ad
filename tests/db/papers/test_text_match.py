"""Which paper holds the words of a search better?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.db.papers.text_match import SearchTerms

FIELD = st.text(max_size=60)


def likeness(asked: str, title: str, abstract: str = "", authors: str = "") -> float:
    return SearchTerms.of(asked.split()).likeness(title, abstract, authors)


def test_the_title_says_more_than_the_authors_and_they_more_than_the_abstract() -> None:
    title, authors = likeness("sheep", "Sheep"), likeness("sheep", "", authors="Ada Sheep")
    assert title > authors > likeness("sheep", "", "sheep")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("walking", "Robots That Walk"),
        ("muller", "Jörg MÜLLER"),
        ("networks", "A Network"),
        ("studies", "Study"),
    ],
)
def test_other_forms_and_accents_are_the_same_word(asked: str, said: str) -> None:
    assert likeness(asked, said) > 0


def test_a_short_word_is_not_found_inside_others() -> None:
    assert likeness("art", "Particle Start") == 0
    assert likeness("art", "The art of art") > likeness("art", "On art")


def test_words_in_the_order_they_were_typed_count_for_more() -> None:
    assert likeness("attention need", "Attention Need") > likeness("attention need", "Need Attention")


def test_each_word_counts_alike_and_none_by_being_repeated_alone() -> None:
    assert likeness("sheep cats", "Sheep cats") > likeness("sheep cats", "Sheep sheep sheep sheep")


@given(words=st.lists(st.from_regex(r"\w{1,12}", fullmatch=True), max_size=5), title=FIELD, abstract=FIELD)
def test_likeness_is_never_negative_and_stays_below_one_and_a_half(
    words: list[str], title: str, abstract: str
) -> None:
    assert 0 <= SearchTerms.of(words).likeness(title, abstract, title) < 1.5


def test_how_like_a_paper_is_by_where_it_holds_the_words() -> None:
    one, two = SearchTerms.of(["sheep"]), SearchTerms.of(["counting", "sheep"])
    assert one.likeness("Sheep", "", "") == pytest.approx(8 / 12)
    assert one.likeness("Of Wool", "A sheep.", "Dolly Sheep") == pytest.approx(3 / 7)
    assert two.likeness("Sheep", "They count.", "") == pytest.approx((1 / 5 + 8 / 12) / 2)
    assert two.likeness("Counting Sheep", "", "") == pytest.approx(8 / 12 + 1 / 2)
    assert SearchTerms.of([]).likeness("Sheep", "", "") == 0


def test_a_short_word_counts_only_where_a_word_begins() -> None:
    assert SearchTerms.of(["art"]).likeness("A Start", "", "") == 0
    assert SearchTerms.of(["tart"]).likeness("A Start", "", "") > 0
