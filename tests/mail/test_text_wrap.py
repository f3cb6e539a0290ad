"""Text wrapping: 72 columns, wide characters, whole URLs, nothing lost."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.text_wrap import MAX_COLUMNS, _split_lines, _wrap_pieces, display_width, wrap_text
from digest.models.text import clean

ORDINARY = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=400)


@given(ORDINARY.filter(lambda text: "http" not in text))
def test_no_line_is_wider_than_the_terminal_and_nothing_is_lost(text: str) -> None:
    lines = wrap_text(clean(text), 3).split("\n")
    assert all(display_width(line) <= MAX_COLUMNS for line in lines)
    assert "".join("".join(lines).split(" ")) == clean(text).replace(" ", "")


def test_wide_letters_take_two_columns_and_closing_marks_never_begin_a_line() -> None:
    assert display_width("论文") == 4
    assert display_width("\N{FULLWIDTH LATIN SMALL LETTER A}b") == 3
    lines = wrap_text("论文，" * 40).split("\n")
    assert len(lines) == 4
    assert not any(line.startswith("，") for line in lines)


def test_combining_mark_takes_no_column() -> None:
    assert display_width("nai\N{COMBINING DIAERESIS}ve") == 5
    assert wrap_text("e\N{COMBINING ACUTE ACCENT}" * 72).count("\n") == 0


def test_a_web_address_is_never_broken() -> None:
    url = "https://example.com/" + "a" * 100
    assert url in wrap_text(f"See {url} for more").split("\n")


def test_first_line_starts_with_the_given_mark() -> None:
    assert wrap_text("word " * 20, 3, first="1.").startswith("1. word word")
    lines = wrap_text("word " * 20, 3, first="1.").split("\n")
    assert lines == ["1. " + " ".join(["word"] * 14), "   " + " ".join(["word"] * 6)]


ADDRESSES = st.sampled_from(["http://e.org/" + "a" * 80, "https://e.org/" + "b" * 30])
PLAIN_WORDS = st.lists(
    st.one_of(st.text("ab.,é", min_size=1, max_size=90), ADDRESSES), min_size=1, max_size=30
)
ANY_WORDS = st.lists(
    st.one_of(
        st.text("ab.,é", min_size=1, max_size=90),
        st.text("论文，。", max_size=60),
        st.text("βγδ", min_size=1, max_size=80),
        ADDRESSES,
    ),
    max_size=20,
)


@given(PLAIN_WORDS.map(" ".join), st.integers(0, 40))
def test_plain_words_are_broken_the_short_way_as_the_long_way_breaks_them(text: str, indent: int) -> None:
    assert list(_split_lines(text, MAX_COLUMNS - indent)) == (
        list(_wrap_pieces(text, MAX_COLUMNS - indent)) or [""]
    )


@given(ANY_WORDS.map(" ".join).map(clean), st.integers(0, 40))
def test_words_stay_whole_and_in_order_unless_one_is_longer_than_a_line(text: str, indent: int) -> None:
    lines = wrap_text(text, indent).split("\n")
    assert all(line == line.strip() or line == " " * indent + line.strip() for line in lines)
    assert "".join("".join(line.split()) for line in lines) == "".join(text.split())
    assert all(display_width(line) <= MAX_COLUMNS or "://" in line for line in lines)


@given(st.lists(st.text("abé", min_size=1, max_size=30), max_size=40), st.sampled_from(["", "β "]))
def test_every_line_takes_all_the_words_that_it_can(words: list[str], first: str) -> None:
    """Words in any script are wrapped like plain ones."""
    lines = wrap_text(first + " ".join(words)).split("\n")
    assert " ".join(lines).split() == (first + " ".join(words)).split()
    for line, following in pairwise(lines):
        assert display_width(line) + 1 + display_width(following.split()[0]) > MAX_COLUMNS


@pytest.mark.parametrize("letter", ["a", "β"])
def test_a_word_longer_than_a_line_is_broken_where_the_line_ends(letter: str) -> None:
    assert [len(line) for line in wrap_text(letter * 160).split("\n")] == [72, 72, 16]
    lines = wrap_text(f"so {letter * 160} ends").split("\n")
    assert lines == ["so", letter * 72, letter * 72, f"{letter * 16} ends"]


@pytest.mark.parametrize("address", ["http://e.org/" + "a" * 90, "https://e.org/" + "a" * 90])
def test_an_address_of_any_length_and_scheme_stays_whole_and_what_follows_goes_on(address: str) -> None:
    assert wrap_text(f"See {address} for more").split("\n") == ["See", address, "for more"]


def test_blanks_and_line_ends_of_a_source_become_single_blanks() -> None:
    assert wrap_text("one  two\nthree") == "one two three"
    assert wrap_text("一 二\n三", 3) == "   一 二 三"
    assert wrap_text("") == wrap_text("  ") == ""


@pytest.mark.parametrize("greek", ["", "β "])
def test_a_line_is_full_at_seventy_two_columns_and_not_before(greek: str) -> None:
    first, second = greek + "a" * (36 - len(greek)), "b" * 35
    assert wrap_text(f"{first} {second} c {first} {second}").split("\n") == [
        f"{first} {second}",
        f"c {first}",
        second,
    ]
    assert wrap_text(f"{first} {second}b c").split("\n") == [first, f"{second}b c"]
    assert wrap_text(f"{'a' * 72} {first} {second}").split("\n") == ["a" * 72, f"{first} {second}"]


@pytest.mark.parametrize("letters", ["XaX", "βXβ"])
def test_where_a_line_ends_no_blank_is_left_and_no_letter_is_lost(letters: str) -> None:
    word = letters * 23
    assert wrap_text(f"{word}   {word}    {word} ").split("\n") == [word] * 3
