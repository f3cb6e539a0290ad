"""Terms compare across spelling, markup and number; surfaces are what people read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.ranking.tokenizer import plain, stem, surfaces, terms


@pytest.mark.parametrize(
    ("word", "stemmed"),
    [
        ("networks", "network"),
        ("theories", "theory"),
        ("classes", "class"),
        ("bias", "bias"),
        ("axis", "axis"),
    ],
)
def test_only_plural_endings_go(word: str, stemmed: str) -> None:
    assert stem(word) == stemmed


def test_markup_and_accents_do_not_make_other_words() -> None:
    assert plain(r"{\it Schr\"{o}dinger} Bridges").split() == ["schrodinger", "bridges"]
    assert terms("Schrödinger bridge") == terms(r"Schr\"odinger bridges")


def test_pairs_skip_grammar_and_stop_at_the_end_of_a_sentence() -> None:
    assert terms("State of the art. Robots") == ["state", "art", "state art", "robot"]


def test_a_reader_sees_the_words_as_the_paper_writes_them() -> None:
    shown = surfaces("Self-supervised GNNs\nThe state of the art in self-supervised learning.")
    assert shown["self supervised"] == "self-supervised"
    assert shown["state art"] == "state of the art"
    assert shown["gnn"] == "GNNs"


def test_words_of_two_expressions_are_not_shown_as_one() -> None:
    shown = surfaces("We show that sheep sleep, generating with long naps an end-to-end framework.")
    assert "show sheep" not in shown
    assert "generating long" not in shown
    assert shown["end framework"] == "end-to-end framework"


@given(st.text())
def test_any_text_has_terms_and_each_is_shown(text: str) -> None:
    assert all(shown.strip() for shown in surfaces(text).values())
    assert all(term == term.strip() for term in terms(text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A B of 3 ai 42 x2", ["ai", "x2", "ai x2"]),
        ("Baye's x-ray ai-4-good", ["baye", "ray", "ai", "good", "baye ray", "ray ai", "ai good"]),
    ],
)
def test_letters_alone_numbers_and_what_follows_an_apostrophe_are_no_words(
    text: str, words: list[str]
) -> None:
    assert terms(text) == words
    assert surfaces(text).keys() <= set(words)
    assert surfaces(text).keys() >= {word for word in words if " " not in word}


@pytest.mark.parametrize("text", ["$x$ y", "{x} y", r"\alpha x y", r"x\_y", "x_y~z^2 $"])
def test_no_mark_of_tex_is_left(text: str) -> None:
    assert not set("${}~^_\\") & set(plain(text))


def test_marks_outside_of_tex_stay() -> None:
    assert plain("snake_case ~5") == "snake_case ~5"
