"""Is a filled stencil exactly the filled text, encoded?"""

from hypothesis import given
from hypothesis import strategies as st

from digest.mail.precompiled import EncodedTemplate, hole
from digest.mail.quoted_printable import quoted

SAFE = st.text("abcXYZ019_-", min_size=1, max_size=40)
AROUND = st.text("aé=. <\n", max_size=120)
LINES = st.text(st.characters(exclude_categories=["Cs", "Co"]), max_size=60)


def poured(stencil: EncodedTemplate, **values: str | bytes | list[bytes]) -> bytes:
    into: list[bytes] = []
    stencil.pour(values, into)
    return b"".join(into)


@given(AROUND, AROUND, LINES)
def test_a_value_of_any_length_is_encoded_with_its_line(before: str, after: str, value: str) -> None:
    stencil = EncodedTemplate(f"{before}{hole('x')}{after}", html=False)
    assert poured(stencil, x=value) == quoted(f"{before}{value}{after}")


@given(AROUND, AROUND, AROUND, SAFE, SAFE)
def test_values_of_a_known_width_are_put_where_they_come_to_stand(
    before: str, between: str, after: str, one: str, other: str
) -> None:
    text = f"{before}{hole('one')}{between}{hole('other')}{after}"
    stencil = EncodedTemplate(text, html=True, widths={"one": len(one), "other": len(other)})
    expected = quoted(f"{before}{one}{between}{other}{after}")
    assert poured(stencil, one=one.encode(), other=other.encode()) == expected


@given(LINES, LINES, LINES, SAFE)
def test_a_line_may_wait_for_several_values_some_of_a_known_width(
    one: str, two: str, three: str, four: str
) -> None:
    text = f"{hole('one')} {hole('two')} {hole('four')} {hole('three')}\n"
    stencil = EncodedTemplate(text, html=False, widths={"four": len(four)})
    assert poured(stencil, one=one, two=two, three=three, four=four.encode()) == (
        quoted(f"{one} {two} {four} {three}\n")
    )


def test_a_list_of_bytes_fills_a_whole_line() -> None:
    stencil = EncodedTemplate(f"above\n{hole('x')}\nbelow\n", html=False)
    assert poured(stencil, x=[b"1\r\n", b"2\r\n"]) == b"above\r\n1\r\n2\r\nbelow\r\n"


def test_values_in_html_are_escaped() -> None:
    assert poured(EncodedTemplate(f"<p>{hole('x')}</p>\n", html=True), x="<b>") == b"<p>&lt;b&gt;</p>\r\n"
