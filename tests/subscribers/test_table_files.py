"""What is written for a spreadsheet is read again as it was."""

from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st

from digest.subscribers.table_files import guarded, rows_of

SIGNS = "=+-@\t\r"


@given(cell=st.text(st.sampled_from(f"'{SIGNS}a, "), max_size=6))
def test_no_cell_is_taken_for_a_formula_and_all_come_back_as_they_were(cell: str) -> None:
    written = guarded(cell)
    assert not written.startswith(tuple(SIGNS))
    [(_, row)] = rows_of(BytesIO(f'email,text\r\nada@example.com,"{written}"\r\n'.encode()))
    assert row["text"] == cell
