"""What is this paper about, in two sentences?"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.summary import gist, telling, told_in_short
from digest.models.text import MAX_SUMMARY_CHARS, shorten, split
from tests.factories import paper

ABSTRACT = (
    "Sleep is important, e.g. for sheep. J. Doe et al. studied it. "
    "We propose to count sheep in sublinear time. Experiments on 12 farms confirm it. Code is public."
)


def test_a_summary_of_the_source_comes_first() -> None:
    assert gist("It counts sheep. It sleeps.", ABSTRACT) == "It counts sheep. It sleeps."


def test_without_one_the_sentences_that_say_what_is_new_are_drawn() -> None:
    assert gist("", ABSTRACT) == (
        "We propose to count sheep in sublinear time. Experiments on 12 farms confirm it."
    )


def test_an_abstract_that_announces_nothing_is_told_from_its_beginning() -> None:
    assert gist("", "Sheep sleep. Farmers do not. Why?") == "Sheep sleep. Farmers do not."


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("To this end, we propose a nap.", "We propose a nap."),
        ("In light of this, we propose a nap.", "We propose a nap."),
        ("Toward this goal, we propose a nap.", "We propose a nap."),
        ("Motivated by this observation, we propose a nap.", "We propose a nap."),
        ("To address these limits, in this work, we first introduce naps.", "We first introduce naps."),
        ("Hence, we show that sheep sleep.", "We show that sheep sleep."),
        ("In this paper we study sheep.", "We study sheep."),
        ("However, this paper shows sheep.", "However, this paper shows sheep."),
    ],
)
def test_a_run_up_to_what_nobody_has_read_is_left_out(sentence: str, told: str) -> None:
    assert gist("", sentence) == told


def test_abbreviations_and_initials_end_no_sentence() -> None:
    assert split(ABSTRACT)[:2] == ["Sleep is important, e.g. for sheep.", "J. Doe et al. studied it."]


def test_what_is_too_long_is_cut_at_a_word() -> None:
    told = gist("", "We show " + "very " * 100 + "long sentences.")
    assert len(told) <= MAX_SUMMARY_CHARS
    assert told.endswith("very…")


def test_chinese_sentences_are_sentences() -> None:
    assert gist("", "羊很重要。我们数羊。代码已公开。") == "羊很重要。我们数羊。"


@given(st.text(max_size=600), st.text(max_size=600))
def test_any_text_gives_a_short_gist(summary: str, abstract: str) -> None:
    assert len(gist(summary, abstract)) <= MAX_SUMMARY_CHARS


@pytest.mark.parametrize(
    ("text", "short"), [("a b", "a b"), ("alpha beta gamma", "alpha…"), ("abcdefghijklm", "abcdefghi…")]
)
def test_shortening_keeps_words_where_there_are_any(text: str, short: str) -> None:
    assert shorten(text, 10) == short


def test_what_is_merely_released_at_the_end_is_not_what_a_paper_is_about() -> None:
    abstract = "Robots walk without saying where. Ours nod before each step. We release gait and guesses."
    assert telling(abstract).startswith("Robots walk without saying where.")


def test_a_text_of_nothing_but_initials_is_one_sentence() -> None:
    text = ("A. " * 2_600).strip()
    assert split(text) == [text]


def test_an_endless_run_up_takes_no_time() -> None:
    """Each of its words may begin another run-up: tried out in every way, it would take years."""
    assert gist("", "To address " + "to address " * 400 + "x").startswith("To address")


def test_two_sentences_are_told_and_no_third() -> None:
    assert gist("One sheep. Two sheep. Three sheep.", "") == "One sheep. Two sheep."
    assert telling("We show one. And two. And three.") == "We show one. And two."


def test_what_just_fits_is_told_whole_and_nothing_of_nothing() -> None:
    first, second = "We show sheep.", "They " + "sleep " * 36 + "on."
    fits = f"{first} {second}"
    fits += "s" * (MAX_SUMMARY_CHARS - len(fits))
    assert gist(fits, "") == fits
    assert gist(fits + "s", "") == first
    assert gist("", "") == ""


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("abcdefghij", "abcdefghij"),
        ("alpha bet gamma", "alpha bet…"),
        ("aa bb cc dd", "aa bb cc…"),
        ("ab cdefghijklm", "ab cdefgh…"),
        ("abc defghijklm", "abc defgh…"),
        ("alpha (- beta", "alpha…"),
        ("aaaXX bbbbbbb", "aaaXX…"),
        ("(aaaa bbbbbbb", "(aaaa…"),
    ],
)
def test_a_cut_falls_between_words_of_the_second_half_and_leaves_no_loose_sign(text: str, short: str) -> None:
    assert shorten(text, 10) == short


def test_the_sources_summary_is_told_before_the_abstract() -> None:
    told = replace(paper(abstract="We count sheep."), summary="It counts.")
    assert told_in_short(told) == "It counts."
    assert told_in_short(replace(told, summary="")) == "We count sheep."
