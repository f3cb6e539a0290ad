"""How does text travel as seven-bit lines?"""

import re
from binascii import a2b_qp
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.quoted_printable import encoded_words, one_line, phrase, quoted

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
DOTTED = st.text("..=é\n a", max_size=300)


@given(st.one_of(TEXT, DOTTED))
def test_lines_are_short_seven_bit_and_never_start_with_a_dot(text: str) -> None:
    lines = quoted(text).split(b"\r\n")
    assert all(len(line) <= 76 and line.isascii() and not line.startswith(b".") for line in lines)
    assert b"\n" not in b"".join(lines)


@given(st.one_of(TEXT, DOTTED))
def test_what_is_encoded_reads_back(text: str) -> None:
    plain = text.replace("\r", "")
    assert a2b_qp(quoted(text)).replace(b"\r\n", b"\n").decode() == plain


@given(st.one_of(TEXT, DOTTED), st.one_of(TEXT, DOTTED))
def test_lines_encode_each_by_itself(one: str, other: str) -> None:
    one, other = one + "\n", other + "\n"
    assert quoted(one) + quoted(other) == quoted(one + other)


@given(TEXT.map(one_line).filter(bool))
def test_encoded_words_are_short_and_read_back(text: str) -> None:
    words = encoded_words(text).split("\r\n ")
    assert all(len(word) <= 75 for word in words)
    assert str(make_header(decode_header(" ".join(words)))) == text


def test_a_name_is_bare_quoted_or_encoded_as_it_needs() -> None:
    assert phrase("Trending Papers") == "Trending Papers"
    assert phrase('Papers, "daily"') == '"Papers, \\"daily\\""'
    assert phrase("Bücher") == "=?utf-8?q?B=C3=BCcher?="
    assert phrase("论文") == "=?utf-8?b?6K665paH?="
    assert phrase("=?utf-8?q?x?=").startswith("=?utf-8?q?=3D")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("é" * 30, ["=?utf-8?b?" + "w6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6k=" + "?=",
                    "=?utf-8?b?w6nDqcOpw6nDqcOpw6nDqQ==?="]),
        ("é" + "a" * 60, ["=?utf-8?q?=C3=A9" + "a" * 57 + "?=", "=?utf-8?q?aaa?="]),
        ("aé", ["=?utf-8?b?YcOp?="]),
        ("aaé", ["=?utf-8?q?aa=C3=A9?="]),
        ("Bücher täglich", ["=?utf-8?q?B=C3=BCcher_t=C3=A4glich?="]),
        ("é" + "a" * 121, ["=?utf-8?q?=C3=A9" + "a" * 57 + "?=", "=?utf-8?q?" + "a" * 63 + "?=",
                           "=?utf-8?q?a?="]),
    ],
)  # fmt: skip
def test_encoded_words_are_filled_and_readable_where_most_letters_are_plain(
    text: str, words: list[str]
) -> None:
    assert encoded_words(text).split("\r\n ") == words


@given(st.text(".é", min_size=20, max_size=120), st.integers(60, 80))
def test_a_line_that_an_escaped_dot_makes_too_long_is_broken_but_never_within_a_sign(
    tail: str, plain: int
) -> None:
    text = "." + "a" * plain + tail
    encoded = quoted(text)
    assert a2b_qp(encoded).decode() == text
    for line in encoded.split(b"\r\n"):
        assert len(line) <= 76
        assert re.fullmatch(rb"(?:[^=.]|=[0-9A-F]{2})(?:[^=]|=[0-9A-F]{2})*=?", line)


SIGN = re.compile(rb"=[0-9A-F]{2}|[^=]")


@pytest.mark.parametrize("plain", range(60, 80))
def test_a_line_that_an_escaped_dot_makes_too_long_is_filled_to_its_end(plain: int) -> None:
    first, *others = quoted("." + "a" * plain + "é" * 9).split(b"\r\n")
    following = SIGN.match(others[0]) if others else None
    assert following
    assert len(first) + len(following[0]) > 76


def test_a_dot_is_escaped_at_the_beginning_of_any_line_and_nowhere_else() -> None:
    assert quoted("one\n.two\n..three.\nfour") == b"one\r\n=2Etwo\r\n=2E.three.\r\nfour"


def test_line_ends_and_tabs_in_a_header_become_one_blank() -> None:
    assert one_line(" a\r\n\tb\u2028c\x00") == "a b c"


@pytest.mark.parametrize(("letters", "lines"), [(73, 1), (74, 2), (75, 2)])
def test_a_line_is_broken_only_if_it_must_be(letters: int, lines: int) -> None:
    assert len(quoted("." + "a" * letters).split(b"\r\n")) == lines


def test_a_name_with_a_backslash_keeps_it() -> None:
    assert phrase("Papers\\, daily") == '"Papers\\\\, daily"'


def test_half_a_letter_travels_as_a_question_mark() -> None:
    assert quoted("a\ud800b") == b"a?b"
    assert encoded_words("aa\ud800") == "=?utf-8?q?aa=3F?="
    assert quoted("one\r\ntwo") == b"one\r\ntwo"
