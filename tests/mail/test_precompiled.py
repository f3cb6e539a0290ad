"""Precompiled templates: filling one equals encoding the filled text."""

from hypothesis import given
from hypothesis import strategies as st

from digest.mail.precompiled import EncodedTemplate, placeholder
from digest.mail.quoted_printable import encode_quoted_printable

SAFE = st.text("abcXYZ019_-", min_size=1, max_size=40)
AROUND = st.text("aé=. <\n", max_size=120)
LINES = st.text(st.characters(exclude_categories=["Cs", "Co"]), max_size=60)


def fill(template: EncodedTemplate, **values: str | bytes | list[bytes]) -> bytes:
    output: list[bytes] = []
    template.fill(values, output)
    return b"".join(output)


@given(AROUND, AROUND, LINES)
def test_a_value_of_any_length_is_encoded_with_its_line(before: str, after: str, value: str) -> None:
    template = EncodedTemplate(f"{before}{placeholder('x')}{after}", html=False)
    assert fill(template, x=value) == encode_quoted_printable(f"{before}{value}{after}")


@given(AROUND, AROUND, AROUND, SAFE, SAFE)
def test_values_of_known_width_are_inserted_at_their_offsets(
    before: str, between: str, after: str, one: str, other: str
) -> None:
    text = f"{before}{placeholder('one')}{between}{placeholder('other')}{after}"
    template = EncodedTemplate(text, html=True, widths={"one": len(one), "other": len(other)})
    expected = encode_quoted_printable(f"{before}{one}{between}{other}{after}")
    assert fill(template, one=one.encode(), other=other.encode()) == expected


@given(LINES, LINES, LINES, SAFE)
def test_line_may_have_several_values_some_of_known_width(one: str, two: str, three: str, four: str) -> None:
    text = f"{placeholder('one')} {placeholder('two')} {placeholder('four')} {placeholder('three')}\n"
    template = EncodedTemplate(text, html=False, widths={"four": len(four)})
    assert fill(template, one=one, two=two, three=three, four=four.encode()) == (
        encode_quoted_printable(f"{one} {two} {four} {three}\n")
    )


def test_a_list_of_bytes_fills_a_whole_line() -> None:
    template = EncodedTemplate(f"above\n{placeholder('x')}\nbelow\n", html=False)
    assert fill(template, x=[b"1\r\n", b"2\r\n"]) == b"above\r\n1\r\n2\r\nbelow\r\n"


def test_values_in_html_are_escaped() -> None:
    assert (
        fill(EncodedTemplate(f"<p>{placeholder('x')}</p>\n", html=True), x="<b>") == b"<p>&lt;b&gt;</p>\r\n"
    )
