"""Tests of reading and escaping the rows of files."""

import re
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.subscribers.table_files import escape_formula, read_rows

FORMULA_CHARS = "=+-@\t\r\uff1d\uff0b\uff0d\uff20"
SPLITS = re.compile(r"[;|\t\r\n]")  # where a spreadsheet splits that was told another delimiter


@given(cell=st.text(st.sampled_from(f"'\";|\n{FORMULA_CHARS}a, "), max_size=8))
def test_formulas_are_escaped_and_come_back_as_they_were(cell: str) -> None:
    escaped = escape_formula(cell)
    assert not escaped.startswith(tuple(FORMULA_CHARS))
    assert not any(part.lstrip(' "').startswith(tuple("=+-@\uff1d")) for part in SPLITS.split(escaped))
    escaped = escaped.replace('"', '""')
    [(_, row)] = read_rows(BytesIO(f'email,text\r\nada@example.com,"{escaped}"\r\n'.encode()))
    assert row["text"] == cell


@pytest.mark.parametrize("cell", ["wombats;=HYPERLINK(1)", "one\n+1", 'a;"=1"', "|@x", "a\t-1", "\uff1d1"])
def test_a_formula_inside_free_text_is_escaped(cell: str) -> None:
    assert escape_formula(cell).count("'") == 1
    assert escape_formula("one; two - three = 4") == "one; two - three = 4"
