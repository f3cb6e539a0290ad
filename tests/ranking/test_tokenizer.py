"""Terms are equal across spelling, markup and number; surface forms are what people read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.ranking.tokenizer import extract_terms, get_surface_forms, normalize_text, stem


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
def test_stem_removes_only_plural_endings(word: str, stemmed: str) -> None:
    assert stem(word) == stemmed


def test_markup_and_accents_are_removed() -> None:
    assert normalize_text(r"{\it Schr\"{o}dinger} Bridges").split() == ["schrodinger", "bridges"]
    assert extract_terms("Schrödinger bridge") == extract_terms(r"Schr\"odinger bridges")


def test_pairs_skip_stopwords_and_stop_at_the_end_of_a_sentence() -> None:
    assert extract_terms("State of the art. Robots") == ["state", "art", "state art", "robot"]


def test_surface_forms_are_as_the_paper_writes_them() -> None:
    surface_forms = get_surface_forms(
        "Self-supervised GNNs\nThe state of the art in self-supervised learning."
    )
    assert surface_forms["self supervised"] == "self-supervised"
    assert surface_forms["state art"] == "state of the art"
    assert surface_forms["gnn"] == "GNNs"


def test_distant_words_have_no_surface_form() -> None:
    surface_forms = get_surface_forms(
        "We show that sheep sleep, generating with long naps an end-to-end framework."
    )
    assert "show sheep" not in surface_forms
    assert "generating long" not in surface_forms
    assert surface_forms["end framework"] == "end-to-end framework"


@given(st.text())
def test_any_text_gives_clean_terms_and_surface_forms(text: str) -> None:
    assert all(surface.strip() for surface in get_surface_forms(text).values())
    assert all(term == term.strip() for term in extract_terms(text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A B of 3 ai 42 x2", ["ai", "x2", "ai x2"]),
        ("Baye's x-ray ai-4-good", ["baye", "ray", "ai", "good", "baye ray", "ray ai", "ai good"]),
    ],
)
def test_single_letters_numbers_and_apostrophe_endings_are_no_words(text: str, words: list[str]) -> None:
    assert extract_terms(text) == words
    assert get_surface_forms(text).keys() <= set(words)
    assert get_surface_forms(text).keys() >= {word for word in words if " " not in word}


@pytest.mark.parametrize("text", ["$x$ y", "{x} y", r"\alpha x y", r"x\_y", "x_y~z^2 $"])
def test_tex_marks_are_removed(text: str) -> None:
    assert not set("${}~^_\\") & set(normalize_text(text))


def test_marks_outside_of_tex_stay() -> None:
    assert normalize_text("snake_case ~5") == "snake_case ~5"
