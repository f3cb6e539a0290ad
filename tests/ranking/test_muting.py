"""Muted words and phrases: whole words, in any case."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.ranking.muting import PhraseMatcher, to_searchable_text
from tests.factories import make_paper


def find_muted(titles: Sequence[str], words: Sequence[str]) -> list[bool]:
    matcher = PhraseMatcher([to_searchable_text(make_paper(title, abstract="")) for title in titles])
    return list(map(bool, matcher.match_any(words)))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["language models"], [True, False, False]),
        (["language"], [True, False, False]),
        (["llm", " "], [False, False, True]),
        (["language models", "llm"], [True, False, True]),
        (["llm", "astrology"], [False, False, True]),
        (["astrology"], [False, False, False]),
    ],
)
def test_muted_words_match_whole_words_and_phrases_in_any_case(
    words: list[str], expected: list[bool]
) -> None:
    assert find_muted(["Large Language-Models", "Languages", "LLM $x$"], words) == expected


def test_words_of_a_muted_phrase_must_be_adjacent() -> None:
    titles = ["Models of Language", "Language, Models and Minds", "A Language  Model"]
    assert find_muted(titles, ["language model"]) == [False, False, True]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alzheimer's disease", "Alzheimer\u2019s Disease"), ("Bose-Einstein", "Bose\u2013Einstein"),
        ("anti-kt", "anti\u2212kt"), ("rock 'n' roll", "Rock \u2018n\u2019 Roll"),
    ],
)  # fmt: skip
def test_typed_and_typographic_signs_match_each_other(one: str, other: str) -> None:
    assert find_muted([one, other], [one]) == find_muted([one, other], [other]) == [True, True]
    assert find_muted(["Bose\u2014Einstein", "Alzheimers disease"], [one]) == [False, False]


def test_symbols_without_letters_can_be_muted() -> None:
    titles = ["Sheep ++ Lambs", "Sheep in C++"]
    assert find_muted(titles, ["++"]) == [True, False]
    assert find_muted(titles, ["c++"]) == [False, True]


def test_abstract_is_searched_too() -> None:
    seas = make_paper("Seas", abstract="Of tides.")
    assert PhraseMatcher([to_searchable_text(seas)]).match_any(["tides"]).all()


@given(st.lists(st.text("ab +-", max_size=6), max_size=6), st.lists(st.text("ab +-", max_size=4), max_size=4))
def test_several_words_match_what_any_of_them_matches(titles: list[str], words: list[str]) -> None:
    by_word = [find_muted(titles, [word]) for word in words]
    assert find_muted(titles, words) == [any(matches) for matches in zip(*by_word, strict=True)] or not words
