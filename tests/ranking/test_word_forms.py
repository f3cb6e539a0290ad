"""Forms of a word that mean the same are folded to one, different words are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.ranking.word_forms import fold_sentences, fold_word, split_words


@pytest.mark.parametrize(
    "forms",
    [
        "optimisation optimization optimise optimized optimizing optimizers",
        "behaviour behavior behaviours",
        "modelling modeling",
        "analyse analyze analysed",
        "recommender recommendation recommend recommended",
        "segmentation segmenting segmented",
        "compilers compiler compile",
        "centre center centres",
        "detecting detection detector",
        "categories category",
    ],
)
def test_forms_of_a_word_are_folded_to_one(forms: str) -> None:
    assert len({fold_word(form) for form in forms.split()}) == 1


@pytest.mark.parametrize(
    "words", ["quantum quantization", "generative general", "four for", "rise raise", "noise nose"]
)
def test_different_words_stay_different(words: str) -> None:
    assert len({fold_word(word) for word in words.split()}) == len(words.split())


def test_hyphens_accents_and_case_make_no_difference() -> None:
    assert fold_sentences("Continual-Learning of Schr\u00f6dinger") == fold_sentences(
        "continual learning of Schrodinger"
    )


@given(st.text(max_size=60))
def test_any_text_is_folded_to_words_without_spaces(text: str) -> None:
    assert all(word and not word.isspace() for sentence in fold_sentences(text) for word in sentence)
    assert all(fold_word(word) for word in split_words(text))
