"""Tests of decoding as browsers do it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.sources.text.encoding import decode_text, find_encoding, find_http_label, to_utf8

TITLE = "Étude “sur” la laine – deux"


def declare(encoding: str, text: str = TITLE) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?><t>{text}</t>'


@pytest.mark.parametrize("label", ["ISO-8859-1", "latin1", "us-ascii", "windows-1252", "x-cp1252"])
def test_latin_1_and_ascii_mean_windows_1252(label: str) -> None:
    assert decode_text(declare(label).encode("cp1252")) == (declare(label), 0)


@pytest.mark.parametrize("label", ["ISO-8859-1", "utf-16", "gb2312", "no-such-charset", "punycode", "zip"])
def test_bytes_that_are_utf_8_are_utf_8_whatever_the_label_says(label: str) -> None:
    assert decode_text(declare(label).encode()) == (declare(label), 0)


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("windows-1251", "Считаем овец"),
        ("koi8-r", "Считаем овец"),
        ("gb2312", "数绵羊的方法"),
        ("shift_jis", "羊を数える"),
        ("euc-kr", "양을 세다"),
        ("iso-2022-jp", "羊を数える"),
        ("big5", "數綿羊"),
        ("iso-8859-15", "Le prix en € de la laine"),
    ],
)
def test_declared_encoding_is_used(label: str, text: str) -> None:
    assert decode_text(declare(label, text).encode(label))[0] == declare(label, text)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_utf_16_is_known_with_and_without_a_byte_order_mark(encoding: str, bom: str) -> None:
    assert decode_text((bom + declare("UTF-16")).encode(encoding)) == (declare("UTF-16"), 0)


def test_byte_order_mark_wins_over_every_label() -> None:
    body = ("\ufeff" + declare("ISO-8859-1")).encode()
    assert decode_text(body, http_label="windows-1251") == (declare("ISO-8859-1"), 0)


def test_header_wins_over_the_declaration() -> None:
    body = declare("ISO-8859-1", "Считаем овец").encode("cp1251")
    assert decode_text(body, http_label="windows-1251")[0] == declare("ISO-8859-1", "Считаем овец")


def test_stray_byte_costs_one_letter_and_is_counted() -> None:
    body = "Считаем овец в caf".encode() + b"\xe9" + " и дома".encode()
    assert decode_text(body) == ("Считаем овец в café и дома", 1)


@pytest.mark.parametrize(
    ("content_type", "label"),
    [
        ("text/xml;charset=WINDOWS-1251", "WINDOWS-1251"),
        ('text/xml; Charset = "utf-8"; x=y', "utf-8"),
        ("text/xml", ""),
        ("", ""),
        ("charset", ""),
    ],
)
def test_label_of_a_header_is_found(content_type: str, label: str) -> None:
    assert find_http_label(content_type) == label


def test_body_that_only_its_header_labels_becomes_utf_8() -> None:
    body = "<t>Считаем овец</t>"
    assert to_utf8(body.encode("cp1251"), "text/xml; charset=windows-1251").decode() == body
    assert to_utf8(body.encode(), "text/xml; charset=windows-1251").decode() == body
    assert to_utf8(b"<t>\x1b$BMS\x1b(B</t>", "text/xml; charset=iso-2022-jp").decode() == "<t>羊</t>"


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\ufeff"), max_size=50))
def test_utf_8_is_decoded_as_it_is(text: str) -> None:
    body = f"<{text}".encode()
    if not body.startswith(b"<\0"):
        assert decode_text(body) == (f"<{text}", 0)


@given(st.binary(max_size=300), st.sampled_from(["", "utf-8", "latin1", "gbk", "big5", "x", "iso-2022-jp"]))
def test_any_bytes_are_decoded(body: bytes, label: str) -> None:
    text, strays = decode_text(body, http_label=label)
    assert len(text.encode()) >= strays >= 0


@given(st.text(max_size=40))
def test_any_label_is_known_or_not(label: str) -> None:
    encoding = find_encoding(label)
    assert encoding == "" or isinstance(b"sheep".decode(encoding), str)
