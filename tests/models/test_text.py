"""Tests of the cleaning of text from outside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models.text import clean


def test_a_clean_text_stays_as_it_is() -> None:
    assert clean("Ein Schaf, 两只羊: naïve – “sheep”") == "Ein Schaf, 两只羊: naïve – “sheep”"
    assert clean(" sheep ") == "sheep"


@pytest.mark.parametrize(
    "blank", ["  ", "\t", "\r\n", " \n ", "\N{NO-BREAK SPACE}", "\x00", "\x85", "\u2028", "\u3000"]
)
def test_blanks_and_controls_of_every_kind_become_one_blank(blank: str) -> None:
    assert clean(f"{blank}one{blank}two{blank}") == "one two"


@pytest.mark.parametrize(
    "invisible",
    ["\u00ad", "\u200b", "\u202e", "\u2066", "\ufeff", "\ud83d", "\ue000", "\U000e0041", "\uffff"],
)
def test_invisible_characters_are_removed(invisible: str) -> None:
    assert clean(f"{invisible}on{invisible}e t{invisible}wo{invisible}") == "one two"


@given(st.text())
def test_clean_is_idempotent(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert "  " not in clean(text)
