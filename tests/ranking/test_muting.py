"""What a reader muted stays away: whole words and phrases, and nothing that only looks like them."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.ranking.muting import PhraseMatcher, readable
from tests.factories import paper


def muted(titles: Sequence[str], words: Sequence[str]) -> list[bool]:
    said = PhraseMatcher([readable(paper(title, abstract="")) for title in titles])
    return list(map(bool, said.any_of(words)))


@pytest.mark.parametrize(
    ("words", "stays_away"),
    [
        (["language models"], [True, False, False]),
        (["language"], [True, False, False]),
        (["llm", " "], [False, False, True]),
        (["language models", "llm"], [True, False, True]),
        (["llm", "astrology"], [False, False, True]),
        (["astrology"], [False, False, False]),
    ],
)
def test_muted_words_are_whole_words_and_phrases_in_any_case(
    words: list[str], stays_away: list[bool]
) -> None:
    assert muted(["Large Language-Models", "Languages", "LLM $x$"], words) == stays_away


def test_the_words_of_a_muted_phrase_stand_together() -> None:
    titles = ["Models of Language", "Language, Models and Minds", "A Language  Model"]
    assert muted(titles, ["language model"]) == [False, False, True]


def test_signs_without_a_letter_can_be_muted_too() -> None:
    titles = ["Sheep ++ Lambs", "Sheep in C++"]
    assert muted(titles, ["++"]) == [True, False]
    assert muted(titles, ["c++"]) == [False, True]


def test_a_word_is_muted_wherever_the_paper_says_it() -> None:
    told = paper("Seas", abstract="Of tides.")
    assert PhraseMatcher([readable(told)]).any_of(["tides"]).all()


@given(st.lists(st.text("ab +-", max_size=6), max_size=6), st.lists(st.text("ab +-", max_size=4), max_size=4))
def test_several_muted_words_stop_what_any_of_them_stops(titles: list[str], words: list[str]) -> None:
    each = [muted(titles, [word]) for word in words]
    assert muted(titles, words) == [any(stops) for stops in zip(*each, strict=True)] or not words
