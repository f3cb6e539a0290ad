"""Summaries of papers: the source's own, or up to two sentences of the abstract."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.summary import extract_findings, summarize_paper, summarize_text
from digest.models.text import MAX_SUMMARY_CHARS, shorten, split_sentences
from tests.factories import make_paper

ABSTRACT = (
    "Sleep is important, e.g. for sheep. J. Doe et al. studied it. "
    "We propose to count sheep in sublinear time. Experiments on 12 farms confirm it. Code is public."
)


def test_a_summary_of_the_source_comes_first() -> None:
    assert summarize_text("It counts sheep. It sleeps.", ABSTRACT) == "It counts sheep. It sleeps."


def test_without_one_the_sentences_that_say_what_is_new_are_taken() -> None:
    assert summarize_text("", ABSTRACT) == (
        "We propose to count sheep in sublinear time. Experiments on 12 farms confirm it."
    )


def test_a_short_finding_about_they_comes_with_the_sentence_before_it() -> None:
    assert extract_findings("Dogs bark. Sheep may change their mind. We study when they do. It is rare.") == (
        "Sheep may change their mind. We study when they do."
    )


def test_abstract_without_a_finding_is_taken_from_its_beginning() -> None:
    assert summarize_text("", "Sheep sleep. Farmers do not. Why?") == "Sheep sleep. Farmers do not."


@pytest.mark.parametrize(
    ("sentence", "summary"),
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
def test_lead_in_is_dropped(sentence: str, summary: str) -> None:
    assert summarize_text("", sentence) == summary


def test_abbreviations_and_initials_end_no_sentence() -> None:
    assert split_sentences(ABSTRACT)[:2] == [
        "Sleep is important, e.g. for sheep.",
        "J. Doe et al. studied it.",
    ]


def test_what_is_too_long_is_cut_at_a_word() -> None:
    summary = summarize_text("", "We show " + "very " * 100 + "long sentences.")
    assert len(summary) <= MAX_SUMMARY_CHARS
    assert summary.endswith("very…")


def test_chinese_sentences_are_sentences() -> None:
    assert summarize_text("", "羊很重要。我们数羊。代码已公开。") == "羊很重要。我们数羊。"


@given(st.text(max_size=600), st.text(max_size=600))
def test_any_text_gives_a_short_summary(summary: str, abstract: str) -> None:
    assert len(summarize_text(summary, abstract)) <= MAX_SUMMARY_CHARS


@pytest.mark.parametrize(
    ("text", "short"), [("a b", "a b"), ("alpha beta gamma", "alpha…"), ("abcdefghijklm", "abcdefghi…")]
)
def test_shortening_keeps_words_where_there_are_any(text: str, short: str) -> None:
    assert shorten(text, 10) == short


def test_a_release_at_the_end_is_no_finding() -> None:
    abstract = "Robots walk without saying where. Ours nod before each step. We release gait and guesses."
    assert extract_findings(abstract).startswith("Robots walk without saying where.")


def test_a_text_of_nothing_but_initials_is_one_sentence() -> None:
    text = ("A. " * 2_600).strip()
    assert split_sentences(text) == [text]


def test_endless_lead_in_takes_no_time() -> None:
    """Each of its words may begin another lead-in: with backtracking it would take years."""
    assert summarize_text("", "To address " + "to address " * 400 + "x").startswith("To address")


def test_at_most_two_sentences_are_taken() -> None:
    assert summarize_text("One sheep. Two sheep. Three sheep.", "") == "One sheep. Two sheep."
    assert extract_findings("We show one. And two. And three.") == "We show one. And two."


def test_what_just_fits_is_kept_whole_and_empty_texts_give_nothing() -> None:
    first, second = "We show sheep.", "They " + "sleep " * 36 + "on."
    fits = f"{first} {second}"
    fits += "s" * (MAX_SUMMARY_CHARS - len(fits))
    assert summarize_text(fits, "") == fits
    assert summarize_text(fits + "s", "") == first
    assert summarize_text("", "") == ""


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
def test_cut_is_between_words_of_the_second_half_and_leaves_no_punctuation(text: str, short: str) -> None:
    assert shorten(text, 10) == short


def test_summary_of_the_source_is_preferred_to_the_abstract() -> None:
    paper = replace(make_paper(abstract="We count sheep."), summary="It counts.")
    assert summarize_paper(paper) == "It counts."
    assert summarize_paper(replace(paper, summary="")) == "We count sheep."
