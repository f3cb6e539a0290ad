"""Tests of reading and escaping the rows of files."""

from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st

from digest.subscribers.table_files import escape_formula, read_rows

FORMULA_CHARS = "=+-@\t\r"


@given(cell=st.text(st.sampled_from(f"'{FORMULA_CHARS}a, "), max_size=6))
def test_formulas_are_escaped_and_come_back_as_they_were(cell: str) -> None:
    escaped = escape_formula(cell)
    assert not escaped.startswith(tuple(FORMULA_CHARS))
    [(_, row)] = read_rows(BytesIO(f'email,text\r\nada@example.com,"{escaped}"\r\n'.encode()))
    assert row["text"] == cell
