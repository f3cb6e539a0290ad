"""Tests of the cleaning of text from outside."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models.text import (
    clean,
    escape_unprintable,
    remove_unseen,
    replace_unprintable,
    split_list,
    split_sentences,
    strip_unseen,
)

# What a terminal obeys, or shows in another order: controls other than line ends, and bidi characters.
STEERING = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
HOSTILE = st.text(
    st.sampled_from(
        'ab \t\n\r\x00\x07\x1b\x7f\x85\x9b\u2028\u202e\u2066\u200b\ufeff\ue000\U000e0041\ud800é"\\',
    )
)


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


def test_what_nobody_sees_is_removed_from_ids_and_from_the_ends_of_addresses_and_cells() -> None:
    copied = "\ufeff \u200b2611.\u200d00001\x00\ufffd\u2060\n"
    assert remove_unseen(copied) == " 2611.00001\n"
    assert strip_unseen(copied) == "2611.\u200d00001"
    assert not strip_unseen("\u200b \t\u00a0")


@given(st.text())
def test_clean_is_idempotent(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert "  " not in clean(text)


@pytest.mark.parametrize(
    "abbreviation",
    [
        "i.i.d.",
        "vol.",
        "Vol.",
        "Refs.",
        "Ref.",
        "Ch.",
        "v.s.",
        "vs.",
        "approx.",
        "resp.",
        "Eq.",
        "Eqs.",
        "Sec.",
        "Secs.",
        "Fig.",
        "cf.",
        "Thm.",
        "Prop.",
        "Def.",
        "Lem.",
        "Alg.",
        "e.g.",
        "i.e.",
        "w.r.t.",
        "w.l.o.g.",
        "a.k.a.",
        "s.t.",
        "a.s.",
        "App.",
        "Tab.",
        "pp.",
        "J.",
        "J.-P.",
        "Ø.",
        "St.",
        "Dr.",
        "Prof.",
        "viz.",
        "al.",
        "Nov.",
        "U.S.",
        "Ph.D.",
    ],
)
def test_an_abbreviation_ends_no_sentence(abbreviation: str) -> None:
    for following in ("4 sheep", "Gaussian noise", "(3) of it", "“Wool”"):
        text = f"We count {abbreviation} {following}."
        assert split_sentences(f"{text} It works.") == [text, "It works."]
        assert split_sentences(f"It works. (See {abbreviation} {following}.) It works.") == [
            "It works.", f"(See {abbreviation} {following}.)", "It works.",
        ]  # fmt: skip


def test_no_and_version_are_abbreviations_only_before_a_number() -> None:
    assert split_sentences("We use no. 4 here. We do.") == ["We use no. 4 here.", "We do."]
    assert split_sentences("Is it a wolf? No. We count.") == ["Is it a wolf?", "No. We count."]
    assert split_sentences("The answer is no. We count.") == ["The answer is no.", "We count."]


@pytest.mark.parametrize(
    "word", ["sheep", "wool", "proof", "max", "2026", "GPT-4", "USA", "AI", "local", "top", "map"]
)
def test_a_word_before_a_full_stop_ends_a_sentence(word: str) -> None:
    assert split_sentences(f"We count {word}. Then we sleep.") == [f"We count {word}.", "Then we sleep."]


@given(
    st.lists(
        st.sampled_from(["We", "i.i.d.", "vol.", "4", "J.", "sheep.", "“Wool”", "(See", "Ref.)", "羊。"]),
        max_size=20,
    )
)
def test_sentences_hold_all_words_in_order(words: list[str]) -> None:
    assert "".join(split_sentences(" ".join(words))).replace(" ", "") == "".join(words)


@given(text=HOSTILE | st.text())
def test_replaced_text_steers_no_terminal(text: str) -> None:
    replaced = replace_unprintable(text)
    assert len(replaced) == len(text)
    assert not STEERING.search(replaced)
    assert replace_unprintable(replaced) == replaced


@given(value=st.dictionaries(HOSTILE | st.text(), HOSTILE | st.text()))
def test_escaped_json_has_the_same_value(value: dict[str, str]) -> None:
    escaped = escape_unprintable(json.dumps(value, ensure_ascii=False))
    assert json.loads(escaped) == value
    assert not STEERING.search(escaped)


def test_list_is_split_at_commas_semicolons_and_line_ends() -> None:
    assert split_list(" sheep,  tide\ttables;goats\n\n,; ") == ["sheep", "tide tables", "goats"]
