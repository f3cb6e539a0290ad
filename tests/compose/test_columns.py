"""How does text stand in a terminal?"""

from hypothesis import given
from hypothesis import strategies as st

from digest.compose.clean import clean
from digest.compose.columns import COLUMNS, width, wrapped

ORDINARY = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=400)


@given(ORDINARY.filter(lambda text: "http" not in text))
def test_no_line_is_wider_than_the_terminal_and_nothing_is_lost(text: str) -> None:
    lines = wrapped(clean(text), 3).split("\n")
    assert all(width(line) <= COLUMNS for line in lines)
    assert "".join("".join(lines).split(" ")) == clean(text).replace(" ", "")


def test_wide_letters_take_two_columns_and_closing_marks_never_begin_a_line() -> None:
    assert width("论文") == 4
    lines = wrapped("论文，" * 40).split("\n")
    assert len(lines) == 4
    assert not any(line.startswith("，") for line in lines)


def test_a_web_address_is_never_broken() -> None:
    url = "https://example.com/" + "a" * 100
    assert url in wrapped(f"See {url} for more").split("\n")


def test_the_first_line_carries_its_mark() -> None:
    assert wrapped("word " * 20, 3, first="1.").startswith("1. word word")
    assert "\n   word" in wrapped("word " * 20, 3, first="1.")
