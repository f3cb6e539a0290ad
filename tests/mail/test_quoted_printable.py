"""Quoted-printable and encoded words: short seven-bit lines that decode to the text."""

import re
from binascii import a2b_qp
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.quoted_printable import (
    encode_fragment,
    encode_phrase,
    encode_quoted_printable,
    encode_words,
    to_one_line,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
DOTTED_TEXT = st.text("..=é\n a", max_size=300)


@given(st.one_of(TEXT, DOTTED_TEXT))
def test_lines_are_short_seven_bit_and_never_start_with_a_dot(text: str) -> None:
    lines = encode_quoted_printable(text).split(b"\r\n")
    assert all(len(line) <= 76 and line.isascii() and not line.startswith(b".") for line in lines)
    assert b"\n" not in b"".join(lines)


@given(st.one_of(TEXT, DOTTED_TEXT))
def test_encoded_text_decodes_to_itself(text: str) -> None:
    plain = text.replace("\r", "")
    assert a2b_qp(encode_quoted_printable(text)).replace(b"\r\n", b"\n").decode() == plain


@given(st.lists(st.one_of(TEXT, DOTTED_TEXT), max_size=6))
def test_fragments_decode_to_the_whole_text_in_short_lines(texts: list[str]) -> None:
    encoded = b"".join(map(encode_fragment, texts))
    assert all(len(line) <= 76 and not line.startswith(b".") for line in encoded.split(b"\r\n"))
    assert a2b_qp(encoded).replace(b"\r\n", b"\n").decode() == "".join(texts).replace("\r", "")


@given(TEXT.map(to_one_line).filter(bool))
def test_encoded_words_are_short_and_read_back(text: str) -> None:
    words = encode_words(text).split("\r\n ")
    assert all(len(word) <= 75 for word in words)
    assert str(make_header(decode_header(" ".join(words)))) == text


def test_phrase_is_bare_quoted_or_encoded_as_needed() -> None:
    assert encode_phrase("Trending Papers") == "Trending Papers"
    assert encode_phrase('Papers, "daily"') == '"Papers, \\"daily\\""'
    assert encode_phrase("Bücher") == "=?utf-8?q?B=C3=BCcher?="
    assert encode_phrase("论文") == "=?utf-8?b?6K665paH?="
    assert encode_phrase("=?utf-8?q?x?=").startswith("=?utf-8?q?=3D")


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
def test_encoded_words_are_filled_and_readable_if_most_characters_are_ascii(
    text: str, words: list[str]
) -> None:
    assert encode_words(text).split("\r\n ") == words


@given(st.text(".é", min_size=20, max_size=120), st.integers(60, 80))
def test_line_made_too_long_by_an_escaped_dot_is_not_broken_inside_a_character(tail: str, plain: int) -> None:
    text = "." + "a" * plain + tail
    encoded = encode_quoted_printable(text)
    assert a2b_qp(encoded).decode() == text
    for line in encoded.split(b"\r\n"):
        assert len(line) <= 76
        assert re.fullmatch(rb"(?:[^=.]|=[0-9A-F]{2})(?:[^=]|=[0-9A-F]{2})*=?", line)


ENCODED_CHAR = re.compile(rb"=[0-9A-F]{2}|[^=]")


@pytest.mark.parametrize("plain", range(60, 80))
def test_a_line_that_an_escaped_dot_makes_too_long_is_filled_to_its_end(plain: int) -> None:
    first, *others = encode_quoted_printable("." + "a" * plain + "é" * 9).split(b"\r\n")
    following = ENCODED_CHAR.match(others[0]) if others else None
    assert following
    assert len(first) + len(following[0]) > 76


def test_a_dot_is_escaped_at_the_beginning_of_any_line_and_nowhere_else() -> None:
    assert encode_quoted_printable("one\n.two\n..three.\nfour") == b"one\r\n=2Etwo\r\n=2E.three.\r\nfour"


def test_line_ends_and_tabs_in_a_header_become_one_blank() -> None:
    assert to_one_line(" a\r\n\tb\u2028c\x00") == "a b c"


@pytest.mark.parametrize(("letters", "lines"), [(73, 1), (74, 2), (75, 2)])
def test_a_line_is_broken_only_if_it_must_be(letters: int, lines: int) -> None:
    assert len(encode_quoted_printable("." + "a" * letters).split(b"\r\n")) == lines


def test_phrase_keeps_a_backslash() -> None:
    assert encode_phrase("Papers\\, daily") == '"Papers\\\\, daily"'


def test_lone_surrogate_becomes_a_question_mark() -> None:
    assert encode_quoted_printable("a\ud800b") == b"a?b"
    assert encode_words("aa\ud800") == "=?utf-8?q?aa=3F?="
    assert encode_quoted_printable("one\r\ntwo") == b"one\r\ntwo"
